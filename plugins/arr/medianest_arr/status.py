"""Is it up, and what does it complain about?"""

from __future__ import annotations

import time

from medianest_arr.client import ArrClient
from medianest_arr.service import RADARR, SONARR
from medianest_arr.settings import RadarrSettings, SonarrSettings
from medianest_core.sdk import Item, Snapshot, StatusProvider


async def look(client: ArrClient) -> Snapshot:
    """One item for the service itself; its own complaints are the message, because it runs in spite of them."""
    begun = time.perf_counter()
    system = await client.system()
    elapsed_ms = round((time.perf_counter() - begun) * 1000, 1)
    notes = [note.message for note in await client.health() if note.type in {"warning", "error"}]
    item = Item(system.app_name, up=True, message="; ".join(notes)[:300], response_ms=elapsed_ms)
    return Snapshot([item], system.version or None)


class RadarrStatus(StatusProvider[RadarrSettings, ArrClient]):
    service = RADARR

    async def snapshot(self) -> Snapshot:
        return await look(self.client)


class SonarrStatus(StatusProvider[SonarrSettings, ArrClient]):
    service = SONARR

    async def snapshot(self) -> Snapshot:
        return await look(self.client)
