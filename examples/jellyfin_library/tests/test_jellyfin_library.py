"""The contract of media sources, and the library that comes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from medianest_core.testing.connecting import connected
from medianest_core.testing.contracts import MediaContract
from medianest_core.testing.portal import TestPortal
from medianest_core.testing.simulators import running
from medianest_jellyfin_library.media import JellyfinMedia
from medianest_jellyfin_library.models import instant
from medianest_jellyfin_library.simulator import KEY, JellyfinSimulator


class TestMedia(MediaContract):
    provider = JellyfinMedia
    simulator = JellyfinSimulator


def test_times_with_seven_digits() -> None:
    assert instant("1970-01-01T00:00:01.5000000Z") == 1.5
    assert instant("1970-01-02T00:00:00Z") == 86_400.0
    assert instant("0001-01-01") is not None and instant("soon") is None and instant(None) is None


async def test_it_lists_all_pages_and_no_songs(tmp_path: Path) -> None:
    simulator = JellyfinSimulator(data_dir=tmp_path)
    async with running(simulator), connected(JellyfinMedia, simulator) as source:
        found = {one.title: one for one in await source.libraries()}
        assert found.keys() == {"Films", "Series"}
        films = [raw.decode() async for page in source.records(found["Films"]) for raw in page.records]
        parts = [raw.decode() async for page in source.records(found["Series"]) for raw in page.records]
    assert len(films) == 20 and all(one.ids["imdb"].startswith("tt") for one in films)
    assert len(parts) == 20 and {one.kind for one in parts} == {"show", "season", "episode"}


@pytest.mark.medianest("jellyfin_library")
async def test_its_titles_come_into_the_library(medianest: TestPortal, tmp_path: Path) -> None:
    medianest.keeps_secret(KEY)
    (jellyfin,) = await medianest.simulated(JellyfinSimulator, tmp_path / "jellyfin", items=6)
    assert jellyfin.ready, jellyfin.reason
    root = await medianest.person("admin")
    assert (await root.client.post("/api/v1/sync", json={})).status_code == 202
    await medianest.run_jobs()
    told = (await root.client.get("/api/v1/library/titles")).json()
    assert len(told["items"]) == 8
