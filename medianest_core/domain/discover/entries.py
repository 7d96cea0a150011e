"""What the pages and the API are told of titles that exist in the world."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Availability:
    """The library's title. instance_ids: servers that have it. quality: nominal height, 0 unknown. episodes: of a show.
    poster: image id."""

    title_id: int
    instance_ids: Sequence[str]
    quality: int = 0
    episodes: int = 0
    poster: str | None = None


@dataclass(frozen=True, slots=True)
class RequestMark:
    """Somebody has asked for the title. id: of the request. state: as requests name theirs. mine: the viewer takes part in it."""

    id: str
    state: str
    mine: bool = False
    variant: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One title of one or several catalogs.

    key: "kind:provider:id", names it in addresses; see `key_of` and `parse_key`. ids: provider → id, of all catalogs together.
    image, backdrop: below "/img/", or None. released: ISO date. rating: 0 to 10. runtime: seconds. sources: instance ids of the
    catalogs that know it; empty where only the library does.
    """

    key: str
    kind: str
    ids: Mapping[str, str]
    title: str
    year: int | None = None
    summary: str = ""
    original_title: str = ""
    released: str | None = None
    rating: float | None = None
    popularity: float = 0.0
    runtime: float | None = None
    genres: Sequence[str] = ()
    image: str | None = None
    backdrop: str | None = None
    sources: Sequence[str] = ()
    available: Availability | None = None
    request: RequestMark | None = None


@dataclass(frozen=True, slots=True)
class Trouble:
    """A catalog that is missing from a list, or whose part of it is old.

    reason: a sentence, as the service or we said it. late: it did not answer in time; what it says is there the next time.
    shown_from: when the older answer that is shown instead was given (epoch seconds), or None where there is none.
    """

    instance_id: str
    title: str
    reason: str
    late: bool = False
    shown_from: float | None = None


@dataclass(frozen=True, slots=True)
class Results:
    """A page of entries. pages: how many there are. total: of all entries as the largest catalog counts, or None.
    attributions: sentences that have to be shown beside them. asked: how many catalogs there are."""

    entries: Sequence[Entry] = ()
    page: int = 1
    pages: int = 1
    total: int | None = None
    troubles: Sequence[Trouble] = ()
    attributions: Sequence[str] = ()
    asked: int = 0


@dataclass(frozen=True, slots=True)
class FeedInfo:
    """A list to browse. title: in the words of `plugin`, untranslated. kinds: media types it holds; empty: any.
    sources: instance ids of the catalogs that have it."""

    name: str
    title: str
    plugin: str
    kinds: Sequence[str] = ()
    sources: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Person:
    """image: below "/img/", or None."""

    name: str
    role: str = ""
    image: str | None = None


@dataclass(frozen=True, slots=True)
class SeasonInfo:
    """episodes: how many there are, or None where nobody says. held: how many of them the library has. title_id: the library's."""

    number: int
    title: str = ""
    episodes: int | None = None
    released: str | None = None
    held: int = 0
    title_id: int | None = None


@dataclass(frozen=True, slots=True)
class Details:
    """Everything known of one title. entry: None where no catalog that answers knows it and the library has it not.
    fields: anything else, as library fields are named."""

    entry: Entry | None
    people: Sequence[Person] = ()
    seasons: Sequence[SeasonInfo] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)
    troubles: Sequence[Trouble] = ()
    attributions: Sequence[str] = ()


def key_of(kind: str, ids: Mapping[str, str]) -> str:
    """The entry's key: by the first of its ids."""
    provider, value = next(iter(ids.items()), ("", ""))
    return f"{kind}:{provider}:{value}"


def parse_key(key: str) -> tuple[str, dict[str, str]] | None:
    """Kind and ids of a key, or None for what is none."""
    kind, _, rest = key.partition(":")
    provider, _, value = rest.partition(":")
    if not (kind and provider and value) or len(key) > 200:
        return None
    return kind, {provider: value}
