"""The collections of the demo's household."""

from __future__ import annotations

from pathlib import Path

from medianest_core.testing.simulators import running
from medianest_plex.simulator import PlexSimulator


async def test_shelves_hold_titles_that_fit(tmp_path: Path) -> None:
    simulator = PlexSimulator(items=200, data_dir=tmp_path, shelves="yes")
    async with running(simulator):
        library = simulator.world.library
        shelves = {item.title: library.below(item) for item in library.collections()}
    assert len(shelves) >= 3
    assert all(members for members in shelves.values())
    for movie in shelves.get("In 4K", []):
        assert movie.shape is not None
        assert movie.shape.resolution == "4k"


async def test_there_are_none_unless_asked_for(tmp_path: Path) -> None:
    simulator = PlexSimulator(items=50, data_dir=tmp_path)
    async with running(simulator):
        assert simulator.world.library.collections() == []
