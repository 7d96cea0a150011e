"""Is it up, and which version is it?"""

from __future__ import annotations

import time

from medianest_core.sdk import N_, Item, Snapshot, StatusProvider
from medianest_overseerr.client import SeerrClient
from medianest_overseerr.service import SEERR
from medianest_overseerr.settings import SeerrSettings


class SeerrStatus(StatusProvider[SeerrSettings, SeerrClient]):
    service = SEERR

    async def snapshot(self) -> Snapshot:
        begun = time.perf_counter()
        status = await self.client.status()
        elapsed_ms = round((time.perf_counter() - begun) * 1000, 1)
        message = N_("Waits to be restarted") if status.restart_required else ""
        return Snapshot(
            [Item(N_("Requests"), up=True, message=message, response_ms=elapsed_ms)], status.version
        )
