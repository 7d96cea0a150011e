"""Catalog: knows titles that exist in the world, whether the household has them or not. Provisional."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from medianest_core.sdk.capabilities import Capability, optional, unsupported
from medianest_core.sdk.media import Image
from medianest_core.sdk.service import C, Provider, S


class CatalogCapability(Capability):
    DISCOVER = "discover"
    EXTERNAL_IDS = "external_ids"
    IMAGES = "images"


@dataclass(frozen=True, slots=True)
class CatalogPerson:
    """Someone of the cast or crew. role: the part played, or the work done. image: reference for `Catalog.image`, or None."""

    name: str
    role: str = ""
    image: str | None = None


@dataclass(frozen=True, slots=True)
class CatalogSeason:
    """released: ISO date of the first episode, or None. episodes: how many, or None."""

    number: int
    title: str = ""
    episodes: int | None = None
    released: str | None = None


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """One title.

    kind: a media type such as "movie" or "show". ids: "tmdb", "imdb", "tvdb" → id. image, backdrop: references for `Catalog.image`, or None.
    released: ISO date. rating: 0 to 10. popularity: larger is more popular, comparable within one catalog. runtime: seconds. people and seasons: only in
    details. fields: anything else, as library fields are named.
    """

    kind: str
    ids: Mapping[str, str]
    title: str
    year: int | None = None
    summary: str = ""
    image: str | None = None
    backdrop: str | None = None
    original_title: str = ""
    released: str | None = None
    rating: float | None = None
    popularity: float = 0.0
    runtime: float | None = None
    genres: Sequence[str] = ()
    people: Sequence[CatalogPerson] = ()
    seasons: Sequence[CatalogSeason] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CatalogPage:
    """page: number of this page, from 1. pages: how many there are. total: of all entries, or None where the service does not say."""

    entries: Sequence[CatalogEntry]
    page: int = 1
    pages: int = 1
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Feed:
    """A list that people browse, e.g. trending. kinds: media types it holds.

    Lists of one name of several catalogs are shown as one. Common names: trending; movies and shows (the popular ones), each also
    with _upcoming, _now and _best.
    """

    name: str
    title: str
    kinds: Sequence[str] = ()


class Catalog(Provider[S, C]):
    attribution: str = ""
    """A sentence that the service's terms want shown beside what comes from it."""

    @abstractmethod
    async def search(self, text: str, page: int = 1, language: str = "en") -> CatalogPage:
        """Titles that match, best first."""

    @abstractmethod
    async def details(self, kind: str, ids: Mapping[str, str], language: str = "en") -> CatalogEntry:
        """Everything known about one title. Raises NotFound."""

    @optional(CatalogCapability.DISCOVER)
    def feeds(self) -> Sequence[Feed]:
        """The lists that `discover` knows, the best first."""
        raise unsupported(self, CatalogCapability.DISCOVER)

    @optional(CatalogCapability.DISCOVER)
    async def discover(self, feed: str, page: int = 1, language: str = "en") -> CatalogPage:
        """A page of a feed. Raises NotFound for an unknown one."""
        raise unsupported(self, CatalogCapability.DISCOVER)

    @optional(CatalogCapability.EXTERNAL_IDS)
    async def external_ids(self, kind: str, ids: Mapping[str, str]) -> Mapping[str, str]:
        """All ids of the title that is known by one of these."""
        raise unsupported(self, CatalogCapability.EXTERNAL_IDS)

    @optional(CatalogCapability.IMAGES)
    async def image(self, reference: str, width: int, height: int) -> Image:
        """The image at about that size or larger (pixels); the core resizes and caches."""
        raise unsupported(self, CatalogCapability.IMAGES)
