"""View-models of admin → sync → matching."""

from __future__ import annotations

from dataclasses import dataclass

from .common import NORMAL, Action, Art, Badge, Choice, TileState


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRow:
    """A server's record of a title. `split`: takes it off the title; None where the title has no other."""

    title: str
    source: str
    ids: str
    split: Action | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedRow:
    id: int
    title: str
    path: str
    note: str
    art: Art | None
    icon: str
    records: tuple[RecordRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingRow:
    """Titles of which something is in doubt. `join`: makes one of them; None where that cannot be."""

    about: str
    titles: tuple[MatchedRow, ...]
    join: Action | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRow:
    id: int
    badge: Badge
    text: str
    at: float
    who: str
    back: Action


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldRow:
    """A library with titles that its server no longer lists."""

    title: str
    source: str
    text: str
    badge: Badge
    titles: tuple[MatchedRow, ...]
    more: str
    actions: tuple[Action, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PartRow:
    """A season or an episode of the title that is looked at."""

    title: str
    path: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchingView:
    """`core/admin/sync_matching.html`. `choices` are what can be looked at; of `findings`, `decisions` and `held` one is filled. `title_id`: of the
    one title that is looked at, if any; `above`: (name, path) of what it is part of, `parts`: what it is made of, `others`: what it could be joined with, where it
    is a part itself."""

    tabs: tuple[Choice, ...]
    choices: tuple[Choice, ...]
    text: str
    findings: tuple[FindingRow, ...] = ()
    decisions: tuple[DecisionRow, ...] = ()
    held: tuple[HeldRow, ...] = ()
    title_id: int | None = None
    above: tuple[tuple[str, str], ...] = ()
    parts: tuple[PartRow, ...] = ()
    others: tuple[Choice, ...] = ()
    before_path: str | None = None
    after_path: str | None = None
    state: TileState = NORMAL
