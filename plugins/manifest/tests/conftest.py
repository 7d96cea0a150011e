"""A simulated file server on loopback, and the plugin configured for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from medianest_core.base.http_factory import HttpFactory
from medianest_core.cache.memory import MemoryCache
from medianest_core.testing.simulators import RunningSimulator, running
from medianest_manifest.client import ManifestServer
from medianest_manifest.simulator import ManifestSimulator

from .manifest_kit import Plugged, plug


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a machine that is busy."""
    monkeypatch.setattr(ManifestServer, "timeout", 60.0)
    monkeypatch.setattr(ManifestServer, "small_timeout", 60.0)


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[RunningSimulator]:
    async with running(ManifestSimulator(items=240, data_dir=tmp_path)) as found:
        yield found


@pytest.fixture
async def factory() -> AsyncIterator[HttpFactory]:
    made = HttpFactory()
    made.memory = MemoryCache()
    yield made
    await made.close()


@pytest.fixture
async def files(served: RunningSimulator, factory: HttpFactory) -> Plugged:
    """With the token, as the demo is."""
    return await plug(factory, served)
