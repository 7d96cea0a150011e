"""Catalog: what TMDB knows of films and series."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from medianest_core.sdk import (
    MOVIE,
    N_,
    SHOW,
    Catalog,
    CatalogEntry,
    CatalogPage,
    Feed,
    Image,
    NotFound,
)
from medianest_tmdb import models
from medianest_tmdb.client import TmdbClient
from medianest_tmdb.finding import details, tmdb_id
from medianest_tmdb.service import TMDB
from medianest_tmdb.settings import TmdbSettings

SIZES: Mapping[str, Sequence[int]] = {
    "poster": (92, 154, 185, 342, 500, 780),
    "backdrop": (300, 780, 1280),
    "profile": (45, 185),
    "logo": (45, 92, 154, 185, 300, 500),
}
"""Widths that the image host has, besides the original."""
_REFERENCE = re.compile(r"(poster|backdrop|profile|logo):(/[A-Za-z0-9_-]{1,100}\.(?:jpg|jpeg|png|webp))")


@dataclass(frozen=True, slots=True)
class _Chart:
    """kinds: media types it holds. wire: TMDB's word where its rows do not say theirs."""

    path: str
    title: str
    kinds: tuple[str, ...]
    wire: str | None = None
    since: str = ""
    """Name of the parameter that says from which day on, for lists of what is to come."""


_CHARTS: Mapping[str, _Chart] = {
    "trending": _Chart("/trending/all/week", N_("Trending"), (MOVIE, SHOW)),
    "movies": _Chart("/movie/popular", N_("Popular films"), (MOVIE,), "movie"),
    "shows": _Chart("/tv/popular", N_("Popular series"), (SHOW,), "tv"),
    "movies_now": _Chart("/movie/now_playing", N_("In cinemas"), (MOVIE,), "movie"),
    "movies_upcoming": _Chart("/movie/upcoming", N_("Upcoming films"), (MOVIE,), "movie"),
    "shows_upcoming": _Chart("/discover/tv", N_("Upcoming series"), (SHOW,), "tv", "first_air_date.gte"),
    "shows_now": _Chart("/tv/on_the_air", N_("Series on the air"), (SHOW,), "tv"),
    "movies_best": _Chart("/movie/top_rated", N_("Best rated films"), (MOVIE,), "movie"),
    "shows_best": _Chart("/tv/top_rated", N_("Best rated series"), (SHOW,), "tv"),
}


class TmdbCatalog(Catalog[TmdbSettings, TmdbClient]):
    service = TMDB
    attribution = N_(
        "Titles and posters come from TMDB. This product uses the TMDB API but is not endorsed or certified by TMDB."
    )

    async def search(self, text: str, page: int = 1, language: str = "en") -> CatalogPage:
        wanted = " ".join(text.split())
        if not wanted:
            return CatalogPage(())
        found = await self.client.get(
            "/search/multi", query=wanted, page=_page(page), language=self.config.spoken(language)
        )
        return models.page(found)

    async def details(self, kind: str, ids: Mapping[str, str], language: str = "en") -> CatalogEntry:
        spoken = self.config.spoken(language)
        wire, row = await details(self.client, kind, ids, spoken)
        return models.details(wire, row, spoken)

    def feeds(self) -> Sequence[Feed]:
        return [Feed(name, chart.title, chart.kinds) for name, chart in _CHARTS.items()]

    async def discover(self, feed: str, page: int = 1, language: str = "en") -> CatalogPage:
        chart = _CHARTS.get(feed)
        if chart is None:
            raise NotFound("There is no such list.")
        since = {}
        if chart.since:
            since[chart.since] = (datetime.now(UTC).date() + timedelta(days=1)).isoformat()
        found = await self.client.get(
            chart.path, page=_page(page), language=self.config.spoken(language), **since
        )
        return models.page(found, chart.wire)

    async def external_ids(self, kind: str, ids: Mapping[str, str]) -> Mapping[str, str]:
        wire, tmdb = await tmdb_id(self.client, kind, ids)
        found = await self.client.get(f"/{wire}/{tmdb}/external_ids")
        return models.ids({"id": tmdb, "external_ids": found})

    async def image(self, reference: str, width: int, height: int) -> Image:
        """The reference is "poster:/path.jpg", or backdrop, profile or logo."""
        match = _REFERENCE.fullmatch(reference)
        if match is None:
            raise NotFound("TMDB has no such picture.")
        size = next((f"w{one}" for one in SIZES[match[1]] if one >= width), "original")
        reply = await self.client.image(f"{self.config.image_base()}/{size}{match[2]}")
        return Image(reply.content, reply.headers["content-type"].partition(";")[0].strip())


def _page(number: int) -> int:
    return min(max(number, 1), models.LAST_PAGE)
