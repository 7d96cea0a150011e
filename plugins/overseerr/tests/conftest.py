"""One Seerr simulator on loopback for all tests, emptied before each, and the plugin configured for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from pytest_asyncio import is_async_test

from medianest_core.base.http_factory import HttpFactory
from medianest_core.testing.simulators import RunningSimulator, running
from medianest_overseerr.simulator import SeerrSimulator

from .seerr_kit import Plugged, plug


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests here share one loop, because they share the simulator that runs in it."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(params=["seerr"])
def profile(request: pytest.FixtureRequest) -> str:
    """Parametrised by tests that hold for Overseerr too."""
    return str(request.param)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def running_seerr(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningSimulator]:
    async with running(SeerrSimulator(data_dir=tmp_path_factory.mktemp("seerr"))) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="session")
async def served(running_seerr: RunningSimulator, profile: str) -> RunningSimulator:
    """Empty, and without what an earlier test did to it."""
    simulator = running_seerr.simulator
    assert isinstance(simulator, SeerrSimulator)
    await simulator.world.reset()
    simulator.world.options.update({"profile": profile})
    simulator.ledger.clear()
    simulator.faults.clear()
    return running_seerr


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def factory() -> AsyncIterator[HttpFactory]:
    """One for all: reading the system's certificates takes longer than most tests."""
    made = HttpFactory()
    yield made
    await made.close()


@pytest_asyncio.fixture(loop_scope="session")
async def seerr(served: RunningSimulator, factory: HttpFactory) -> Plugged:
    return await plug(factory, served)
