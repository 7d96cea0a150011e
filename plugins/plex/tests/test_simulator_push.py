"""What the simulated server sends by itself: webhooks and websocket frames."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import websockets
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from medianest_core.testing.simulators import RunningSimulator, Simulator, running
from medianest_plex.simulator import PlexSimulator


@dataclass
class Delivery:
    """One webhook as it arrived."""

    payload: dict[str, Any]
    thumb: bytes | None
    headers: dict[str, str] = field(default_factory=dict)


class Sink(Simulator):
    """Takes webhooks."""

    name = "sink"
    status = 200

    def routes(self) -> ASGIApp:
        self.deliveries: list[Delivery] = []

        async def take(request: Request) -> Response:
            form = await request.form()
            payload, thumb = form["payload"], form.get("thumb")
            text = (await payload.read()).decode() if isinstance(payload, UploadFile) else payload
            picture = await thumb.read() if isinstance(thumb, UploadFile) else None
            self.deliveries.append(Delivery(json.loads(text), picture, dict(request.headers)))
            self.ledger.record("taken")
            return Response(status_code=self.status)

        return Starlette(routes=[Route("/hook", take, methods=["POST"])])


@pytest.fixture
def sim(served: RunningSimulator) -> PlexSimulator:
    assert isinstance(served.simulator, PlexSimulator)
    return served.simulator


@pytest.fixture
async def sink(sim: PlexSimulator) -> AsyncIterator[Sink]:
    async with running(Sink(data_dir=sim.data_dir)) as served:
        assert isinstance(served.simulator, Sink)
        yield served.simulator


@pytest.fixture
async def control(served: RunningSimulator) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=served.url, trust_env=False, timeout=60) as client:
        yield client


async def test_webhooks_are_multipart_with_and_without_a_picture(
    control: httpx.AsyncClient, sim: PlexSimulator, sink: Sink
) -> None:
    url = f"{sink.base_url}/hook"
    key = sim.world.library.sections[1].keys[0]
    for body in (
        {"url": url, "event": "library.new", "ratingKey": key},
        {"url": url, "event": "media.scrobble", "ratingKey": key, "user": "casey"},
        {"url": url, "event": "media.scrobble", "ratingKey": str(key), "thumb": True},
        {"url": url, "event": "admin.database.backup"},
    ):
        assert (await control.post("/_sim/webhook", json=body)).json() == {"status": 200}
    new, seen, forced, admin = sink.deliveries
    assert new.headers["content-type"].startswith("multipart/form-data")
    assert (new.payload["event"], new.payload["owner"]) == ("library.new", True)
    assert new.payload["Metadata"]["ratingKey"] == str(key)
    assert new.payload["Server"]["uuid"] == sim.world.accounts.machine
    assert new.thumb is not None and new.thumb.startswith(b"\xff\xd8")
    assert (seen.thumb, seen.payload["owner"], seen.payload["Account"]["id"]) == (None, False, 1000002)
    assert "Player" in seen.payload
    assert forced.thumb is not None
    assert "Metadata" not in admin.payload
    assert len(sim.ledger.entries("webhook.sent")) == 4


async def test_a_webhook_tells_how_it_was_received(
    control: httpx.AsyncClient, sim: PlexSimulator, sink: Sink
) -> None:
    sink.status = 401
    url = f"{sink.base_url}/hook"
    assert (await control.post("/_sim/webhook", json={"url": url, "event": "media.play"})).json() == {
        "status": 401
    }
    dead = {"url": "http://127.0.0.1:9/hook", "event": "media.play"}
    assert (await control.post("/_sim/webhook", json=dead)).json() == {"status": None}
    assert (await control.post("/_sim/webhook", json={"url": "file:///etc", "event": "x"})).status_code == 400
    assert (await control.post("/_sim/webhook", json={"url": url})).status_code == 400


async def test_new_items_are_announced_to_the_set_addresses(
    control: httpx.AsyncClient, sim: PlexSimulator, sink: Sink
) -> None:
    await control.put("/_sim/webhooks", json={"urls": [f"{sink.base_url}/hook"]})
    await control.post("/_sim/items?announce=1", json={"title": "Announced"})
    await sink.ledger.wait_for("taken")
    assert sink.deliveries[0].payload["Metadata"]["title"] == "Announced"
    await control.post("/_sim/items", json={"title": "Quiet"})
    assert len(sink.deliveries) == 1


async def test_websocket_tells_of_a_scan_and_can_be_dropped(
    control: httpx.AsyncClient, sim: PlexSimulator, served: RunningSimulator
) -> None:
    sim.world.options.update({"scan_seconds": 0.01})
    await sim.ledger.wait_for("scan.finished")
    (sim.data_dir / "Videos" / "new.mp4").write_bytes(b"x")
    token = sim.facts()["owner_token"]
    address = served.url.replace("http", "ws") + f"/:/websockets/notifications?X-Plex-Token={token}"
    async with websockets.connect(address, proxy=None) as socket:
        await control.post("/_sim/websockets", json={"type": "wobble", "rows": [{"x": 1}]})
        assert json.loads(await socket.recv()) == {
            "NotificationContainer": {"type": "wobble", "size": 1, "wobble": [{"x": 1}]}
        }
        await control.get("/library/sections/3/refresh", headers={"X-Plex-Token": str(token)})
        frames = [
            json.loads(await asyncio.wait_for(socket.recv(), 60))["NotificationContainer"] for _ in range(4)
        ]
        assert [frame["type"] for frame in frames] == ["activity", "timeline", "timeline", "activity"]
        assert [frames[n]["TimelineEntry"][0]["state"] for n in (1, 2)] == [0, 5]
        assert frames[1]["TimelineEntry"][0]["title"] == "new"
        assert (await control.get("/_sim/websockets")).json() == {"listeners": 1}
        await control.delete("/_sim/websockets")
        with pytest.raises(websockets.ConnectionClosed):
            await socket.recv()


async def test_websocket_refuses_a_wrong_token(served: RunningSimulator) -> None:
    address = served.url.replace("http", "ws") + "/:/websockets/notifications?X-Plex-Token=wrong"
    with pytest.raises(websockets.InvalidStatus):
        async with websockets.connect(address, proxy=None):
            pass
