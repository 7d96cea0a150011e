"""View-models of the discover pages: shelves, what a search found, and the sheet of a title that nobody may have yet."""

from __future__ import annotations

from dataclasses import dataclass

from .common import NORMAL, Action, Art, Badge, Choice, Fact, Poster, SavedBar, Sentinel, Shelf, TileState
from .forms import Field
from .library import Availability, Person


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscoverView:
    """`core/discover.html`, and `core/fragments/discover.html` for the part below the search field.

    Either `shelves` or, for a search and for one list, `posters`. `heading` and `count` stand above the posters. `notes`: catalogs that
    are missing or whose answer is old. `credits`: sentences that the catalogs want to see beside what is theirs.
    """

    query: str = ""
    heading: str = ""
    count: str = ""
    shelves: tuple[Shelf, ...] = ()
    posters: tuple[Poster, ...] = ()
    next: Sentinel | None = None
    back: Action | None = None
    notes: tuple[TileState, ...] = ()
    credits: tuple[str, ...] = ()
    searchable: bool = True
    saved: SavedBar | None = None
    changed: bool = False
    state: TileState = NORMAL


@dataclass(frozen=True, slots=True, kw_only=True)
class SeasonRow:
    """A season of a show; one with `fixed` is there or asked for already and cannot be chosen, `chosen` is ticked."""

    number: int
    title: str
    note: str = ""
    badge: Badge | None = None
    fixed: bool = False
    chosen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WishRow:
    """A request that exists for the title. `path` only where the reader may see it."""

    title: str
    badge: Badge
    path: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestForm:
    """`submit` empty: nothing can be asked for, and `note` says why. `error` is the refusal of what was just sent; `seasons_error` stands
    beside the seasons."""

    path: str
    submit: str = ""
    note: str = ""
    seasons: tuple[SeasonRow, ...] = ()
    fields: tuple[Field, ...] = ()
    more: tuple[Field, ...] = ()
    error: str = ""
    seasons_error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetView:
    """`core/discover_title.html`. `library`: the way to the title where the library has it. `live`: the events after which it is another."""

    title: str
    kind: str
    kind_label: str
    path: str
    form: RequestForm
    poster: Art | None = None
    backdrop: Art | None = None
    original_title: str = ""
    tagline: str = ""
    overview: str = ""
    headline: tuple[str, ...] = ()
    genres: tuple[str, ...] = ()
    rating: float | None = None
    facts: tuple[Fact, ...] = ()
    actions: tuple[Action, ...] = ()
    wishes: tuple[WishRow, ...] = ()
    availability: tuple[Availability, ...] = ()
    people: tuple[Person, ...] = ()
    live: str = ""
    videos: tuple[Choice, ...] = ()
    notes: tuple[TileState, ...] = ()
    credits: tuple[str, ...] = ()
