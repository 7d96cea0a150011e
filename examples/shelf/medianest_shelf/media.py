"""The library: what the shelf holds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict

from medianest_core.sdk import MOVIE, Library, MediaRecord, MediaSource, RawRecord, RecordPage
from medianest_shelf.shelf import SHELF, Film, Shelf, ShelfSettings

LIBRARY = "films"


class ShelfMedia(MediaSource[ShelfSettings, Shelf]):
    service = SHELF

    async def libraries(self) -> Sequence[Library]:
        return [Library(LIBRARY, f"{self.client.owner}'s films", MOVIE)]

    async def records(self, library: Library) -> AsyncIterator[RecordPage]:
        films = self.client.films
        yield RecordPage([_raw(one) for one in films], total=len(films))

    async def record(self, key: str) -> RawRecord | None:
        return next((_raw(one) for one in self.client.films if one.key == key), None)

    async def search(self, text: str, limit: int) -> Sequence[RawRecord]:
        words = text.casefold()
        return [_raw(one) for one in self.client.films if words in one.title.casefold()][:limit]


def _raw(film: Film) -> RawRecord:
    # What is digested is what the source says: an equal digest spares the portal the decoding, and all that follows.
    digest = hashlib.sha256(json.dumps(asdict(film), sort_keys=True).encode()).hexdigest()[:16]
    return RawRecord(film.key, MOVIE, digest, lambda: _record(film))


def _record(film: Film) -> MediaRecord:
    return MediaRecord(
        film.key,
        MOVIE,
        film.title,
        LIBRARY,
        year=film.year,
        # By these the portal knows that two servers hold the same film, and field owners find it.
        ids={"imdb": film.imdb},
        fields={
            "title": film.title,
            "year": film.year,
            "summary": film.summary,
            "duration_ms": film.minutes * 60_000,
        },
    )
