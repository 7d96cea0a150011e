"""Catalog of the kitchen sink, with every ability."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from medianest_core.sdk import (
    MOVIE,
    SHOW,
    Catalog,
    CatalogEntry,
    CatalogPage,
    CatalogSeason,
    Feed,
    Http,
    Image,
    NotFound,
)
from tests.kitchen_sink.service import Facet, SinkSettings


def entry(said: Mapping[str, Any]) -> CatalogEntry:
    seasons = tuple(CatalogSeason(**one) for one in said.get("seasons", ()))
    return CatalogEntry(**{**said, "seasons": seasons})


class SinkCatalog(Facet, Catalog[SinkSettings, Http]):
    async def search(self, text: str, page: int = 1, language: str = "en") -> CatalogPage:
        said = await self.ask("world_search", text=text, page=page)
        return CatalogPage([entry(one) for one in said["entries"]], page, said["pages"], said["total"])

    async def details(self, kind: str, ids: Mapping[str, str], language: str = "en") -> CatalogEntry:
        return entry(await self.ask("world_details", kind=kind, imdb=ids.get("imdb", "")))

    def feeds(self) -> Sequence[Feed]:
        return [Feed("trending", "Trending", (MOVIE, SHOW)), Feed("movies", "Films", (MOVIE,))]

    async def discover(self, feed: str, page: int = 1, language: str = "en") -> CatalogPage:
        known = {one.name: one for one in self.feeds()}
        if feed not in known:
            raise NotFound("There is no such list.")
        said = await self.ask("world_feed", kinds=list(known[feed].kinds), page=page)
        return CatalogPage([entry(one) for one in said["entries"]], page, said["pages"], said["total"])

    async def external_ids(self, kind: str, ids: Mapping[str, str]) -> Mapping[str, str]:
        return (await self.details(kind, ids)).ids

    async def image(self, reference: str, width: int, height: int) -> Image:
        return Image(base64.b64decode(await self.ask("world_picture", reference=reference)), "image/png")
