"""The plugin keeps the contracts of what it provides."""

from __future__ import annotations

from typing import Any

from medianest_core.sdk import MediaSource
from medianest_core.testing.contracts import MediaContract, StatusContract
from medianest_core.testing.contracts.media import listed
from medianest_manifest.media import ManifestMedia
from medianest_manifest.simulator import ManifestSimulator
from medianest_manifest.status import ManifestStatus

ITEMS = {"items": 12}


class TestStatus(StatusContract):
    provider = ManifestStatus
    simulator = ManifestSimulator
    options = ITEMS
    answers = False


class TestMedia(MediaContract):
    provider = ManifestMedia
    simulator = ManifestSimulator
    options = ITEMS

    async def read(self, provider: MediaSource[Any, Any]) -> object:
        # Its libraries stand in its settings.
        return await listed(provider, (await provider.libraries())[0])
