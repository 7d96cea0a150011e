"""Every way in against every kind of trouble: an error that says what is wrong, and nothing half believed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from medianest_core.sdk import (
    AuthFailed,
    InvalidResponse,
    Item,
    NotFound,
    NotReady,
    ProviderError,
    RateLimited,
)
from medianest_core.testing.faults import Mode, Rule
from medianest_core.testing.loopback import serving
from medianest_uptimekuma.simulator import KumaSimulator

from .kuma_kit import SIGN_IN, kuma, plugged

WAYS: dict[str, dict[str, str]] = {
    "sign-in": SIGN_IN,
    "key": {"api_key": "uk1_x"},
    "page": {"status_page": "home"},
}
TROUBLE: list[tuple[Mode, type[ProviderError]]] = [
    ("down", NotReady),
    ("slow", NotReady),
    ("hang", NotReady),
    ("drip", NotReady),
    ("401", AuthFailed),
    ("429", RateLimited),
    ("500", NotReady),
    ("garbage", InvalidResponse),
    ("truncated", NotReady),
]
PAGE = (
    b'{"config":{},"incidents":[],"maintenanceList":[],"publicGroupList":[{"id":1,"name":"A","monitorList":['
    b'{"id":1,"name":"Web","type":"http"},{"id":1,"name":"Web","type":"http"}]},{"id":2,"name":"B","monitorList":'
    b'[{"id":1,"name":"Web","type":"http"},{"name":"no id"},7,null]},{"monitorList":null},null],'
    b'"heartbeatList":{"1":[{"status":1,"time":"2026-01-01 00:00:00.000","msg":"","ping":9},"x"],"2":null}}'
)
pytestmark = pytest.mark.full
METRIC = (
    'monitor_status{{monitor_id="1",monitor_name="Web",monitor_type="http",monitor_url="",x="{0}"}} {1}\n'
)
TWICE = ("# HELP monitor_status x\n" + METRIC.format("a", 1) + METRIC.format("b", 0)).encode()


async def items(simulator: KumaSimulator, url: str, way: str) -> Sequence[Item]:
    values = {"api_key": simulator.world.add_key("portal").clear} if way == "key" else WAYS[way]
    async with plugged(simulator, url, **values) as portal:
        return (await portal.status.snapshot()).items


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("mode", "expected"), TROUBLE, ids=[mode for mode, _ in TROUBLE])
async def test_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, mode: Mode, expected: type[ProviderError]
) -> None:
    async with kuma(tmp_path) as (simulator, url):
        seconds = 60.0 if mode == "slow" else 7.0 if mode == "429" else 0.1
        simulator.faults.set(Rule(mode, seconds=seconds))
        with monkeypatch.context() as hurry:
            if mode in ("slow", "hang", "drip"):
                hurry.setattr("medianest_uptimekuma.client.SECONDS", 0.3)
                hurry.setattr("medianest_uptimekuma.link._PROBE", 0.3)
            with pytest.raises(expected) as raised:
                await items(simulator, url, way)
        assert str(raised.value).endswith((".", "?"))
        if isinstance(raised.value, RateLimited):
            assert raised.value.retry_after == 7.0
        simulator.faults.clear()
        assert len(await items(simulator, url, way)) in (8, 9)


@dataclass(frozen=True)
class Odd:
    """A server that answers everything alike. expected: an error, or how many items."""

    status: int
    kind: str
    body: bytes
    expected: dict[str, Any]


HTML = b"<!DOCTYPE html><html><body>Welcome to nginx</body></html>"
ODD = {
    "403": Odd(403, "text/html", HTML, dict.fromkeys(WAYS, AuthFailed)),
    "404": Odd(404, "text/html", HTML, dict.fromkeys(WAYS, NotFound)),
    "502": Odd(502, "text/html", HTML, dict.fromkeys(WAYS, NotReady)),
    "HTML": Odd(200, "text/html", HTML, dict.fromkeys(WAYS, InvalidResponse)),
    "nothing": Odd(200, "application/json", b"", dict.fromkeys(WAYS, InvalidResponse)),
    "another JSON": Odd(200, "application/json", b'[{"a":1}]', dict.fromkeys(WAYS, InvalidResponse)),
    "nested": Odd(200, "application/json", b"[" * 100_000, dict.fromkeys(WAYS, InvalidResponse)),
    "huge": Odd(200, "application/json", b" " * 200_000, dict.fromkeys(WAYS, InvalidResponse)),
    "duplicates": Odd(200, "application/json", PAGE, {"page": 1}),
    "duplicate metrics": Odd(200, "text/plain", TWICE, {"key": 1}),
    "empty": Odd(200, "application/json", b'{"publicGroupList":[],"heartbeatList":{}}', {"page": 0}),
    "empty metrics": Odd(200, "text/plain", b"# HELP process_cpu x\nprocess_cpu 1\n", {"key": 0}),
}


@pytest.mark.parametrize(("name", "way"), [(name, way) for name, odd in ODD.items() for way in odd.expected])
async def test_odd_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, way: str) -> None:
    odd = ODD[name]
    monkeypatch.setattr("medianest_uptimekuma.client.LARGEST", 150_000)

    async def answer(request: Request) -> Response:
        return Response(odd.body, odd.status, media_type=odd.kind)

    expected = odd.expected[way]
    async with serving(Starlette(routes=[Route("/{path:path}", answer)])) as url:
        unused = KumaSimulator(data_dir=tmp_path)
        if isinstance(expected, int):
            assert len(await items(unused, url, way)) == expected
            return
        with pytest.raises(expected) as raised:
            await items(unused, url, way)
        assert "Traceback" not in str(raised.value) and len(str(raised.value)) > 20


async def test_a_proxy_that_lets_no_websockets_pass(tmp_path: Path) -> None:
    async with kuma(tmp_path) as (simulator, _):
        app = simulator.routes()

        async def without(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "websocket":
                await receive()
                await send({"type": "websocket.close", "code": 1008})
            else:
                await app(scope, receive, send)

        async with serving(without) as url:
            with pytest.raises(NotReady, match="let websockets pass"):
                await items(simulator, url, "sign-in")


async def test_more_than_is_taken_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("medianest_uptimekuma.link._LARGEST", 20_000)
    async with kuma(tmp_path, monitors=100) as (simulator, url):
        with pytest.raises(NotReady, match="ended the connection"):
            await items(simulator, url, "sign-in")


async def test_no_monitor_yet(tmp_path: Path) -> None:
    async with kuma(tmp_path, monitors=0) as (simulator, url), plugged(simulator, url) as portal:
        result = await portal.check()
        assert result.warnings == ("It shows no monitor yet.",)
        assert await portal.status.history(0) == []


async def test_trouble_in_the_middle_ends_with_the_trouble(tmp_path: Path) -> None:
    async with kuma(tmp_path) as (simulator, url), plugged(simulator, url) as portal:
        watched = portal.status.watch()
        await anext(watched)
        simulator.faults.set(Rule("500"))
        await simulator.sessions.drop()
        with pytest.raises(NotReady):
            async with asyncio.timeout(60):
                # Until the end of the connection is noticed, what is known is told.
                while await portal.status.snapshot():
                    await asyncio.sleep(0.01)
        simulator.faults.clear()
        await simulator.pulse.trouble(portal.monitor("Plex"), "away")
        async with asyncio.timeout(60):
            async for snapshot in watched:
                if any(item.up is False for item in snapshot.items):
                    break
        await watched.aclose()  # type: ignore[attr-defined]  # it is a generator
