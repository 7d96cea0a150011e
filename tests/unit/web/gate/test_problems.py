"""Errors that become answers, and those that nobody is left to hear of."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from medianest_core.web.gate.problems import Problems

SCOPE: Scope = {"type": "websocket", "path": "/live/socket.io/", "headers": [], "query_string": b""}


class Left(OSError):
    """What servers raise where the client went away, as the ASGI specification asks of them."""


async def connecting() -> Message:
    return {"type": "websocket.connect"}


async def gone(_: Message) -> None:
    raise Left


async def accepts(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.accept"})


async def test_a_websocket_closed_while_it_connects_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(Left):
        await Problems(accepts)(SCOPE, connecting, gone)
    assert "unexpected error" not in caplog.text


@pytest.mark.parametrize("before", [False, True])
async def test_a_mistake_of_our_own_is_noted(caplog: pytest.LogCaptureFixture, before: bool) -> None:
    sent: list[Any] = []

    async def take(message: Message) -> None:
        sent.append(message["type"])

    async def fails(scope: Scope, receive: Receive, send: Send) -> None:
        if before:
            await accepts(scope, receive, send)
        raise FileNotFoundError("our own file")

    if before:
        with pytest.raises(FileNotFoundError):
            await Problems(fails)(SCOPE, connecting, take)
    else:
        await Problems(fails)(SCOPE, connecting, take)
    assert sent == ["websocket.accept" if before else "websocket.close"]
    assert "unexpected error" in caplog.text
