"""Whether it fetches, and what: for the status page and for the card."""

from __future__ import annotations

from medianest_core.sdk import Item, Snapshot, StatusProvider
from medianest_sabnzbd.client import Queue, SabnzbdClient
from medianest_sabnzbd.service import SABNZBD, SabnzbdSettings


class SabnzbdStatus(StatusProvider[SabnzbdSettings, SabnzbdClient]):
    service = SABNZBD

    async def snapshot(self) -> Snapshot:
        queue = await self.client.queue()
        # A pause is somebody's wish and no outage: neither up nor down.
        item = Item(
            "Queue", None if queue.paused else True, "Paused" if queue.paused else f"{queue.count} downloads"
        )
        return Snapshot([item], version=queue.version)

    async def queue(self) -> Queue:
        """For the card. Methods of one's own go through the portal's guard as all others do."""
        return await self.client.queue()
