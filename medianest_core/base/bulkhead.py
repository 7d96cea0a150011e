"""A bulkhead: how many calls to one service run at once, so that a slow one cannot take everything."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from medianest_core.sdk.errors import NotReady


class Bulkhead:
    """`size` slots; further calls wait their turn, at most `wait` seconds."""

    def __init__(self, size: int = 8, *, wait: float = 10.0) -> None:
        self.size = size
        self._wait = wait
        self._slots = asyncio.Semaphore(size)
        self._used = 0

    @property
    def used(self) -> int:
        return self._used

    @contextlib.asynccontextmanager
    async def slot(self, wait: float | None = None) -> AsyncIterator[None]:
        """Hold a slot for the block; it comes back however the block ends. Raises NotReady when none becomes free in time."""
        try:
            async with asyncio.timeout(self._wait if wait is None else wait):
                await self._slots.acquire()
        except TimeoutError as error:
            raise NotReady("Too many calls to this service are already waiting for an answer.") from error
        self._used += 1
        try:
            yield
        finally:
            self._used -= 1
            self._slots.release()
