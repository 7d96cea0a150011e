"""The rows behind the event bus (`medianest_core.bus.outbox.EventRows`)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from weakref import WeakKeyDictionary

from sqlalchemy import bindparam, delete, func, select

from medianest_core.sdk.storage import Transaction
from medianest_core.store.engine import Database, Tx
from medianest_core.store.tables.events import events
from medianest_core.store.written import Worded, json_text

# Any number will do, as long as nothing else takes the same advisory lock.
_LOCK = Worded("SELECT 1 FROM pg_advisory_xact_lock(7130001)", parameters=0)
_APPEND = Worded(
    """INSERT INTO events (name, room, at, data)
    SELECT value ->> 'name', value ->> 'room', value ->> 'at', value -> 'data' FROM json_each({0}) ORDER BY key
    RETURNING seq""",
    """INSERT INTO events (name, room, at, data)
    SELECT name, room, at, data FROM ROWS FROM (
        jsonb_to_recordset(CAST(CAST({0} AS text) AS jsonb)) AS (name text, room text, at float8, data jsonb)
    ) WITH ORDINALITY AS given(name, room, at, data, place) ORDER BY place
    RETURNING seq""",
    parameters=1,
)
"""Numbers are given in the order of the rows."""
_AFTER = (
    select(events).where(events.c.seq > bindparam("p_seq")).order_by(events.c.seq).limit(bindparam("p_limit"))
)


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
        self._pending: WeakKeyDictionary[Tx, list[tuple[dict[str, Any], Callable[[int], None]]]] = (
            WeakKeyDictionary()
        )

    def append(
        self,
        tx: Transaction,
        *,
        name: str,
        room: str,
        at: float,
        data: Mapping[str, Any],
        stored: Callable[[int], None],
    ) -> None:
        open_tx = cast(Tx, tx)
        pending = self._pending.setdefault(open_tx, [])
        if not pending:
            open_tx.before_commit(lambda: self._store(open_tx))
        pending.append(({"name": name, "room": room, "at": at, "data": dict(data)}, stored))

    async def _store(self, tx: Tx) -> None:
        pending = self._pending.pop(tx)
        if tx.dialect == "postgresql":
            # Numbers must become visible in their order, or a reader that saw 8 would never ask for 7 again. Whoever holds
            # this lock waits for nobody else any more: it is the last thing that a transaction takes.
            await tx.ask(_LOCK, ())
        values = [row for row, _ in pending]
        tx.written.add(events.name)
        numbers = sorted(int(seq) for (seq,) in await tx.ask(_APPEND, (json_text(values),)))
        for (_, stored), seq in zip(pending, numbers, strict=True):
            stored(seq)

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

    async def after(self, seq: int, limit: int) -> Sequence[EventRow]:
        """Up to `limit` events of all rooms after `seq`, oldest first."""
        async with self._db.read(one_moment=False) as tx:
            rows = await tx.all(_AFTER, {"p_seq": seq, "p_limit": limit})
        return [EventRow(row["seq"], row["name"], row["room"], row["at"], row["data"]) for row in rows]

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
