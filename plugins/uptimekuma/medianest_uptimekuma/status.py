"""What Uptime Kuma watches, as status items."""

from __future__ import annotations

from medianest_core.sdk import Snapshot, StatusProvider
from medianest_uptimekuma.client import KumaClient
from medianest_uptimekuma.service import KUMA, read
from medianest_uptimekuma.settings import KumaSettings


class KumaStatus(StatusProvider[KumaSettings, KumaClient]):
    service = KUMA

    async def snapshot(self) -> Snapshot:
        readings, version = await read(self.config, self.client)
        return Snapshot([reading.item() for reading in readings], version)
