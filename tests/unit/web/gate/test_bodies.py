from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from medianest_core.web.gate.bodies import Bodies
from medianest_core.web.gate.problems import Problem, problem_json


async def _echo(scope: Scope, receive: Receive, send: Send) -> None:
    body = await Request(scope, receive).body()
    await PlainTextResponse(str(len(body)))(scope, receive, send)


def _guarded(**limits: Any) -> Any:
    bodies = Bodies(_echo, **limits)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await bodies(scope, receive, send)
        except Problem as problem:
            await problem_json(problem)(scope, receive, send)

    return app


async def _post(app: Any, path: str = "/account", **more: Any) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t") as client:
        return await client.post(path, **more)


async def _pieces(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"x" * 10


async def test_takes_what_fits() -> None:
    app = _guarded(largest=100)
    assert (await _post(app, content=b"x" * 100)).text == "100"
    assert (await _post(app, content=_pieces(10))).text == "100"


@pytest.mark.parametrize("declared", [True, False])
async def test_refuses_what_is_larger_whether_or_not_it_says_so(declared: bool) -> None:
    content = b"x" * 110 if declared else _pieces(11)
    answer = await _post(_guarded(largest=100), content=content)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


async def test_refuses_a_length_that_is_no_sensible_number() -> None:
    answer = await _post(_guarded(), content=b"", headers={"content-length": "9" * 400})
    assert answer.status_code == 413


async def test_leaves_the_size_of_webhooks_to_them() -> None:
    assert (await _post(_guarded(largest=10), "/webhooks/a/b/c", content=b"x" * 50)).text == "50"


async def test_gives_up_on_a_body_that_never_ends() -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        if not sent:
            sent.append(True)
            return {"type": "http.request", "body": b"x", "more_body": True}
        return await asyncio.Event().wait()

    answers: list[Any] = []

    async def send(message: Any) -> None:
        answers.append(message)

    scope = {"type": "http", "method": "POST", "path": "/sign-in/local", "headers": [], "query_string": b""}
    await asyncio.wait_for(_guarded(longest=0.05)(scope, receive, send), 60)
    assert answers[0]["status"] == 408


async def test_waiting_for_the_browser_to_leave_is_no_slow_body() -> None:
    left = asyncio.Event()

    async def until_gone(scope: Scope, receive: Receive, send: Send) -> None:
        assert (await receive())["type"] == "http.request"
        assert (await receive())["type"] == "http.disconnect"

    messages = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Any:
        if messages:
            return messages.pop()
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None: ...

    scope = {"type": "http", "method": "POST", "path": "/", "headers": [], "query_string": b""}
    waiting = asyncio.create_task(Bodies(until_gone, longest=0.01)(scope, receive, send))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    left.set()
    await asyncio.wait_for(waiting, 60)
