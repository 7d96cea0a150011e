"""Ways to misbehave that are Seerr's own: a proxy's page instead of data, answers too large, empty or doubled, and replies that get lost."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from medianest_core.testing.faults import TRANSPORT
from medianest_core.testing.simulators import json_reply
from medianest_overseerr.simulation.options import Options

HUGE = 40 * 1024 * 1024
"""Bytes; more than a client should take."""
_WRITES = frozenset({"POST", "PUT", "DELETE"})


class Mangle:
    """Stands between the service and its clients, as the options say."""

    def __init__(self, app: ASGIApp, options: Options) -> None:
        self._app, self._options = app, options

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        options = self._options
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif options.lost_replies > 0 and scope["method"] in _WRITES:
            options.lost_replies -= 1
            await self._lose(scope, receive)
        elif options.answer == "html":
            page = HTMLResponse("<!doctype html><title>Sign in</title><form>Who are you?</form>")
            await page(scope, receive, send)
        elif options.answer == "huge":
            await _flood(send)
        elif options.answer:
            await self._changed(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _lose(self, scope: Scope, receive: Receive) -> None:
        """Do it, then hang up."""
        await _collect(self._app, scope, receive)
        transport: asyncio.Transport = scope["extensions"][TRANSPORT]
        transport.abort()
        while (await receive())["type"] != "http.disconnect":
            pass

    async def _changed(self, scope: Scope, receive: Receive, send: Send) -> None:
        start, body = await _collect(self._app, scope, receive)
        try:
            value = _mangled(orjson.loads(body), self._options.answer)
            reply: Response = json_reply(value, int(start["status"]))
        except ValueError:
            reply = Response(body, int(start["status"]))
        await reply(scope, receive, send)


def _mangled(value: Any, how: str) -> Any:
    if how == "empty":
        return (
            {"pageInfo": {"pages": 0, "pageSize": 10, "results": 0, "page": 1}, "results": []}
            if (isinstance(value, dict) and "results" in value)
            else ([] if isinstance(value, list) else {})
        )
    if how == "nulls":
        return dict.fromkeys(value) if isinstance(value, dict) else [None for _ in value]
    if isinstance(value, dict):
        return {
            key: [row for row in entry for _ in range(2)] if isinstance(entry, list) else entry
            for key, entry in value.items()
        }
    return [row for row in value for _ in range(2)]


async def _flood(send: Send) -> None:
    headers = [(b"content-type", b"application/json; charset=utf-8")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    piece, sent = b'"' + b"x" * 262_143, 0
    while sent < HUGE:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
        sent += len(piece)
    await send({"type": "http.response.body", "body": b'"', "more_body": False})


async def _collect(app: ASGIApp, scope: Scope, receive: Receive) -> tuple[Message, bytes]:
    start: Message = {}
    body = bytearray()

    async def keep(message: Message) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
        elif message["type"] == "http.response.body":
            body.extend(message.get("body", b""))

    await app(scope, receive, keep)
    return start, bytes(body)
