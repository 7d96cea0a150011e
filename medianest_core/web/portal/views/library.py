"""View-models of home, the library, a title and collections."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from .common import (
    NORMAL,
    UNSAVED,
    Action,
    Art,
    Badge,
    Card,
    Choice,
    Fact,
    Poster,
    Progress,
    SavedBar,
    Sentinel,
    Shelf,
    TileState,
)
from .forms import Form
from .plays import PlaysView


@dataclass(frozen=True, slots=True, kw_only=True)
class Focus:
    """The focal point of home: what to go on with, or what is newest."""

    title: str
    path: str
    kicker: str = ""
    backdrop: Art | None = None
    poster: Art | None = None
    facts: tuple[str, ...] = ()
    overview: str = ""
    progress: float | None = None
    left: float | None = None
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeView:
    """`core/home.html`. `state` replaces everything (a portal without a service yet)."""

    greeting: str
    focus: Focus | None = None
    shelves: tuple[Shelf, ...] = ()
    cards: tuple[Card, ...] = ()
    arrange_path: str | None = None
    state: TileState = NORMAL


@dataclass(frozen=True, slots=True, kw_only=True)
class CardRow:
    """A card of the home page on the page that arranges them."""

    id: str
    title: str
    icon: str
    hidden: bool
    actions: tuple[Action, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierCards:
    """How the cards were before. notes: what is different now."""

    title: str
    notes: tuple[str, ...]
    action: Action


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrangeView:
    """`core/arrange.html`. `reset` forgets what the person chose; None where nothing was chosen. earlier: newest first."""

    cards: tuple[CardRow, ...]
    reset: Action | None = None
    earlier: tuple[EarlierCards, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterGroup:
    """One filter of the library: the query parameter `name` with its choices. `open` groups stand unfolded."""

    name: str
    label: str
    choices: tuple[Choice, ...]
    many: bool = True
    active: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryView:
    """`core/library.html`, and `core/fragments/posters.html` for the next page of it.

    `fragment_path` answers the grid alone (htmx, on any change of the filter form). `chips` are the active filters; their
    path is the page without that one. `changed`: sent after a change of the filters, with all that stands around the grid.
    """

    title: str
    total: int
    posters: tuple[Poster, ...]
    path: str = "/library"
    fragment_path: str = "/fragments/library"
    kinds: tuple[Choice, ...] = ()
    filters: tuple[FilterGroup, ...] = ()
    sorts: tuple[Choice, ...] = ()
    sort: str = ""
    query: str = ""
    density: Literal["cosy", "dense"] = "cosy"
    chips: tuple[Choice, ...] = ()
    year_from: str = ""
    year_to: str = ""
    saved: SavedBar = UNSAVED
    clear_path: str = "/library"
    changed: bool = False
    next: Sentinel | None = None
    state: TileState = NORMAL
    sync: Progress | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    number: int
    title: str
    overview: str = ""
    still: Art | None = None
    aired_at: float | None = None
    runtime: float | None = None
    seen: bool = False
    progress: float | None = None
    play: Action | None = None
    badges: tuple[Badge, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Season:
    """A season; `episodes` are filled for the open one, `load_path` fetches those of the others."""

    number: int
    title: str
    count: int
    path: str
    poster: Art | None = None
    year: str = ""
    seen: int = 0
    open: bool = False
    episodes: tuple[Episode, ...] = ()
    load_path: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """Where a title can be played: one row per instance. `qualities` such as 4K, HDR10, 5.1, German."""

    server: str
    library: str
    qualities: tuple[Badge, ...] = ()
    size: int | None = None
    added_at: float | None = None
    play: Action | None = None
    state: TileState = NORMAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    name: str
    role: str = ""
    art: Art | None = None
    path: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TitleView:
    """`core/title.html`. `provenance_path` explains why the title looks as it does. `id` and `path`: what the page loads again
    when the library says that this title changed. `wide`: its picture is 16:9."""

    title: str
    kind: Literal["movie", "show", "video", "other"]
    kind_label: str
    id: str = ""
    path: str = ""
    wide: bool = False
    poster: Art | None = None
    backdrop: Art | None = None
    original_title: str = ""
    tagline: str = ""
    overview: str = ""
    headline: tuple[str, ...] = ()
    genres: tuple[Choice, ...] = ()
    rating: float | None = None
    facts: tuple[Fact, ...] = ()
    badges: tuple[Badge, ...] = ()
    plays: PlaysView | None = None
    actions: tuple[Action, ...] = ()
    availability: tuple[Availability, ...] = ()
    seasons: tuple[Season, ...] = ()
    people: tuple[Person, ...] = ()
    similar: Shelf | None = None
    collections: tuple[Choice, ...] = ()
    slots: tuple[Card, ...] = field(default=())
    provenance_path: str | None = None
    state: TileState = NORMAL


@dataclass(frozen=True, slots=True, kw_only=True)
class TitleReportView:
    """`core/title_report.html`. `path`: the title's page."""

    title: str
    kind_label: str
    path: str
    form: Form
    poster: Art | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionCard:
    title: str
    path: str
    count: int
    server: str = ""
    art: tuple[Art, ...] = ()
    smart: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionsView:
    """`core/collections.html`."""

    collections: tuple[CollectionCard, ...]
    total: int
    next: Sentinel | None = None
    state: TileState = NORMAL


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionView:
    """`core/collection.html`."""

    title: str
    posters: tuple[Poster, ...]
    total: int
    overview: str = ""
    art: Art | None = None
    server: str = ""
    smart: bool = False
    facts: tuple[Fact, ...] = ()
    actions: tuple[Action, ...] = ()
    next: Sentinel | None = None
    state: TileState = NORMAL
