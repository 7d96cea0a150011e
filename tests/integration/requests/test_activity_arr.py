"""The way of a request as the real plugin for Radarr tells it, over a simulated Radarr."""

from __future__ import annotations

import asyncio
import importlib.metadata
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from medianest_arr.simulation.films import Films
from medianest_arr.simulator import RadarrSimulator
from medianest_core.base.settings import AppSettings
from medianest_core.sdk.requests import RequestBackend
from medianest_core.store.tables.requests import requests
from medianest_core.testing.faults import Rule
from medianest_core.testing.simulators import running
from medianest_core.testing.world.titles import MOVIE, Title, elsewhere
from medianest_core.web.portal.app import Portal
from medianest_core.web.rest.mount import RestApi
from tests.integration.conftest import Gate, opened

FILM = next(one for one in elsewhere(MOVIE) if one.year < 2012)
OWN = {"origin": "http://portal.test"}


@dataclass
class Radarr:
    gate: Gate
    root: Any
    ann: Any
    simulator: RadarrSimulator
    instance_id: str
    request_id: str

    @property
    def films(self) -> Films:
        assert isinstance(self.simulator.world, Films)
        return self.simulator.world

    async def look(self) -> None:
        self.gate.services.host.instances.client(self.instance_id).forget()
        await self.gate.services.activity.looking.look()

    async def steps(self, who: Any) -> dict[str, Any]:
        found = (await who.client.get(f"/api/v1/requests/{self.request_id}/timeline")).json()
        return {one["stage"]: one for one in found["steps"] if one["stage"]}

    def searches(self) -> int:
        return sum(one["name"] == "MoviesSearch" for one in self.simulator.ledger.facts("command"))


@pytest.fixture
async def radarr(tmp_path: Path, backend: str) -> AsyncIterator[Radarr]:
    others = {
        entry.name
        for entry in importlib.metadata.entry_points(group="medianest.plugins.v1")
        if entry.name != "arr"
    }
    settings = AppSettings(data_dir=tmp_path / "portal", plugins_disabled=sorted(others), _env_file=None)
    simulator = RadarrSimulator(items=2, data_dir=tmp_path)
    async with running(simulator), opened(settings) as gate:
        gate.serve([*RestApi(gate.services).routes(), *Portal(gate.services).routes()])
        root, ann = await gate.person("Root", role="admin"), await gate.person("Ann")
        instances = gate.services.host.instances
        wanted = simulator.demo_instances()[0].settings
        made = await instances.create("arr", "radarr", "radarr", "Radarr", wanted, None)
        await instances.settle(60)
        assert instances.info(made.id).ready, instances.info(made.id).reason
        request_id = await _asked(ann, FILM)
        async with gate.services.db.begin() as tx:
            # As if an admin had agreed, and Radarr had taken it.
            await tx.execute(update(requests).values(state="processing", instance_id=made.id))
        yield Radarr(gate, root, ann, simulator, made.id, request_id)


async def _asked(who: Any, film: Title) -> str:
    body = {"kind": "movie", "ids": {"tmdb": film.ids["tmdb"]}, "title": film.title, "year": film.year}
    made = await who.client.post("/api/v1/requests", json=body, headers=OWN)
    assert made.status_code == 201, made.text
    return str(made.json()["request"]["id"])


@pytest.mark.full
async def test_from_nothing_found_to_a_download_that_hangs_and_a_service_that_is_away(radarr: Radarr) -> None:
    films, client = radarr.films, radarr.gate.services.host.instances.client(radarr.instance_id)
    films.fates[FILM.ids["tmdb"]] = "nothing"
    (tracked,) = await radarr.gate.services.requests.tracked([radarr.request_id])
    await radarr.gate.services.host.instances.get(RequestBackend, radarr.instance_id).api.submit(  # type: ignore[type-abstract]  # a key, not made
        tracked.item, ""
    )
    films.advance(3)
    client.forget()
    await radarr.look()
    stuck = (await radarr.steps(radarr.root))["searched"]
    assert (stuck["state"], stuck["service"]) == ("stuck", "Radarr")
    assert stuck["message"] == "Nothing suitable was found yet; Radarr goes on looking."
    assert [one["name"] for one in stuck["actions"]] == ["search_again", "rescan"]
    assert (await radarr.steps(radarr.ann))["searched"]["actions"] == []
    page = (await radarr.root.client.get(f"/requests/{radarr.request_id}")).text
    assert "Search again" in page and "Nothing suitable was found yet" in page
    german = await radarr.root.client.get(f"/requests/{radarr.request_id}", headers={"accept-language": "de"})
    assert "Radarr sucht weiter" in german.text

    films.fates.clear()
    before = radarr.searches()
    offered = {"instance_id": radarr.instance_id, "stage": "searched", "what": "rescan"}
    assert re.search(r'name="what" value="rescan"', page)
    pressed = await radarr.root.client.post(
        f"/requests/{radarr.request_id}/act", data=offered, headers={**OWN, "hx-request": "true"}
    )
    assert (
        pressed.status_code == 200 and 'id="way"' in pressed.text and "toast" in pressed.headers["hx-trigger"]
    )
    wanted = {"instance_id": radarr.instance_id, "stage": "searched", "action": "search_again"}
    path = f"/api/v1/requests/{radarr.request_id}/actions"
    domain, both = radarr.gate.services.requests, asyncio.Barrier(2)
    get = domain.get

    async def together(*arguments: Any) -> Any:
        found = await get(*arguments)
        await both.wait()
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(domain, "get", together)
        answers = await asyncio.gather(
            *(radarr.root.client.post(path, json=wanted, headers=OWN) for _ in range(2))
        )
    assert [one.json() for one in answers] == [{"message": "Radarr looks for it again."}] * 2
    assert radarr.searches() == before + 1, "pressed twice, searched once"

    films.advance(3)
    (transfer,) = films.transfers
    transfer.seconds = 1_000_000.0
    transfer.started = films.now - 430_000.0
    await radarr.look()
    going = await radarr.steps(radarr.ann)
    assert (going["searched"]["state"], going["downloading"]["state"]) == ("done", "active")
    assert round(going["downloading"]["progress"] * 100) == 43
    (flight,) = (await radarr.ann.client.get("/api/v1/activity")).json()["items"]
    assert flight["now"]["stage"] == "downloading"
    listed = (await radarr.ann.client.get("/requests")).text
    assert "Downloading" in listed and "43%" in listed.replace("\xa0", "").replace(" ", "")

    transfer.trouble, transfer.seconds = "import", 0.001
    films.advance(1)
    await radarr.look()
    hangs = (await radarr.steps(radarr.root))["imported"]
    assert (hangs["state"], hangs["message"]) == ("stuck", "Nothing in the download can be used.")
    assert "Nothing in the download can be used." in (await radarr.ann.client.get("/requests")).text

    radarr.simulator.faults.set(Rule("500", prefix="/api/v3"))
    await radarr.look()
    found = (await radarr.root.client.get(f"/api/v1/requests/{radarr.request_id}/timeline")).json()
    (silent,) = found["silent"]
    assert (silent["title"], silent["instance_id"]) == ("Radarr", radarr.instance_id)
    assert "imported" in await radarr.steps(radarr.root), "its last word stays"
    away = await radarr.ann.client.get(f"/requests/{radarr.request_id}")
    assert away.status_code == 200 and "Radarr does not answer since" in away.text
