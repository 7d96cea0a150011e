"""Films and series of a Jellyfin server."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Sequence

from medianest_core.sdk import (
    EPISODE,
    MOVIE,
    SEASON,
    SHOW,
    Image,
    Library,
    MediaRecord,
    MediaSource,
    RawRecord,
    RecordPage,
)
from medianest_jellyfin_library.client import JellyfinClient
from medianest_jellyfin_library.models import TICKS_A_MS, Item, instant
from medianest_jellyfin_library.service import JELLYFIN, JellyfinSettings

KINDS = {"Movie": MOVIE, "Series": SHOW, "Season": SEASON, "Episode": EPISODE}
LIBRARIES = {"movies": MOVIE, "tvshows": SHOW}
TYPES = {MOVIE: ("Movie",), SHOW: ("Series", "Season", "Episode")}
"""Kind of a library → what is listed of it, one after another: parents come before children."""
IDS = {"Imdb": "imdb", "Tmdb": "tmdb", "Tvdb": "tvdb"}
ANYWHERE = ""
"""Library of a title that was asked for by itself: Jellyfin does not say, and the portal knows from the listing."""


class JellyfinMedia(MediaSource[JellyfinSettings, JellyfinClient]):
    service = JELLYFIN

    async def libraries(self) -> Sequence[Library]:
        found = await self.client.folders()
        return [
            Library(one.item_id, one.name, LIBRARIES[one.collection_type], one.locations)
            for one in found
            if one.collection_type in LIBRARIES
        ]

    async def records(self, library: Library) -> AsyncIterator[RecordPage]:
        for wanted in TYPES[library.kind]:
            async for page in self.client.items(parentId=library.key, includeItemTypes=wanted):
                yield RecordPage([_raw(one, library.key) for one in page.items if one.type in KINDS])

    async def record(self, key: str) -> RawRecord | None:
        item = await self.client.item(key)
        return _raw(item, ANYWHERE) if item is not None and item.type in KINDS else None

    async def search(self, text: str, limit: int) -> Sequence[RawRecord]:
        page = await self.client.some(searchTerm=text, limit=str(limit), includeItemTypes="Movie,Series")
        return [_raw(one, ANYWHERE) for one in page.items if one.type in KINDS]

    async def recent(self, limit: int) -> Sequence[RawRecord]:
        wanted = {"sortBy": "DateCreated", "sortOrder": "Descending", "includeItemTypes": "Movie,Episode"}
        page = await self.client.some(limit=str(limit), **wanted)
        return [_raw(one, ANYWHERE) for one in page.items if one.type in KINDS]

    async def image(self, reference: str, width: int, height: int) -> Image:
        return await self.client.image(reference, width, height)

    async def deep_link(self, key: str) -> str:
        return f"{self.config.base_url()}/web/#/details?id={key}"


def _raw(item: Item, library: str) -> RawRecord:
    digest = hashlib.sha256(item.model_dump_json().encode()).hexdigest()[:16]
    return RawRecord(item.id, KINDS[item.type], digest, lambda: _record(item, library))


def _record(item: Item, library: str) -> MediaRecord:
    said = {
        "title": item.name,
        "year": item.production_year,
        "summary": item.overview or None,
        "released_on": item.premiere_date[:10] if item.premiere_date else None,
        "content_rating": item.official_rating or None,
        "audience_rating": item.community_rating,
        "duration_ms": item.run_time_ticks // TICKS_A_MS if item.run_time_ticks else None,
        "genres": item.genres or None,
        "directors": [one.name for one in item.people if one.type == "Director"] or None,
        "cast": [{"name": one.name, "role": one.role or ""} for one in item.people if one.type == "Actor"]
        or None,
        "assets": {"poster": f"{item.id}/Primary/{item.image_tags['Primary']}"}
        if "Primary" in item.image_tags
        else None,
    }
    return MediaRecord(
        item.id,
        KINDS[item.type],
        item.name,
        library,
        year=item.production_year,
        ids={IDS[name]: value for name, value in item.provider_ids.items() if name in IDS and value},
        parent={"Season": item.series_id, "Episode": item.season_id or item.series_id}.get(item.type),
        index=item.index_number,
        fields={name: value for name, value in said.items() if value is not None},
        added_at=instant(item.date_created),
    )
