"""More requests than can be answered wait in line, and are told to come back where the line does not move."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
from starlette.types import Receive, Scope, Send

from medianest_core.web.gate.overload import Overload
from medianest_core.web.gate.problems import Problems


class Slow:
    """Answers when it is let; begins a stream at once and ends it when it is let."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.at_work = 0
        self.order: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.order.append(scope["path"])
        self.at_work += 1
        if scope["path"] != "/stream":
            await self.go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await self.go.wait()
        self.at_work -= 1
        await send({"type": "http.response.body", "body": b"ok"})


def browser(app: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://portal")


async def until(true: Any) -> None:
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0)


async def test_those_that_are_too_many_wait_for_their_turn() -> None:
    app = Slow()
    async with browser(Problems(Overload(app, most=3, behind=0.0, patience=60))) as client:
        replies = [asyncio.create_task(client.get(f"/{number}")) for number in range(9)]
        await until(lambda: app.at_work == 3)
        for _ in range(200):
            await asyncio.sleep(0)
        assert app.at_work == 3
        app.go.set()
        assert {reply.status_code for reply in await asyncio.gather(*replies)} == {200}
    assert sorted(app.order) == [f"/{number}" for number in range(9)]


async def test_who_waited_in_vain_is_told_when_to_come_back() -> None:
    app = Slow()
    async with browser(Problems(Overload(app, most=1, behind=0.0, patience=0.01))) as client:
        first = asyncio.create_task(client.get("/first"))
        await until(lambda: app.at_work == 1)
        late = await client.get("/api/v1/late")
        assert late.status_code == 503
        assert late.json()["code"] == "busy"
        assert 1 <= int(late.headers["retry-after"]) <= 10
        page = await client.get("/late", headers={"accept": "text/html"})
        assert page.status_code == 503
        assert page.headers["content-type"].startswith("text/plain")
        # Whoever asks whether we live is always answered.
        alive = asyncio.create_task(client.get("/healthz"))
        await until(lambda: app.at_work == 2)
        app.go.set()
        assert (await first).status_code == (await alive).status_code == 200
        assert (await client.get("/again")).status_code == 200


async def test_slow_services_keep_nobody_out_while_the_loop_turns() -> None:
    app = Slow()
    async with browser(Problems(Overload(app, most=2, behind=60, patience=0.01))) as client:
        replies = [asyncio.create_task(client.get(f"/{number}")) for number in range(20)]
        await until(lambda: app.at_work == 20)
        app.go.set()
        assert {reply.status_code for reply in await asyncio.gather(*replies)} == {200}


async def test_an_answer_that_has_begun_takes_no_place() -> None:
    app = Slow()
    async with browser(Problems(Overload(app, most=1, behind=0.0, patience=0.01))) as client:
        streams = [asyncio.create_task(client.get("/stream")) for _ in range(5)]
        await until(lambda: app.at_work == 5)
        app.go.set()
        assert {reply.status_code for reply in await asyncio.gather(*streams)} == {200}


async def test_a_place_is_free_again_after_a_fault_and_after_a_client_that_left() -> None:
    hangs = asyncio.Event()

    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/hangs":
            hangs.set()
            await asyncio.Event().wait()
        raise ValueError("broken")

    limited = Overload(broken, most=1, behind=0.0, patience=0.01)
    async with browser(Problems(limited)) as client:
        for _ in range(3):
            assert (await client.get("/api/v1/x")).status_code == 500
        hanging = asyncio.create_task(client.get("/hangs"))
        await hangs.wait()
        assert (await client.get("/api/v1/x")).json()["code"] == "busy"
        hanging.cancel()
        await asyncio.wait({hanging})
        assert (await client.get("/api/v1/x")).status_code == 500


async def test_who_leaves_just_when_it_is_their_turn_lets_the_next_go_on() -> None:
    app = Slow()
    gate = Overload(app, most=1, behind=0.0, patience=60)

    async def ask(path: str) -> None:
        async def receive() -> Any:
            return {"type": "http.request"}

        async def send(message: Any) -> None:
            return None

        await gate({"type": "http", "path": path, "headers": []}, receive, send)

    asked = []
    for path in ("/first", "/left", "/next"):
        asked.append(asyncio.create_task(ask(path)))
        for _ in range(20):
            await asyncio.sleep(0)
    assert app.order == ["/first"]
    gate._working -= 1
    gate._next()  # the turn of the second, who leaves before it knows
    asked[1].cancel()
    await until(lambda: len(app.order) == 2)
    assert app.order == ["/first", "/next"]
    gate._working += 1
    app.go.set()
    await asyncio.gather(*asked, return_exceptions=True)
