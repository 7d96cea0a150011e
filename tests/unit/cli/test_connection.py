"""A client that never finishes its request, or sends an endless head, does not keep its connection; others are served as usual."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from medianest_core.cli import connection
from medianest_core.cli.connection import Connection


async def _echo(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


@pytest.fixture
async def port(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    monkeypatch.setattr(connection, "HEAD_WITHIN", 0.3)
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    app = Starlette(routes=[Route("/", _echo, methods=["GET", "POST"])])
    server = uvicorn.Server(uvicorn.Config(app, http=Connection, lifespan="off", log_config=None))
    serving = asyncio.create_task(server.serve([bound]))
    while not server.started:  # uvicorn tells in no other way
        await asyncio.sleep(0.01)
    yield bound.getsockname()[1]
    server.should_exit = True
    await serving


async def _say(port: int, *pieces: bytes) -> bytes:
    """What the server answers until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = b""
    # It may close while we still speak.
    async with asyncio.timeout(60):
        with contextlib.suppress(ConnectionError):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
        with contextlib.suppress(ConnectionError):
            while part := await reader.read(65_536):
                answer += part
    writer.close()
    return answer


async def test_half_a_head_is_answered_408_and_closed(port: int) -> None:
    assert (await _say(port, b"GET / HTTP/1.1\r\nHost: x\r\n")).startswith(b"HTTP/1.1 408 ")


async def test_silent_connection_is_closed_without_a_word(port: int) -> None:
    assert await _say(port) == b""


async def test_second_request_has_its_own_deadline(port: int) -> None:
    answer = await _say(port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"GET / HTTP/1.1\r\nHo")
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"HTTP/1.1 408 " in answer


async def test_endless_head_is_answered_431(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEAD_WITHIN", 30)
    line = b"X-A: " + b"a" * 1000 + b"\r\n"
    pieces = [b"GET / HTTP/1.1\r\nHost: x\r\n", *[line] * 80]
    assert (await _say(port, *pieces)).startswith(b"HTTP/1.1 431 ")


async def test_long_body_and_slow_answer_are_not_touched(port: int) -> None:
    body = b"b" * 300_000
    head = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head + body[:200_000])
    await asyncio.sleep(0.5)  # longer than a head may take: the body has no such limit
    writer.write(body[200_000:])
    answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"300000")
