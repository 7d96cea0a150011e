"""A library that is written batch by batch, each as a run of its own, and rolled back; without servers and jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, select

from medianest_core.base.clock import SystemClock
from medianest_core.bus.outbox import EventBus
from medianest_core.domain.library.document import parse
from medianest_core.domain.library.past.rollback import Rollback
from medianest_core.domain.library.records import encode
from medianest_core.domain.library.stored.priorities import load_priorities
from medianest_core.domain.library.stored.sources import numbers
from medianest_core.domain.library.writing.finalize import Batch, apply
from medianest_core.domain.library.writing.membership import Incoming
from medianest_core.ledger.enqueue import Ledger
from medianest_core.sdk.media import MediaRecord
from medianest_core.store.engine import Database
from medianest_core.store.repos.events import EventRepo
from medianest_core.store.tables.decisions import kept_values
from medianest_core.store.tables.library import (
    library_sources,
    library_state,
    record_data,
    records,
    source_priorities,
    sync_changes,
    sync_runs,
    title_docs,
    title_ids,
    title_locks,
    titles,
)
from tests.fakes.media import digest

SOURCES = ("a", "b")
State = dict[int, tuple[Any, ...]]


class Shelves:
    """Records go in as runs; `state` is what the library shows."""

    def __init__(self, db: Database) -> None:
        self.db = db
        clock, bus = SystemClock(), EventBus(EventRepo(db))
        self.rollback = Rollback(db, bus, Ledger(db, clock, bus), clock)

    async def clear(self) -> None:
        async with self.db.begin() as tx:
            for table in (
                library_sources,
                library_state,
                records,
                record_data,
                titles,
                title_docs,
                title_ids,
                title_locks,
                source_priorities,
                sync_runs,
                sync_changes,
                kept_values,
            ):
                await tx.execute(delete(table))

    async def run(
        self, put: Mapping[str, Sequence[MediaRecord]], gone: Sequence[tuple[str, str]] = ()
    ) -> int:
        """One run in one batch: what each source says, and records that are gone. Returns its number."""
        async with self.db.begin() as tx:
            made = await tx.execute(
                sync_runs.insert()
                .values(
                    scope="[]",
                    forced=False,
                    job_id="",
                    state="done",
                    created_at=1.0,
                    started_at=1.0,
                    ended_at=2.0,
                    counts={},
                    problems=[],
                )
                .returning(sync_runs.c.id)
            )
            run_id = int(made.scalar_one())
            batch = Batch(run_id, await load_priorities(tx), await numbers(tx, SOURCES), float(run_id))
            incoming = [
                Incoming(source, one, digest(one), encode(one))
                for source, found in put.items()
                for one in found
            ]
            here = {tuple(row) for row in (await tx.execute(select(records.c.source, records.c.key))).all()}
            await apply(
                tx, batch, incoming, [place for place in gone if (batch.sources[place[0]], place[1]) in here]
            )
        return run_id

    async def state(self) -> State:
        """title id → kind, values and where each comes from."""
        async with self.db.read() as tx:
            rows = await tx.execute(
                select(titles.c.id, titles.c.kind, titles.c.parent_id, titles.c.title, title_docs.c.doc).join(
                    title_docs, title_docs.c.id == titles.c.id
                )
            )
            found: State = {}
            for title, kind, parent, name, data in rows.all():
                doc = parse(data)
                found[title] = (kind, parent, name, doc.values, doc.provenance())
            return found

    async def docs(self) -> dict[int, bytes]:
        """title id → the bytes of its document."""
        async with self.db.read() as tx:
            rows = await tx.execute(select(title_docs.c.id, title_docs.c.doc))
            return {title: bytes(data) for title, data in rows.all()}
