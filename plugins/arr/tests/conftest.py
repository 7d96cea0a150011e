"""Simulators on loopback, and the plugin configured for them."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from medianest_arr.simulation.world import World
from medianest_core.base.http_factory import HttpFactory
from medianest_core.testing.simulators import running

from .arr_kit import Plugged, plug, radarr_simulator, sonarr_simulator


@pytest.fixture
async def factory() -> AsyncIterator[HttpFactory]:
    made = HttpFactory()
    yield made
    await made.close()


@pytest.fixture
async def radarr(tmp_path: Path, factory: HttpFactory) -> AsyncIterator[Plugged]:
    async with running(radarr_simulator(tmp_path)) as served:
        yield await plug(factory, served)


@pytest.fixture
async def sonarr(tmp_path: Path, factory: HttpFactory) -> AsyncIterator[Plugged]:
    async with running(sonarr_simulator(tmp_path)) as served:
        yield await plug(factory, served)


@pytest.fixture(params=["radarr", "sonarr"])
async def either(
    request: pytest.FixtureRequest, tmp_path: Path, factory: HttpFactory
) -> AsyncIterator[Plugged]:
    """Once with each service."""
    make = radarr_simulator if request.param == "radarr" else sonarr_simulator
    async with running(make(tmp_path)) as served:
        yield await plug(factory, served)


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over there time passes only by `advance`, however long a busy machine takes from one question to the next."""
    began = time.time()
    monkeypatch.setattr(World, "now", property(lambda self: began + self.offset))
