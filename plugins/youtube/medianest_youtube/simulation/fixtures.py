"""pytest fixtures: one simulated site (its films are made once a session) and a child to talk to.

A test module takes them with ``pytest_plugins = ("medianest_youtube.simulation.fixtures",)``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from medianest_core.testing.server import running
from medianest_youtube.simulation.harness import Runner, Site
from medianest_youtube.simulator import VideoSiteSimulator


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("site")


@pytest.fixture
async def site(films: Path) -> AsyncIterator[Site]:
    simulator = VideoSiteSimulator(data_dir=films, bytes_per_second=0)
    async with running(simulator) as served:
        yield Site(served, simulator)


@pytest.fixture
def child_runner(site: Site, tmp_path: Path) -> Runner:
    return Runner(site, tmp_path / "work")
