"""View-models of admin → sync → priorities."""

from __future__ import annotations

from dataclasses import dataclass

from .common import NORMAL, Action, Art, Badge, Choice, Progress, TileState


@dataclass(frozen=True, slots=True, kw_only=True)
class StepLink:
    """One step of a source in the order: a link to the page with that order. `disabled`: it stands at the end already."""

    id: str
    label: str
    icon: str
    path: str
    disabled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RankRow:
    """A source in the order. `rank` counts from 1; those that count alike share it."""

    id: str
    title: str
    icon: str
    rank: int
    note: str
    badges: tuple[Badge, ...]
    steps: tuple[StepLink, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapRow:
    """A value before and after, in words, or as a picture; with the sources they come from."""

    field: str
    before: str
    after: str
    before_from: str
    after_from: str
    before_art: Art | None = None
    after_art: Art | None = None
    tall: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleRow:
    title: str
    path: str
    kind: str
    swaps: tuple[SwapRow, ...]
    more: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProspectPanel:
    """What saving would change."""

    text: str
    note: str
    groups: tuple[tuple[str, str], ...]
    servers: tuple[tuple[str, str], ...]
    examples: tuple[ExampleRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PrioritiesView:
    """`core/admin/sync_priorities.html`. `changed`: the order shown is not the stored one. `order`, `version`: travel with the form.
    `move_path`: begins the address of any other order, for dragging. `ask_path`: brings `prospect`. `token`: differs for each order."""

    tabs: tuple[Choice, ...]
    groups: tuple[Choice, ...]
    group: str
    group_text: str
    rows: tuple[RankRow, ...]
    order: str
    version: int
    changed: bool
    move_path: str
    ask_path: str
    token: str
    reset_path: str
    prospect: ProspectPanel | None = None
    progress: Progress | None = None
    actions: tuple[Action, ...] = ()
    state: TileState = NORMAL
