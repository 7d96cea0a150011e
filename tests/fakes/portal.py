"""The floors below the domains, started for real: database, events, ledger and worker."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import event

from medianest_core.base.clock import SystemClock
from medianest_core.bus.outbox import EventBus
from medianest_core.jobs.registry import JobRegistry
from medianest_core.jobs.worker import Worker
from medianest_core.ledger.enqueue import Ledger
from medianest_core.ledger.states import FINISHED, JobInfo
from medianest_core.sdk.events import Event
from medianest_core.store.engine import Database
from medianest_core.store.repos.events import EventRepo
from medianest_core.store.tables.all import core_metadata
from tests.databases import database_url


@dataclass
class Floor:
    db: Database
    bus: EventBus
    ledger: Ledger
    registry: JobRegistry
    worker: Worker
    clock: SystemClock
    heard: list[Event]

    async def job(self, job_id: str) -> JobInfo:
        async with self.db.read() as tx:
            found = await self.ledger.get_job(tx, job_id)
        assert found is not None
        return found

    async def finished(self, job_id: str) -> JobInfo:
        """Waits until the job has ended."""
        import asyncio

        while (info := await self.job(job_id)).state not in FINISHED:
            await asyncio.sleep(0.01)
        return info


@contextlib.asynccontextmanager
async def floor(folder: Path) -> AsyncIterator[Floor]:
    db = Database(database_url(folder))
    await db.start()
    async with db.engine.begin() as connection:
        await connection.run_sync(core_metadata().create_all)
    bus = EventBus(EventRepo(db))
    clock = SystemClock()
    ledger = Ledger(db, clock, bus)
    registry = JobRegistry(ledger)
    worker = Worker(db, ledger, registry, bus)
    heard: list[Event] = []

    async def hear(one: Event) -> None:
        heard.append(one)

    bus.subscribe(Event, hear, name="test")
    await worker.start()
    try:
        yield Floor(db, bus, ledger, registry, worker, clock, heard)
    finally:
        await worker.stop()
        await bus.close()
        await db.close()


class Writes:
    """Counts the rows written to each table while it is active."""

    def __init__(self, db: Database) -> None:
        self._engine = db.engine.sync_engine
        self.tables: dict[str, int] = {}

    def _seen(self, _c: Any, cursor: Any, statement: str, *_: Any) -> None:
        words = statement.split()
        verb = words[0].upper()
        if verb in ("INSERT", "UPDATE", "DELETE") and cursor.rowcount:
            table = words[1] if verb == "UPDATE" else words[2]
            self.tables[table] = self.tables.get(table, 0) + abs(cursor.rowcount)

    def __enter__(self) -> Writes:
        event.listen(self._engine, "after_cursor_execute", self._seen)
        return self

    def __exit__(self, *_: object) -> None:
        event.remove(self._engine, "after_cursor_execute", self._seen)
