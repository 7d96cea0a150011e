"""Gives every request a number that stands in its answer, in the log, on its jobs and on outbound calls."""

from __future__ import annotations

import re
import time
from uuid import uuid4

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from medianest_core.base.logging import correlation_id, get_logger

HEADER = b"x-correlation-id"
_FIT = re.compile(r"[A-Za-z0-9._-]{1,64}")
_log = get_logger(__name__)


class Correlation:
    """Outermost. Takes a caller's own number where it is plain text."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        given = next((value.decode("latin-1") for name, value in scope["headers"] if name == HEADER), "")
        number = given if _FIT.fullmatch(given) else uuid4().hex
        token = correlation_id.set(number)
        line = (HEADER, number.encode())
        began, status = time.perf_counter(), 0

        async def mark(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message["headers"], line]}
            await send(message)

        try:
            await self._app(scope, receive, mark)
        finally:
            if status >= 400 or (status and scope["method"] not in ("GET", "HEAD")):
                _log.info(
                    "request",
                    method=scope["method"],
                    path=_loggable(scope["path"]),
                    status=status,
                    ms=round((time.perf_counter() - began) * 1000, 1),
                    agent=Headers(scope=scope).get("user-agent", "")[:80],
                )
            correlation_id.reset(token)


def _loggable(path: str) -> str:
    """The path without the secret that an address for webhooks ends with."""
    if "/webhooks/" in path:
        head, _, rest = path.partition("/webhooks/")
        return f"{head}/webhooks/{'/'.join(rest.split('/')[:2])}/…"
    return path[:300]
