"""Events reach the sockets of a room in their order, by whichever way each of them takes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvicorn
import websockets
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Receive, Scope, Send

from medianest_core.bus.fanout import FRAMES, Fanout, Line, Outbox, _frame
from medianest_core.cli.websocket import FRAMES as OFFERED
from medianest_core.cli.websocket import Websocket


class Browser:
    """A socket's two ways, and what came of them. slow: it takes no frames just now."""

    def __init__(self) -> None:
        self.outbox = Outbox()
        self.slow = False
        self.short: list[bytes] = []
        self.heard: list[Any] = []
        self._writer = asyncio.ensure_future(self._write())

    def frames(self, frames: bytes) -> bool:
        if self.slow:
            return False
        self.short.append(frames)
        while frames:
            size, start = frames[1], 2
            if size == 126:
                size, start = int.from_bytes(frames[2:4], "big"), 4
            elif size == 127:
                size, start = int.from_bytes(frames[2:10], "big"), 10
            self._hear(frames[start : start + size].decode())
            frames = frames[start + size :]
        return True

    async def _write(self) -> None:
        while True:
            packet = await self.outbox.get()
            await asyncio.sleep(0)
            self._hear(packet.encode())

    def _hear(self, text: str) -> None:
        assert text.startswith("42")
        self.heard.append(json.loads(text[2:]))

    async def close(self) -> None:
        self._writer.cancel()
        await asyncio.wait({self._writer})


class House:
    """A manager with a room of browsers."""

    def __init__(self) -> None:
        import socketio

        self.manager = Fanout()
        self.server = socketio.AsyncServer(client_manager=self.manager, async_mode="asgi")
        self.server._send_eio_packet = self._queue
        self.browsers: dict[str, Browser] = {}

    async def add(self, name: str, *, line: bool = True) -> Browser:
        browser = self.browsers[name] = Browser()
        sid = await self.manager.connect(name, "/")
        self.manager.basic_enter_room(sid, "/", "library")
        if line:
            self.manager.attach(name, Line(browser.outbox, browser.frames))
        return browser

    async def _queue(self, name: str, packet: Any) -> None:
        await self.browsers[name].outbox.put(packet)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    made = House()
    yield made
    for browser in made.browsers.values():
        await browser.close()


async def until(true: Any) -> None:
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.001)


async def test_events_that_come_together_go_in_one_piece(house: House) -> None:
    browsers = [await house.add(f"b{number}") for number in range(100)]
    await asyncio.sleep(0)
    for number in range(5):
        house.manager.tell("library:changed", {"seq": number}, room="library")
    house.manager.tell("system:alert", {"seq": 9}, room="admins")
    await until(lambda: all(len(one.heard) == 5 for one in browsers))
    for one in browsers:
        assert one.heard == [["library:changed", {"seq": number}] for number in range(5)]
        assert len(one.short) == 1


async def test_nothing_overtakes_what_waits_in_the_queue(house: House) -> None:
    browser, polling = await house.add("slow"), await house.add("polling", line=False)
    await asyncio.sleep(0)
    for number in range(60):
        browser.slow = number % 7 in (2, 3)
        house.manager.tell("library:changed", {"seq": number}, room="library")
        if number % 3 == 0:
            await asyncio.sleep(0)
        if number % 10 == 0:
            await house.manager.emit("library:changed", {"seq": number + 0.5}, "/", room="library")
    await until(lambda: len(browser.heard) == len(polling.heard) == 66)
    assert [event[1]["seq"] for event in browser.heard] == sorted(event[1]["seq"] for event in browser.heard)
    assert browser.heard == polling.heard
    assert browser.short, "the short way was never taken"


async def test_emit_returns_when_it_is_handed_over(house: House) -> None:
    browser = await house.add("one")
    await asyncio.sleep(0)
    await house.manager.emit("hello", {"seq": 1}, "/", room="library")
    assert browser.heard == [["hello", {"seq": 1}]]


async def test_one_that_left_hears_no_more(house: House) -> None:
    gone, stays = await house.add("gone"), await house.add("stays")
    await asyncio.sleep(0)
    house.manager.detach("gone")

    async def closed(name: str, packet: Any) -> None:
        raise RuntimeError("closed")

    house.server._send_eio_packet = closed
    house.manager.tell("library:changed", {"seq": 1}, room="library")
    await until(lambda: stays.heard)
    assert not gone.heard


@given(st.text(max_size=300) | st.integers(120, 70_000).map("x".__mul__))
def test_a_frame_is_as_the_protocol_says(text: str) -> None:
    from websockets.frames import Frame, Opcode

    payload = text.encode(errors="replace")
    assert _frame(payload) == Frame(Opcode.TEXT, payload).serialize(mask=False)


async def test_a_real_websocket_has_the_short_way() -> None:
    assert OFFERED == FRAMES

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        write = scope["extensions"][FRAMES]
        assert not write(_frame(b"too early"))
        await send({"type": "websocket.accept"})
        assert write(_frame(b"one") + _frame(b"two"))
        await send({"type": "websocket.send", "text": "three"})
        await send({"type": "websocket.close"})
        assert not write(_frame(b"too late"))

    config = uvicorn.Config(app, port=0, ws=Websocket, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    try:
        await until(lambda: server.started)
        port = server.servers[0].sockets[0].getsockname()[1]
        async with websockets.connect(f"ws://127.0.0.1:{port}/") as browser:
            assert [message async for message in browser] == ["one", "two", "three"]
    finally:
        server.should_exit = True
        await running
