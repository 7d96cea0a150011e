"""A TMDB simulator on loopback, and the plugin configured for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from medianest_core.base.http_factory import HttpFactory
from medianest_core.cache.memory import MemoryCache
from medianest_core.testing.simulators import RunningSimulator, running
from medianest_tmdb.client import TmdbClient
from medianest_tmdb.simulator import TmdbSimulator

from .tmdb_kit import Plugged, plug


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a machine that is busy."""
    monkeypatch.setitem(TmdbClient.__init__.__kwdefaults__ or {}, "timeout", 60.0)


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[RunningSimulator]:
    async with running(TmdbSimulator(items=200, data_dir=tmp_path)) as found:
        yield found


@pytest.fixture
async def factory() -> AsyncIterator[HttpFactory]:
    made = HttpFactory()
    made.memory = MemoryCache()
    yield made
    await made.close()


@pytest.fixture
async def tmdb(served: RunningSimulator, factory: HttpFactory) -> Plugged:
    return await plug(factory, served)
