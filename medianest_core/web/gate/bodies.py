"""Bounds what a request may send: so many bytes, within so many seconds.

Forms are read into memory, and neither the server nor the form parser gives up on one that never ends.
"""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from medianest_core.base.texts import N_
from medianest_core.web.gate.origin import SAFE
from medianest_core.web.gate.problems import Problem, route_path

LARGEST = 2 * 1024 * 1024
"""Bytes. The largest form holds a cookies.txt of half a megabyte, which may grow to three times that on its way."""
LONGEST = 60.0
"""Seconds from the first question for the body to its end."""


class Bodies:
    """Webhooks have limits of their own size; the time is the same for all."""

    def __init__(self, app: ASGIApp, largest: int = LARGEST, longest: float = LONGEST) -> None:
        self._app = app
        self._largest = largest
        self._longest = longest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in SAFE:
            await self._app(scope, receive, send)
            return
        largest = None if route_path(scope).startswith("/webhooks/") else self._largest
        declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
        if largest is not None and declared.isdigit() and (len(declared) > 18 or int(declared) > largest):
            raise _too_large(largest)
        seen, ends, whole = 0, 0.0, False

        async def bounded() -> Message:
            nonlocal seen, ends, whole
            if whole:
                return await receive()
            ends = ends or asyncio.get_running_loop().time() + self._longest
            try:
                async with asyncio.timeout_at(ends):
                    message = await receive()
            except TimeoutError:
                raise Problem(408, "Sending this took too long. Try again.", code="too_slow") from None
            seen += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            if largest is not None and seen > largest:
                raise _too_large(largest)
            return message

        await self._app(scope, bounded, send)


def _too_large(largest: int) -> Problem:
    return Problem(
        413, N_("At most {size} KiB are taken here.").format(size=largest // 1024), code="too_large"
    )
