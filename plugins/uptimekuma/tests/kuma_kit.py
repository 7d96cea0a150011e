"""The plugin's parts pointed at a simulator through the guarded HTTP client."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medianest_core.sdk import CheckResult, Http
from medianest_core.testing.loopback import guarded_client
from medianest_core.testing.simulators import running
from medianest_uptimekuma.client import KumaClient
from medianest_uptimekuma.service import check, close, connect
from medianest_uptimekuma.settings import KumaSettings
from medianest_uptimekuma.simulation.monitors import Monitor
from medianest_uptimekuma.simulator import KumaSimulator
from medianest_uptimekuma.status import KumaStatus
from medianest_uptimekuma.webhooks import KumaWebhooks

SIGN_IN = {"username": "admin", "password": "long password"}
INSTANCE = "11111111-2222-3333-4444-555555555555"


@dataclass
class Plugged:
    """One instance of the plugin, connected to `simulator`."""

    simulator: KumaSimulator
    url: str
    settings: KumaSettings
    http: Http
    client: KumaClient

    @property
    def status(self) -> KumaStatus:
        return KumaStatus(INSTANCE, self.settings, self.http, self.client)

    @property
    def webhooks(self) -> KumaWebhooks:
        return KumaWebhooks(INSTANCE, self.settings, self.http, self.client)

    async def check(self) -> CheckResult:
        return await check(self.settings, self.client)

    def monitor(self, name: str) -> Monitor:
        return next(one for one in self.simulator.world.monitors.values() if one.name == name)


@contextlib.asynccontextmanager
async def kuma(
    tmp_path: Path, profile: str = "2", **options: Any
) -> AsyncIterator[tuple[KumaSimulator, str]]:
    """A simulator that answers."""
    async with running(KumaSimulator(data_dir=tmp_path, profile=profile, **options)) as served:
        assert isinstance(served.simulator, KumaSimulator)
        yield served.simulator, served.url


@contextlib.asynccontextmanager
async def plugged(simulator: KumaSimulator, url: str, **values: Any) -> AsyncIterator[Plugged]:
    """The plugin with these settings on top of the address; by sign-in where none are given."""
    settings = KumaSettings.model_validate({"url": url, **(values or SIGN_IN)})
    async with guarded_client(settings) as http:
        client = await connect(settings, http)
        try:
            yield Plugged(simulator, url, settings, http, client)
        finally:
            await close(client)
