"""The rows behind the event bus (`medianest_core.bus.outbox.EventRows`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, insert, select, text

from medianest_core.sdk.storage import Transaction
from medianest_core.store.engine import Database
from medianest_core.store.tables.events import events

# Any constant will do, as long as nothing else takes the same advisory lock.
_ORDER_LOCK = 7_130_001
_APPEND = insert(events).returning(events.c.seq)


@dataclass(frozen=True, slots=True)
class EventRow:
    """A stored event; satisfies `medianest_core.bus.outbox.StoredEvent`."""

    seq: int
    name: str
    room: str
    at: float
    data: Mapping[str, Any]

    def payload(self) -> dict[str, Any]:
        return {"seq": self.seq, "at": self.at, "data": dict(self.data)}


class EventRepo:
    """Appends and reads events."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def append(
        self, tx: Transaction, *, name: str, room: str, at: float, data: Mapping[str, Any]
    ) -> int:
        if self._db.dialect == "postgresql":
            # Numbers must become visible in their order, or a reader that saw 8 would never ask for 7 again.
            await tx.execute(text("SELECT pg_advisory_xact_lock(:key)").bindparams(key=_ORDER_LOCK))
        result = await tx.execute(_APPEND, {"name": name, "room": room, "at": at, "data": dict(data)})
        return int(result.scalar_one())

    async def since(self, rooms: Collection[str], seq: int, limit: int) -> tuple[Sequence[EventRow], bool]:
        async with self._db.read() as tx:
            bounds = await tx.one(
                select(func.min(events.c.seq).label("oldest"), func.max(events.c.seq).label("newest"))
            )
            rows = await tx.all(
                select(events)
                .where(events.c.room.in_(list(rooms)), events.c.seq > seq)
                .order_by(events.c.seq)
                .limit(limit + 1)
            )
        oldest, newest = bounds["oldest"] or 0, bounds["newest"] or 0
        # A number from the future comes from before a restored backup: that client knows things that never were.
        complete = len(rows) <= limit and seq <= newest and seq >= oldest - 1
        found = [
            EventRow(row["seq"], row["name"], row["room"], row["at"], row["data"]) for row in rows[:limit]
        ]
        return found, complete

    async def last_seq(self) -> int:
        async with self._db.glance() as tx:
            return int(await tx.scalar(select(func.max(events.c.seq))) or 0)

    async def prune(self, before: float) -> int:
        async with self._db.begin() as tx:
            newest = await tx.scalar(select(func.max(events.c.seq)))
            result = await tx.execute(
                delete(events).where(events.c.at < before, events.c.seq < (newest or 0))
            )
            return int(result.rowcount)
