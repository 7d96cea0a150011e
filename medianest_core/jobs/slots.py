"""Places for running jobs: so many at once in this process."""

from __future__ import annotations

import asyncio
from collections import deque


class Slots:
    """Whoever must have a place for one certain job comes before those who would take whatever job is due."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._certain: deque[asyncio.Future[None]] = deque()
        self._any: deque[asyncio.Future[None]] = deque()

    @property
    def free(self) -> int:
        """How many are left."""
        return self._free

    @property
    def wanted(self) -> bool:
        """Does somebody wait for a place for one certain job?"""
        return any(not future.done() for future in self._certain)

    async def one(self) -> None:
        """Take a place for a certain job."""
        while not self._free or self.wanted:
            await self._wait(self._certain)
            if self._free:
                break
        self._free -= 1

    async def several(self, most: int) -> int:
        """Take as many places as there are, one at least, at most `most`. Returns how many."""
        while not self._free or self.wanted:
            await self._wait(self._any)
        count = min(self._free, most)
        self._free -= count
        return count

    def give_back(self, count: int = 1) -> None:
        self._free += count
        self._wake()

    def _wake(self) -> None:
        left = self._free
        for queue in (self._certain, self._any):
            while left and queue:
                future = queue.popleft()
                if not future.done():
                    future.set_result(None)
                    left -= 1

    async def _wait(self, queue: deque[asyncio.Future[None]]) -> None:
        future = asyncio.get_running_loop().create_future()
        queue.append(future)
        try:
            await future
        except asyncio.CancelledError:
            # The turn that came too late goes to the next.
            self._wake()
            raise
