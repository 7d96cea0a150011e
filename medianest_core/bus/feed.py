"""What other processes have published, read from the database: for the sockets of this one, and for what it keeps in memory.

It looks every second; a hint over Redis only makes it look at once. So nothing depends on Redis, and nothing is missed that was
stored while it was away.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from medianest_core.base.repeat import Repeater
from medianest_core.base.tasks import TaskKeeper
from medianest_core.bus.outbox import EventBus, StoredEvent

EVERY = 1.0
_AT_ONCE = 500


class Rows(Protocol):
    async def after(self, seq: int, limit: int) -> Sequence[StoredEvent]:
        """Up to `limit` events after `seq`, oldest first."""
        ...


class Feed:
    """Runs from `start` to `close`; the bus must have loaded its newest number before."""

    def __init__(self, bus: EventBus, rows: Rows, *, every: float = EVERY) -> None:
        """every: seconds between looks."""
        self._bus = bus
        self._rows = rows
        self._repeat = Repeater(self._read, every, trouble="events of other processes cannot be read")
        self._tasks = TaskKeeper()
        self._seq = 0

    def start(self) -> None:
        self._seq = self._bus.newest
        self._bus.followed = True
        self._tasks.spawn(self._repeat.run(), "events of other processes")

    async def close(self) -> None:
        await self._tasks.close()

    def look(self) -> None:
        """Look now."""
        self._repeat.soon()

    async def _read(self) -> None:
        while True:
            rows = await self._rows.after(self._seq, _AT_ONCE)
            for row in rows:
                self._seq = row.seq
                await self._bus.hear(row)
            if len(rows) < _AT_ONCE:
                return
