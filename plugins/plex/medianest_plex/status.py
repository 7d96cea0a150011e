"""Is the Plex server up, and which version is it?"""

from __future__ import annotations

import time

from medianest_core.sdk import N_, Item, Snapshot, StatusProvider
from medianest_plex.client import PlexServer
from medianest_plex.service import PLEX
from medianest_plex.settings import PlexSettings


class PlexStatus(StatusProvider[PlexSettings, PlexServer]):
    service = PLEX

    async def snapshot(self) -> Snapshot:
        begun = time.perf_counter()
        identity = await self.client.identity()
        elapsed_ms = (time.perf_counter() - begun) * 1000
        message = "" if identity.claimed is not False else N_("Not claimed by a Plex account")
        item = Item("Plex Media Server", up=True, message=message, response_ms=round(elapsed_ms, 1))
        return Snapshot([item], version=identity.version or None)
