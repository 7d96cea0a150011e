"""FieldOwner: titles, descriptions, artwork and ids of what the household has."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from medianest_core.sdk import (
    MOVIE,
    SHOW,
    AuthFailed,
    FieldOwner,
    FieldReport,
    NotFound,
    ProviderError,
    RateLimited,
    TitleKey,
)
from medianest_tmdb import models
from medianest_tmdb.client import TmdbClient
from medianest_tmdb.finding import details
from medianest_tmdb.reading import Row, rows, text, whole
from medianest_tmdb.service import TMDB
from medianest_tmdb.settings import TmdbSettings

AT_ONCE = 4
_DAYS = 14
"""How far back TMDB tells of changes at once."""
_FIELDS = (
    "title",
    "original_title",
    "summary",
    "tagline",
    "released_on",
    "year",
    "content_rating",
    "genres",
    "assets",
    "ids",
)


class TmdbFields(FieldOwner[TmdbSettings, TmdbClient]):
    service = TMDB

    def fields(self) -> Mapping[str, Sequence[str]]:
        return {MOVIE: _FIELDS, SHOW: _FIELDS}

    async def report(self, keys: Sequence[TitleKey]) -> FieldReport:
        """A title that TMDB does not know was probed. Where TMDB goes away on the way, the rest was not; only if nothing could
        be asked at all the error is raised."""
        slots = asyncio.Semaphore(AT_ONCE)
        failed: list[ProviderError] = []

        async def one(key: TitleKey) -> tuple[str, Mapping[str, Any]] | None:
            async with slots:
                # After a refusal the others would only be refused too.
                if any(isinstance(error, AuthFailed | RateLimited) for error in failed):
                    return None
                try:
                    wire, row = await details(self.client, key.kind, key.ids, self.config.language)
                    return key.id, values_of(wire, row, self.config.language)
                except NotFound:
                    return key.id, {}
                except ProviderError as error:
                    failed.append(error)
                    return None

        found = [made for made in await asyncio.gather(*map(one, keys)) if made is not None]
        if failed and not found:
            raise failed[0]
        return FieldReport(
            values={title: values for title, values in found if values},
            probed=frozenset(title for title, _ in found),
            complete=len(found) == len(keys),
        )

    async def changes(self, since: float) -> AsyncIterator[Mapping[str, str]]:
        """At most the last fourteen days; a film and a series may bear the same id."""
        begin = max(since, time.time() - _DAYS * 86400 + 3600)
        days = {
            "start_date": datetime.fromtimestamp(begin, UTC).date().isoformat(),
            "end_date": datetime.now(UTC).date().isoformat(),
        }
        for wire in models.KINDS:
            page, pages = 1, 1
            while page <= min(pages, models.LAST_PAGE):
                found = await self.client.get(f"/{wire}/changes", page=page, **days)
                for row in rows(found, "results"):
                    if (tmdb := whole(row, "id")) is not None:
                        yield {"tmdb": str(tmdb)}
                pages, page = whole(found, "total_pages") or 1, page + 1


def values_of(wire: str, row: Row, language: str) -> dict[str, Any]:
    """Fields by the names that media records use; what TMDB does not say is left out."""
    made = models.details(wire, row, language)
    assets = {
        name: reference
        for name, reference in (("poster", made.image), ("backdrop", made.backdrop))
        if reference
    }
    values: dict[str, Any] = {
        "title": made.title,
        "original_title": text(row, "original_title", "original_name"),
        "summary": made.summary,
        "tagline": made.fields.get("tagline"),
        "released_on": made.released,
        "year": made.year,
        "content_rating": made.fields.get("content_rating"),
        "genres": list(made.genres),
        "assets": assets,
        "ids": dict(made.ids),
    }
    return {name: value for name, value in values.items() if value}
