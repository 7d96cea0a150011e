"""Does TMDB answer, and does it take our token?"""

from __future__ import annotations

import time

from medianest_core.sdk import Item, Snapshot, StatusProvider
from medianest_tmdb.client import TmdbClient
from medianest_tmdb.service import TMDB
from medianest_tmdb.settings import TmdbSettings


class TmdbStatus(StatusProvider[TmdbSettings, TmdbClient]):
    service = TMDB

    async def snapshot(self) -> Snapshot:
        begun = time.perf_counter()
        await self.client.authenticate()
        elapsed_ms = round((time.perf_counter() - begun) * 1000, 1)
        return Snapshot([Item("TMDB", up=True, response_ms=elapsed_ms)])
