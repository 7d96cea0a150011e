"""View-models of what settings were: one state of them, what it changed, and what bringing it back would change."""

from __future__ import annotations

from dataclasses import dataclass

from .forms import Form


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingRow:
    """One setting that differs. hidden: a secret, of which only that is known."""

    label: str
    before: str = ""
    after: str = ""
    hidden: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsStateView:
    """`core/admin/settings_state.html`. crumbs: (label, path) of the pages above.

    changes: against the state before, with `first` the values it began with. differences: what a restore would change now.
    stays: labels of secrets whose values are not kept. form: brings it back; None where it is what counts now, or where nothing
    can be saved, which `obstacle` explains.
    """

    title: str
    text: str
    crumbs: tuple[tuple[str, str], ...]
    changes: tuple[SettingRow, ...]
    first: bool = False
    differences: tuple[SettingRow, ...] = ()
    stays: tuple[str, ...] = ()
    form: Form | None = None
    obstacle: str = ""
