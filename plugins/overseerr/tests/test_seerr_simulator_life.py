"""The simulator as the demo starts it: lived in, moving by itself, and remembering after a restart."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import httpx

from medianest_core.base.http_factory import HttpFactory
from medianest_core.sdk import RequestStatus
from medianest_core.testing.simulators import load_simulators, running
from medianest_overseerr.simulator import SeerrSimulator

from .seerr_kit import CASEY, item, plug


async def test_requests_in_every_state(tmp_path: Path, factory: HttpFactory) -> None:
    async with running(SeerrSimulator(data_dir=tmp_path, life="yes")) as served:
        seerr = await plug(factory, served)
        found = await seerr.requests.list(0)
        assert {one.status for one in found} == set(RequestStatus) - {
            RequestStatus.APPROVED,
            RequestStatus.GONE,
        }
        assert len(await seerr.requests.issues()) == 1
        owned = next(work for work in seerr.world.titles.all("movie") if work.owned)
        row = await seerr.client.title_row("movie", owned.tmdb)
        assert row["status"] == 5


async def test_things_move_by_themselves_and_are_remembered(tmp_path: Path, factory: HttpFactory) -> None:
    async with running(SeerrSimulator(data_dir=tmp_path, life="yes")) as served:
        seerr = await plug(factory, served)
        before = await seerr.requests.list(0)
        sent = await seerr.requests.submit(item(seerr.film()), CASEY)
        key = seerr.world.api_key
    async with running(SeerrSimulator(data_dir=tmp_path, life="yes")) as served:
        again = await plug(factory, served)
        assert again.world.api_key == key
        again.world.options.update({"process_seconds": 0.05, "available_seconds": 0.05})
        assert len(await again.requests.list(0)) == len(before) + 1
        other = await again.requests.submit(item(again.series(2), 1, 2), CASEY)
        assert other.reference != sent.reference
        async with asyncio.timeout(60):
            while (await again.requests.state(other.reference)).status is not RequestStatus.AVAILABLE:
                await asyncio.sleep(0.02)
    (tmp_path / "rows.json").write_bytes(b"of another version")
    async with running(SeerrSimulator(data_dir=tmp_path, life="yes")) as served:
        assert (await (await plug(factory, served)).requests.list(0))[0].reference


async def test_any_title_can_be_asked_for_in_the_demo(tmp_path: Path, factory: HttpFactory) -> None:
    async with running(SeerrSimulator(data_dir=tmp_path, life="yes")) as served:
        seerr = await plug(factory, served)
        entry = await seerr.catalog.details("movie", {"tmdb": "424242"})
        assert entry.title == "Film 424242"


async def test_it_starts_at_once_and_says_how_to_use_it(tmp_path: Path) -> None:
    assert load_simulators()["seerr"] is SeerrSimulator
    begun = time.process_time()
    assert SeerrSimulator.demo_options == {"life": "yes"}
    simulator = SeerrSimulator(data_dir=tmp_path, life="yes")
    await simulator.start("http://127.0.0.1:1")
    assert time.process_time() - begun < 5
    json.dumps(simulator.facts())
    (instance,) = simulator.demo_instances()
    assert (instance.service, instance.settings["api_key"]) == ("seerr", simulator.facts()["api_key"])
    await simulator.stop()


async def test_the_control_api_stays_when_the_service_fails(tmp_path: Path) -> None:
    async with running(SeerrSimulator(data_dir=tmp_path)) as served:
        served.simulator.faults.add("down")
        async with httpx.AsyncClient(
            trust_env=False, verify=False, timeout=60, base_url=f"{served.url}/_sim"
        ) as client:
            knobs = (await client.put("/options", json={"answer": "html", "servers": False})).json()
            assert knobs["answer"] == "html" and knobs["servers"] is False
            refused: list[object] = [{"answer": "poem"}, {"profile": "x"}, {"servers": 1}, {"nothing": 1}, []]
            for wrong in refused:
                assert (await client.put("/options", json=wrong)).status_code == 400
