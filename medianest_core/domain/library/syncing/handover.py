"""Where those who read sources leave their work for the one who writes.

A reader waits until its work is taken: while that is written it makes the next ready, and no more of one source than these two
batches is in memory. All that waits is taken at once, so that a title which several sources tell of at the same time is put together
once and not once for each of them.
"""

from __future__ import annotations

import asyncio

from medianest_core.domain.library.syncing.work import Work


class Handover:
    """Of one run: many readers, one writer."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Work, asyncio.Future[None]]] = []
        self._there = asyncio.Event()
        self._over = False

    async def put(self, work: Work) -> None:
        """Returns when the writer has taken it. Who is cancelled while it waits leaves it there: it is written all the same."""
        taken = asyncio.get_running_loop().create_future()
        self._waiting.append((work, taken))
        self._there.set()
        await taken

    def end(self) -> None:
        """Nothing more comes."""
        self._over = True
        self._there.set()

    async def take(self) -> list[Work]:
        """Everything that waits, in the order in which it came; empty at the end."""
        if not self._waiting and not self._over:
            self._there.clear()
            await self._there.wait()
        taken, self._waiting = self._waiting, []
        for _, told in taken:
            if not told.done():
                told.set_result(None)
        return [work for work, _ in taken]
