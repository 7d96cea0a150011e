"""View-models of plain pages: a few panels, each with rows, a form, or both."""

from __future__ import annotations

from dataclasses import dataclass

from medianest_core.web.portal.views.common import Action, Badge, Choice, TileState
from medianest_core.web.portal.views.forms import Form


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelRow:
    """steps: buttons of an icon each, such as those that move it in its order."""

    title: str
    id: str = ""
    notes: tuple[str, ...] = ()
    badge: Badge | None = None
    path: str = ""
    actions: tuple[Action, ...] = ()
    steps: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelPart:
    """empty: said where there are no rows and no form."""

    title: str
    text: str = ""
    rows: tuple[PanelRow, ...] = ()
    form: Form | None = None
    empty: str = ""
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelsView:
    """`core/panels.html`. crumbs: (label, path) of the pages above. choices: ways through this page, `choices_label` says what they are.
    note: something that stands in the way."""

    title: str
    parts: tuple[PanelPart, ...]
    text: str = ""
    crumbs: tuple[tuple[str, str], ...] = ()
    choices: tuple[Choice, ...] = ()
    choices_label: str = ""
    note: TileState | None = None
    actions: tuple[Action, ...] = ()
