"""What passes between those who read sources and the one who writes, and what a run reports of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import update

from medianest_core.domain.library.stored.bulk import chunks, upsert_rows
from medianest_core.domain.library.syncing.gather import Problem
from medianest_core.domain.library.syncing.progress import RunProgress
from medianest_core.domain.library.syncing.scope import SyncArgs
from medianest_core.domain.library.writing.finalize import Applied, Batch, apply, next_title_locked
from medianest_core.domain.library.writing.membership import Incoming, Place
from medianest_core.sdk.storage import Transaction
from medianest_core.store.engine import Database, Tx
from medianest_core.store.tables.library import record_details, records


@dataclass(frozen=True, slots=True)
class DetailRow:
    """What is to be stored of a record beyond its listing, as `record_details` has it."""

    key: str
    digest: str
    data: bytes


@dataclass(slots=True)
class Work:
    """What one source brings to one transaction. mark, returned: keys whose count of misses changes."""

    instance_id: str
    incoming: list[Incoming] = field(default_factory=list)
    gone: list[Place] = field(default_factory=list)
    mark: list[str] = field(default_factory=list)
    returned: list[str] = field(default_factory=list)
    details: list[DetailRow] = field(default_factory=list)


@dataclass(slots=True)
class Report:
    """What a run did; stored as its `counts`. unread: instance id → keys that could not be read. ops: instance id → operation →
    kind → values that changed. would: of a rehearsal, see `rehearsal`. stuck: titles of which an admin has to say whether what they lost
    goes; None where that was not looked at."""

    applied: Applied = field(default_factory=Applied)
    complete: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    failed: set[str] = field(default_factory=set)
    unread: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    asked: int = 0
    unconfirmed: set[str] = field(default_factory=set)
    written: set[str] = field(default_factory=set)
    ops: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict)
    would: dict[str, Any] | None = None
    stuck: int | None = None

    def counts(self, progress: RunProgress) -> dict[str, Any]:
        facts = progress.facts()
        found = {
            "added": self.applied.added,
            "changed": self.applied.changed,
            "removed": self.applied.removed,
            "complete": self.complete,
            "instances": {
                instance: {name: one[name] for name in ("done", "changed", "unchanged", "state")}
                for instance, one in facts.items()
            },
            "kinds": {instance: one["kinds"] for instance, one in facts.items()},
            "compared": {
                instance: {name: count["done"] for name, count in one["ops"].items() if count["done"]}
                for instance, one in facts.items()
                if one["ops"]
            },
            "ops": self.ops,
        }
        if self.would is not None:
            found["would"] = self.would
        if self.stuck is not None:
            found["stuck"] = self.stuck
        return found


@dataclass(slots=True)
class Frame:
    """What all readers of a run share. keys: instance id → keys there of the titles that the run is about. put: takes work, and may
    make its bringer wait. batch: records that each brings at once."""

    db: Database
    begin: Callable[[], AbstractAsyncContextManager[Transaction]]
    args: SyncArgs
    report: Report
    progress: RunProgress
    sources: dict[str, int]
    keys: Mapping[str, Sequence[str]]
    put: Callable[[Work], Awaitable[None]]
    batch: int
    step: Callable[[], Awaitable[None]]


async def write(tx: Tx, batch: Batch, works: Sequence[Work]) -> Applied:
    """Everything of `works`, in the caller's transaction. What arrives is put together in one go, from whatever sources it comes."""
    applied = Applied()
    details = [
        {"source": batch.sources[work.instance_id], "key": one.key, "digest": one.digest, "data": one.data}
        for work in works
        for one in work.details
    ]
    if details:
        # First of all the row that every writer of titles takes first.
        await next_title_locked(tx)
        await upsert_rows(tx, record_details, details)
    if incoming := [one for work in works for one in work.incoming]:
        applied += await apply(tx, batch, incoming)
    for work in works:
        source = batch.sources[work.instance_id]
        if work.gone:
            applied += await apply(tx, batch, (), work.gone)
        await _count_misses(tx, source, work.mark, records.c.missing + 1)
        await _count_misses(tx, source, work.returned, 0)
    return applied


async def _count_misses(tx: Tx, source: int, keys: list[str], value: Any) -> None:
    for part in chunks(keys):
        await tx.execute(
            update(records).where(records.c.source == source, records.c.key.in_(part)).values(missing=value)
        )
