"""The rest of the simulator: caches and their clock, badges, push, the origin rule, the control API, the demo."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest
from babel.messages.pofile import read_po

from medianest_core.web.portal.messages import gather, missing
from medianest_uptimekuma import plugin
from medianest_uptimekuma.simulation import pulse
from medianest_uptimekuma.simulator import KumaSimulator

from .kuma_kit import kuma, plugged


async def test_pages_are_stale_for_a_while(tmp_path: Path) -> None:
    async with kuma(tmp_path) as (_, url), httpx.AsyncClient(base_url=url, timeout=60) as web:

        async def newest(query: str = "") -> Any:
            beats = (await web.get(f"/api/status-page/heartbeat/home{query}")).json()
            return beats["heartbeatList"]["2"][-1]["status"]

        assert await newest() == 1
        await web.patch("/_sim/monitors/2", json={"trouble": "away"})
        assert await newest() == 1
        assert await newest("?now=1") == 0
        await web.post("/_sim/clock", json={"advance": 61})
        assert await newest() == 0
        await web.post("/_sim/incidents", json={"slug": "home", "title": "Away", "content": "x"})
        page = (await web.get("/api/status-page/home")).json()
        assert page["incidents"][0]["title"] == "Away"
        unknown = await web.get("/api/status-page/heartbeat/nowhere")
        assert (unknown.status_code, unknown.json()) == (200, {"heartbeatList": {}, "uptimeList": {}})
        assert (await web.get("/api/status-page/nowhere")).json() == {
            "status": "fail",
            "msg": "Status Page Not Found",
        }
        history = (await web.get("/api/status-page/home/incident-history")).json()
        assert (history["ok"], history["total"]) == (True, 1)


async def test_badges_and_push(tmp_path: Path) -> None:
    async with kuma(tmp_path) as (simulator, url), httpx.AsyncClient(base_url=url, timeout=60) as web:
        assert "Up" in (await web.get("/api/badge/2/status")).text
        assert "N/A" in (await web.get("/api/badge/999/status")).text
        refused = await web.get("/api/badge/x/status")
        assert (refused.status_code, refused.json()["msg"]) == (403, "Invalid monitor ID")
        token = next(one.push_token for one in simulator.world.monitors.values() if one.push_token)
        assert (await web.get(f"/api/push/{token}?status=down&msg=full")).json() == {"ok": True}
        monitor = next(one for one in simulator.world.monitors.values() if one.push_token)
        assert simulator.world.beats(monitor)[-1].status == 0
        await web.post(f"/api/push/{token}?ping=7")
        assert simulator.world.beats(monitor)[-1].ping == 7
        unknown = await web.get("/api/push/nothing")
        assert (unknown.status_code, unknown.json()["ok"]) == (404, False)


async def test_a_page_of_another_site_may_not_connect(tmp_path: Path) -> None:
    async with kuma(tmp_path) as (_, url), aiohttp.ClientSession() as session:
        address = f"{url}/socket.io/?EIO=4&transport=websocket"
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(address, headers={"Origin": "https://elsewhere.example"})
        async with session.ws_connect(address, headers={"Origin": url}) as own:
            assert (await own.receive_str()).startswith("0{")


async def test_knobs(tmp_path: Path) -> None:
    async with (
        kuma(tmp_path) as (simulator, url),
        httpx.AsyncClient(base_url=f"{url}/_sim", timeout=60) as knobs,
    ):
        added = (await knobs.post("/monitors", json={"name": "New", "url": "https://new.example"})).json()
        assert (await knobs.get(f"/monitors/{added['id']}")).json()["name"] == "New"
        assert (await knobs.patch(f"/monitors/{added['id']}", json={"active": False})).json()[
            "active"
        ] is False
        assert (await knobs.delete(f"/monitors/{added['id']}")).status_code == 204
        assert (await knobs.get(f"/monitors/{added['id']}")).status_code == 404
        assert (await knobs.post("/beat", json={"ids": [2], "ping": 5})).json() == {"beats": 1}
        made = (await knobs.post("/maintenance", json={"title": "Now", "monitors": [2]})).json()
        assert made["status"] == "under-maintenance"
        assert (await knobs.get("/monitors/2")).json()["status"] == 3
        assert (await knobs.delete(f"/maintenance/{made['id']}")).status_code == 204
        assert (await knobs.get("/monitors/2")).json()["status"] == 1
        assert (await knobs.delete("/maintenance/77")).status_code == 404
        assert (await knobs.put("/options", json={"silent": ["login"]})).json()["silent"] == ["login"]
        assert (await knobs.put("/options", json={"nonsense": 1})).status_code == 400
        assert (await knobs.post("/scale", json={"monitors": 5})).json() == {"monitors": 5}
        assert (await knobs.post("/scale", json={"monitors": -5})).status_code == 400
        assert (await knobs.post("/keys", json={"name": "k"})).json()["key"].startswith("uk1_")
        assert (await knobs.put("/webhooks", json={"urls": ["http://a.example"]})).json() == {
            "urls": ["http://a.example"]
        }
        assert (await knobs.get("/sockets")).json() == {"dropped": 0, "connected": 0, "signed_in": 0}
        assert (await knobs.get("/facts")).json()["version"] == simulator.world.profile.version


async def test_the_demo_has_life_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse, "_DRAMA_EVERY", 0.2)
    monkeypatch.setattr(pulse, "_DRAMA_LASTS", 0.2)
    async with kuma(tmp_path, **{**KumaSimulator.demo_options, "pace": "0.1"}) as (simulator, url):
        (instance,) = simulator.demo_instances()
        settings = {name: value for name, value in instance.settings.items() if name != "url"}
        async with plugged(simulator, url, **settings) as portal:
            assert (await portal.check()).warnings == ()
            titles = {one.title for one in await portal.status.incidents()}
            assert titles == {"New disks are being filled", "Router gets an update"}
            watched, states = portal.status.watch(), []
            async with asyncio.timeout(60):
                async for snapshot in watched:
                    states.append(any(item.up is False for item in snapshot.items))
                    if True in states and not states[-1]:
                        break
            await watched.aclose()  # type: ignore[attr-defined]  # it is a generator


@pytest.mark.full
async def test_a_thousand_monitors(tmp_path: Path) -> None:
    async with (
        kuma(tmp_path, monitors=1000, history=20) as (simulator, url),
        plugged(simulator, url) as portal,
    ):
        result = await portal.check()
        assert result.message == "Uptime Kuma answers. Monitors: 1000, down: 0."
        watched = portal.status.watch()
        assert len((await anext(watched)).items) == 1000
        await simulator.pulse.trouble(simulator.world.monitors[500], "away")
        async with asyncio.timeout(60):
            async for snapshot in watched:
                if any(item.up is False for item in snapshot.items):
                    break
        await watched.aclose()  # type: ignore[attr-defined]


def test_german_is_complete() -> None:
    source = Path(plugin.__file__).parent
    assert missing(gather(source), source / "locale", "uptimekuma", ("de",)) == []
    with (source / "locale/de/LC_MESSAGES/uptimekuma.po").open("rb") as file:
        assert {str(one.id) for one in read_po(file, locale="de") if one.id} >= {plugin.manifest.description}
