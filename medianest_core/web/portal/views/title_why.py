"""View-models of "Why does it look like this?"."""

from __future__ import annotations

from dataclasses import dataclass

from .common import NORMAL, Action, Art, Badge, Choice, Fact, TileState


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A value to be read: `text` short, `rest` all of it where that is more, `art` of pictures."""

    text: str
    rest: str = ""
    art: Art | None = None
    wide: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferRow:
    """What one source says. `rank`: its place, in words."""

    server: str
    rank: str
    value: Shown
    chosen: bool
    action: Action | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyRow:
    """A value, where it comes from, and what else there is. `write`: the field takes words of the admin's own, these are the present ones."""

    id: str
    label: str
    value: Shown
    source: Badge
    reason: str
    note: str = ""
    noted_at: float | None = None
    run_path: str | None = None
    offers: tuple[OfferRow, ...] = ()
    offers_label: str = ""
    actions: tuple[Action, ...] = ()
    write: str | None = None
    write_values: tuple[tuple[str, str], ...] = ()
    history_path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyGroup:
    """Values of one kind. `order`: who is asked first, second, …"""

    id: str
    title: str
    order: str
    rows: tuple[WhyRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRow:
    """A change. `who`: a name, "" where a sync ran by itself."""

    label: str
    at: float
    before: Shown
    after: Shown
    reason: str
    who: str
    run: str = ""
    run_path: str | None = None
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TitleWhyView:
    """`core/title_why.html`: one of `groups` and `past`. `path`: of this page."""

    title: str
    kind_label: str
    title_path: str
    path: str
    tabs: tuple[Choice, ...]
    actions: tuple[Action, ...] = ()
    groups: tuple[WhyGroup, ...] = ()
    past: tuple[PastRow, ...] = ()
    past_of: str = ""
    next_path: str | None = None
    note: str = ""
    state: TileState = NORMAL


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoRow:
    """What a rollback does to a value, or without `before` and `after` to a title."""

    title: str
    title_path: str
    label: str
    before: Shown | None
    after: Shown | None
    outcome: Badge


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncUndoView:
    """`core/admin/sync_undo.html`: what rolling back a run would do. `rows` are the first of them."""

    tabs: tuple[Choice, ...]
    run: int
    run_path: str
    facts: tuple[Fact, ...]
    rows: tuple[UndoRow, ...]
    action: Action | None = None
    state: TileState = NORMAL
