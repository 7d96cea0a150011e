"""What OMDb knows of titles that others hold, found by their IMDb ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from medianest_core.sdk import MOVIE, SHOW, FieldOwner, FieldReport, ProviderError, TitleKey
from medianest_omdb.client import OmdbClient
from medianest_omdb.models import FIELDS
from medianest_omdb.service import OMDB, OmdbSettings


class OmdbFields(FieldOwner[OmdbSettings, OmdbClient]):
    service = OMDB

    def fields(self) -> Mapping[str, Sequence[str]]:
        return {MOVIE: FIELDS, SHOW: FIELDS}

    async def report(self, keys: Sequence[TitleKey]) -> FieldReport:
        values: dict[str, Mapping[str, Any]] = {}
        probed: set[str] = set()
        for key in keys:
            imdb = key.ids.get("imdb", "")
            try:
                said = await self.client.title(imdb) if imdb else None
            except ProviderError:
                if not values:
                    raise
                # What was learnt is kept; the rest was not looked at, and so it loses nothing.
                break
            probed.add(key.id)
            if said is not None and (found := said.values()):
                values[key.id] = found
        return FieldReport(values, frozenset(probed), complete=len(probed) == len({one.id for one in keys}))
