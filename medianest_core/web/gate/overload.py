"""What happens when more is asked than can be answered: a request waits for its turn for a moment, then it is told to come back.

Without this every request gets a little of the processor and all of them become late together, until nobody is answered before
they have given up. Only a loop that falls behind counts as too much: requests that wait for a service keep nobody else.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from medianest_core.base.texts import N_
from medianest_core.web.gate.problems import Problem, route_path

MOST = 128
"""Requests at work at once in a process that falls behind."""
BEHIND = 0.03
"""Seconds that one turn of the loop takes in a process that does."""
PATIENCE = 2.0
"""Seconds that a request waits for its turn."""
COME_BACK = 2.0
_FREE = ("/healthz", "/readyz", "/live/")


class Overload:
    """A request is at work until its answer begins: files and streams may take as long as they like."""

    def __init__(
        self, app: ASGIApp, *, most: int = MOST, behind: float = BEHIND, patience: float = PATIENCE
    ) -> None:
        self._app = app
        self._most = most
        self._behind = behind
        self._patience = patience
        self._working = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or route_path(scope).startswith(_FREE):
            await self._app(scope, receive, send)
            return
        if self._working >= self._most and await self._turn_takes() >= self._behind:
            await self._wait()
        self._working += 1
        working = True

        def over() -> None:
            nonlocal working
            if working:
                working = False
                self._working -= 1
                self._next()

        async def watch(message: Message) -> None:
            over()
            await send(message)

        try:
            await self._app(scope, receive, watch)
        finally:
            over()

    async def _turn_takes(self) -> float:
        """Seconds until everybody who can go on now has done so."""
        begun = time.perf_counter()
        await asyncio.sleep(0)
        return time.perf_counter() - begun

    async def _wait(self) -> None:
        """Returns when there is room. Raises Problem (503) where that takes too long."""
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            async with asyncio.timeout(self._patience):
                await place
        except BaseException as gone:
            if place.done() and not place.cancelled():
                # Called at the very moment in which it gave up, or was given up.
                self._next()
            if not isinstance(gone, TimeoutError):
                raise
            raise Problem(
                503,
                N_("The portal has more to do than it can. Please try again in a moment."),
                code="busy",
                retry_at=time.time() + COME_BACK,
                plain=True,
            ) from None
        finally:
            with contextlib.suppress(ValueError):
                self._waiting.remove(place)

    def _next(self) -> None:
        while self._waiting and self._working < self._most:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
                return
