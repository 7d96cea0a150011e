"""View-models of where and when people are told of things outside the portal."""

from __future__ import annotations

from dataclasses import dataclass

from .common import NORMAL, Action, Badge, TileState
from .forms import Form


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRow:
    """One address. `code` is the form that confirms it; `note` says how it is."""

    id: str
    title: str
    note: str
    icon: str
    badge: Badge | None = None
    code: Form | None = None
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelKind:
    """A way to add one: `form` for an address that is typed, `push_key` for this browser."""

    title: str
    icon: str
    instance_id: str
    help: str = ""
    problem: str = ""
    form: Form | None = None
    push_key: str = ""
    push_path: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixCell:
    name: str
    label: str
    checked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixRow:
    """name: of the hidden field that says the row was shown."""

    title: str
    name: str
    cells: tuple[MatrixCell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Topics by channels. `columns` are (id, name); `groups` (heading, rows); `digest` asks for one summary a day."""

    path: str
    columns: tuple[tuple[str, str], ...]
    groups: tuple[tuple[str, tuple[MatrixRow, ...]], ...]
    digest: MatrixRow


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRow:
    title: str
    note: str
    badge: Badge
    at: float
    tries: str = ""
    reason: str = ""
    due_at: float | None = None
    again: Action | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelsView:
    """`core/channels.html`."""

    channels: tuple[ChannelRow, ...]
    kinds: tuple[ChannelKind, ...]
    matrix: Matrix | None
    times: Form
    deliveries: tuple[DeliveryRow, ...] = ()
    older: str = ""
    no_links: str = ""
    state: TileState = NORMAL


@dataclass(frozen=True, slots=True, kw_only=True)
class StopView:
    """`core/unsubscribe.html`: before (`action`) and after."""

    title: str
    text: str
    action: Action | None = None
