"""A Plex simulator on loopback, and the plugin configured for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from medianest_core.base.http_factory import HttpFactory
from medianest_core.testing.simulators import RunningSimulator, running
from medianest_plex.simulator import PlexSimulator

from .plex_kit import Plugged, plug


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[RunningSimulator]:
    async with running(PlexSimulator(items=60, data_dir=tmp_path)) as found:
        yield found


@pytest.fixture
async def factory() -> AsyncIterator[HttpFactory]:
    made = HttpFactory()
    yield made
    await made.close()


@pytest.fixture
async def plex(served: RunningSimulator, factory: HttpFactory) -> Plugged:
    """Configured with the server's own token, as the demo is."""
    return await plug(factory, served)


@pytest.fixture
async def owner_plex(served: RunningSimulator, factory: HttpFactory) -> Plugged:
    """Configured with the owner's account token, as an admin would copy it from Plex Web."""
    token = served.simulator.facts()["owner_account_token"]
    return await plug(factory, served, token=token)


@pytest.fixture(params=["server token", "account token"])
async def either_plex(request: pytest.FixtureRequest, plex: Plugged, owner_plex: Plugged) -> Plugged:
    """Once with each kind of token."""
    return plex if request.param == "server token" else owner_plex
