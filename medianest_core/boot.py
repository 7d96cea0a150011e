"""A start that waits for the database, however long that is away, also where it goes away in the middle of it.

Only where the database is a server: a file that cannot be opened does not come back by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import chain, repeat

from medianest_core.base.logging import get_logger
from medianest_core.runtime import Runtime
from medianest_core.store.errors import DatabaseAway
from medianest_core.store.outages import reason_of

_log = get_logger(__name__)
Tell = Callable[[bool], None]
PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds before a start that the database's going away has broken off is begun again."""


class Boot:
    """`run` starts `runtime`; `end` gives the start up. Whoever made it stops the runtime in any case."""

    def __init__(self, make: Callable[[Tell], Runtime], waits: Tell = lambda _: None) -> None:
        """make: a runtime that has not started, which tells the given function whether it waits. waits: is told the same."""
        self._make = make
        self._tell = waits
        self._task: asyncio.Task[None] | None = None
        self._ending = False
        self.waiting = False
        self.runtime = make(self._waits)

    async def run(self) -> bool:
        """True once the runtime has started, False where `end` came first. Raises what its start raises."""
        task = self._task = asyncio.create_task(self._run(), name="start")
        await asyncio.wait({task})
        if task.cancelled():
            return False
        task.result()
        return True

    async def end(self) -> None:
        """Give the start up: at once while it waits, else as soon as it is through; plugins are not left half imported."""
        self._ending = True
        if self._task is not None and not self._task.done():
            if self.waiting:
                self._task.cancel()
            await asyncio.wait({self._task})

    async def _run(self) -> None:
        for pause in chain(PAUSES, repeat(PAUSES[-1])):
            try:
                await self.runtime.start()
            except DatabaseAway as error:
                if not self.runtime.settings.shared:
                    raise
                _log.warning(
                    "the database went away during the start, which begins again",
                    reason=reason_of(error),
                    pause=pause,
                )
                await self.runtime.stop()
                self.runtime = self._make(self._waits)
                self._waits(True)
                await asyncio.sleep(pause)
            else:
                return

    def _waits(self, yes: bool) -> None:
        self.waiting = yes
        self._tell(yes)
        if yes and self._ending and self._task is not None:
            self._task.cancel()
