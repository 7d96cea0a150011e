"""The simulator kit: control API, ledger and every fault mode over a real socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from medianest_core.testing.distortion import doubled, emptied
from medianest_core.testing.faults import Faults, Rule, SimulatedDisconnect
from medianest_core.testing.ledger import Ledger
from medianest_core.testing.simulators import (
    DemoInstance,
    RunningSimulator,
    Simulator,
    load_simulator,
    running,
    simulator_names,
)


class Echo(Simulator):
    """The smallest simulator: counts and returns what it is sent."""

    name = "echo"

    def routes(self) -> ASGIApp:
        async def echo(request: Request) -> JSONResponse:
            body = (await request.body()).decode()
            self.ledger.record("echo", body=body)
            return JSONResponse({"body": body, "path": request.url.path, "pad": "x" * 40})

        return Starlette(routes=[Route("/{rest:path}", echo, methods=["GET", "POST"])])

    def demo_instances(self) -> list[DemoInstance]:
        return [DemoInstance("echo", "echo", "Echo", {"url": self.base_url})]

    def facts(self) -> dict[str, object]:
        return {"items": self.items}


@pytest.fixture
async def echo(tmp_path: Path) -> AsyncIterator[RunningSimulator]:
    async with running(Echo(items=5, data_dir=tmp_path)) as served:
        yield served


@pytest.fixture
async def client(echo: RunningSimulator) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=echo.url, trust_env=False, timeout=60) as http:
        yield http


async def test_control_api_tells_facts_instances_and_ledger(
    client: httpx.AsyncClient, echo: RunningSimulator
) -> None:
    assert (await client.get("/_sim/facts")).json() == {"items": 5}
    assert (await client.get("/_sim/instances")).json() == [
        {"service": "echo", "name": "echo", "title": "Echo", "settings": {"url": echo.url}}
    ]
    await client.post("/a", content="one")
    await client.post("/a", content="two")
    rows = (await client.get("/_sim/ledger", params={"kind": "echo"})).json()
    assert [row["facts"]["body"] for row in rows] == ["one", "two"]
    assert len((await client.get("/_sim/ledger", params={"since": rows[0]["seq"]})).json()) == 1
    assert (await client.get("/_sim/ledger", params={"kind": "other"})).json() == []
    assert (await client.get("/_sim/ledger", params={"since": "x"})).status_code == 400
    assert (await client.delete("/_sim/ledger")).status_code == 204
    assert (await client.get("/_sim/ledger")).json() == []
    assert (await client.get("/_sim/nothing")).status_code == 404


async def test_rules_match_by_prefix_method_and_times(client: httpx.AsyncClient) -> None:
    rules = [{"mode": "500", "prefix": "/a", "times": 1}, {"mode": "429", "method": "POST", "seconds": 7}]
    assert (await client.put("/_sim/faults", json=rules)).status_code == 200
    assert (await client.get("/b")).status_code == 200
    assert (await client.get("/a")).status_code == 500
    assert (await client.get("/a")).status_code == 200
    limited = await client.post("/b", content="x")
    assert (limited.status_code, limited.headers["retry-after"]) == (429, "7")
    assert (await client.get("/_sim/faults")).json()[0]["times"] == 0
    await client.put("/_sim/faults", json=[])
    assert (await client.post("/b", content="x")).status_code == 200


@pytest.mark.parametrize(
    "payload", [{"mode": "wobble"}, {"prefix": "/"}, "down", [1], {"mode": "500", "x": 1}]
)
async def test_bad_rules_are_refused(client: httpx.AsyncClient, payload: object) -> None:
    reply = await client.put("/_sim/faults", json=payload)
    assert reply.status_code == 400
    assert (await client.get("/_sim/faults")).json() == []


async def test_down_closes_without_a_reply_and_does_nothing(
    client: httpx.AsyncClient, echo: RunningSimulator
) -> None:
    echo.simulator.faults.set(Rule("down"))
    # Which of both depends on how much of the request had been sent.
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        await client.post("/a", content="x")
    assert echo.simulator.ledger.entries() == []
    assert (await client.get("/_sim/facts")).status_code == 200


async def test_truncated_sends_less_than_it_promised(
    client: httpx.AsyncClient, echo: RunningSimulator
) -> None:
    whole = (await client.get("/a")).content
    echo.simulator.faults.set(Rule("truncated"))
    received = b""
    with pytest.raises(httpx.RemoteProtocolError):
        async with client.stream("GET", "/a") as reply:
            assert int(reply.headers["content-length"]) >= len(whole)
            async for chunk in reply.aiter_raw():
                received += chunk
    assert whole.startswith(received)
    assert 0 < len(received) < len(whole)


async def test_garbage_is_200_and_neither_json_nor_xml(
    client: httpx.AsyncClient, echo: RunningSimulator
) -> None:
    echo.simulator.faults.set(Rule("garbage"))
    reply = await client.get("/a")
    assert reply.status_code == 200
    with pytest.raises(ValueError):
        json.loads(reply.content)
    assert not reply.content.lstrip().startswith(b"<")


async def test_lost_does_it_and_says_nothing(client: httpx.AsyncClient, echo: RunningSimulator) -> None:
    echo.simulator.faults.set(Rule("lost", times=1))
    with pytest.raises(httpx.RemoteProtocolError):
        await client.post("/a", content="x")
    assert [one["facts"]["body"] for one in echo.simulator.ledger.entries()] == ["x"]
    assert (await client.post("/a", content="y")).status_code == 200


async def test_a_sign_in_page_and_more_than_anybody_takes(
    client: httpx.AsyncClient, echo: RunningSimulator
) -> None:
    echo.simulator.faults.set(Rule("html"))
    reply = await client.get("/a")
    assert (reply.status_code, reply.headers["content-type"]) == (200, "text/html; charset=utf-8")
    echo.simulator.faults.set(Rule("huge"))
    async with client.stream("GET", "/a") as endless:
        taken = 0
        async for chunk in endless.aiter_raw():
            taken += len(chunk)
            if taken > 2_000_000:
                break
    assert taken > 2_000_000


def test_valid_answers_without_rows_and_with_each_row_twice() -> None:
    body = b'{"size":2,"inner":{"rows":[{"id":1},{"id":2}]}}'
    assert json.loads(emptied(body)) == {"size": 2, "inner": {"rows": []}}
    assert json.loads(doubled(body))["inner"]["rows"] == [{"id": 1}, {"id": 1}, {"id": 2}, {"id": 2}]
    text = b"# HELP up x\nup 1"
    assert (emptied(text), doubled(b"up 1")) == (b"# HELP up x", b"up 1\nup 1")


async def test_slow_answers_after_the_wait_and_keeps_the_body(
    client: httpx.AsyncClient, echo: RunningSimulator
) -> None:
    echo.simulator.faults.set(Rule("slow", seconds=0.05))
    loop = asyncio.get_running_loop()
    begun = loop.time()
    assert (await client.post("/a", content="kept")).json()["body"] == "kept"
    assert loop.time() - begun >= 0.05
    assert (await client.get("/a")).status_code == 200


async def test_hang_never_answers(client: httpx.AsyncClient, echo: RunningSimulator) -> None:
    echo.simulator.faults.set(Rule("hang"))
    with pytest.raises(httpx.ReadTimeout):
        await client.get("/a", timeout=httpx.Timeout(60, read=0.2))


async def test_drip_sends_the_whole_answer_byte_by_byte(
    client: httpx.AsyncClient, echo: RunningSimulator
) -> None:
    whole = (await client.get("/a")).content
    echo.simulator.faults.set(Rule("drip", seconds=0.001))
    assert (await client.get("/a")).content == whole


async def test_stop_ends_hanging_requests(tmp_path: Path) -> None:
    async with running(Echo(data_dir=tmp_path)) as served, httpx.AsyncClient(trust_env=False) as http:
        served.simulator.faults.set(Rule("hang"))
        pending = asyncio.create_task(http.get(served.url + "/a", timeout=30))
        while not served._server.server_state.tasks:
            await asyncio.sleep(0.01)
        await asyncio.wait_for(served.stop(), 20)
        with pytest.raises(httpx.HTTPError):
            await pending


async def test_in_process_transport_raises_for_a_cut_connection(tmp_path: Path) -> None:
    sim = Echo(data_dir=tmp_path)
    sim.faults.set(Rule("down"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(sim.app()), base_url="http://sim") as http:
        with pytest.raises(SimulatedDisconnect):
            await http.get("/a")


async def test_ledger_waits_for_an_effect() -> None:
    ledger = Ledger()
    asyncio.get_running_loop().call_later(0.01, lambda: ledger.record("late", n=1))
    assert (await ledger.wait_for("late"))[0]["facts"] == {"n": 1}
    with pytest.raises(TimeoutError):
        await ledger.wait_for("never", timeout=0.03)


def test_faults_add_appends_in_order() -> None:
    faults = Faults()
    faults.add("500", "/x", times=2)
    faults.add("down")
    assert [rule.mode for rule in faults.rules] == ["500", "down"]
    assert faults.match("GET", "/y") is faults.rules[1]
    faults.clear()
    assert faults.match("GET", "/y") is None


def test_installed_simulators_are_named_without_import() -> None:
    assert "plex" in simulator_names()
    with pytest.raises(LookupError, match="no simulator named 'nope'"):
        load_simulator("nope")
