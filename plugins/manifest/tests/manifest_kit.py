"""The plugin's parts pointed at a simulator through the guarded HTTP client."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from typing import Any

from medianest_core.base.egress import EgressPolicy
from medianest_core.base.http_factory import HttpFactory
from medianest_core.sdk import Http, Library, MediaRecord, RawRecord
from medianest_core.testing.simulators import RunningSimulator
from medianest_manifest.client import ManifestServer
from medianest_manifest.index import Index, read
from medianest_manifest.media import ManifestMedia
from medianest_manifest.service import connect
from medianest_manifest.settings import ManifestSettings
from medianest_manifest.simulator import ManifestSimulator
from medianest_manifest.status import ManifestStatus

INSTANCE = "11111111-2222-3333-4444-777777777777"


@dataclass
class Plugged:
    """One instance of the plugin, connected to `simulator`."""

    simulator: ManifestSimulator
    url: str
    settings: ManifestSettings
    http: Http
    server: ManifestServer

    @property
    def media(self) -> ManifestMedia:
        return ManifestMedia(INSTANCE, self.settings, self.http, self.server)

    @property
    def status(self) -> ManifestStatus:
        return ManifestStatus(INSTANCE, self.settings, self.http, self.server)

    def asked(self, path: str = "") -> list[dict[str, Any]]:
        """What the server was asked, below a path."""
        return [one for one in self.simulator.requests if one["path"].startswith(path)]

    async def library(self, kind: str) -> Library:
        return next(one for one in await self.media.libraries() if one.kind == kind)

    async def raw(self, kind: str) -> list[RawRecord]:
        """Everything a list names, in its order."""
        library = await self.library(kind)
        return [record async for page in self.media.records(library) for record in page.records]

    async def records(self, kind: str) -> dict[str, MediaRecord]:
        """Records by key."""
        return {one.key: one.decode() for one in await self.raw(kind)}


async def plug(factory: HttpFactory, served: RunningSimulator, **values: Any) -> Plugged:
    """The plugin configured as the demo does it, with `values` on top."""
    simulator = served.simulator
    assert isinstance(simulator, ManifestSimulator)
    settings = ManifestSettings.model_validate({**simulator.demo_instances()[0].settings, **values})
    http = factory.for_instance(settings.base_url(), EgressPolicy.for_settings(settings))
    return Plugged(simulator, served.url, settings, http, await connect(settings, http))


def indexed(manifest: object, kind: str) -> Index:
    """The index of a manifest given as a value, or as bytes."""
    with tempfile.TemporaryFile() as file:
        file.write(manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode())
        return read(file, kind)
