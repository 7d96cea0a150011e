"""The ledger: puts jobs into the asking transaction, and offers everything else that may happen to them.

A row is written first and a worker is told after the commit; should that message be lost, `send_at` makes the reconciler tell
one again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from pydantic import BaseModel
from sqlalchemy import case, func, select, update

from medianest_core.base.clock import Clock, SystemClock
from medianest_core.base.failpoints import failpoint
from medianest_core.base.ids import new_id
from medianest_core.base.logging import correlation_id as current_correlation
from medianest_core.base.logging import get_logger
from medianest_core.bus.events import JobChanged, to_owner
from medianest_core.bus.outbox import EventBus
from medianest_core.ledger.control import Control
from medianest_core.ledger.core import SEND_AGAIN_AFTER, Row
from medianest_core.ledger.group import GroupCommit
from medianest_core.ledger.reconcile import Reconciler
from medianest_core.ledger.rounds import Rounds
from medianest_core.ledger.statements import INSERT
from medianest_core.ledger.states import JobInfo, JobKind, JobState, job_info
from medianest_core.sdk.events import Audience
from medianest_core.sdk.jobs import Job
from medianest_core.sdk.storage import Transaction
from medianest_core.store.engine import Database, Tx
from medianest_core.store.tables.ledger import jobs

_log = get_logger(__name__)
LEASE = 12.0


class Ledger(Rounds, Reconciler, Control):
    """All jobs. Every method that takes a transaction writes in it and tells workers and browsers after its commit."""

    def __init__(
        self,
        db: Database,
        clock: Clock | None = None,
        bus: EventBus | None = None,
        *,
        lease: float = LEASE,
    ) -> None:
        self.db = db
        self.group = GroupCommit(db)
        self.clock = clock or SystemClock()
        self.bus = bus
        self.lease_seconds = lease
        self.kinds: dict[str, JobKind] = {}
        self.on_ready: list[Callable[[str, str], None]] = []
        """Called as (job id, name) after the commit of a job that may run now."""
        self.on_cancel: list[Callable[[str], None]] = []
        """Called with the id of a running job once its cancellation has been committed."""
        self.heard: Callable[[], bool] = lambda: True
        """Whether a worker is told of what this process enqueues now; where not, the next one that looks finds it."""

    def declare(self, kind: JobKind) -> None:
        """Make a kind of job known; its jobs are then sent to workers of this process."""
        self.kinds[kind.name] = kind

    def withdraw(self, name: str) -> None:
        """Forget a kind; its jobs stay queued until it is declared again."""
        self.kinds.pop(name, None)

    def kind(self, name: str) -> JobKind:
        return self.kinds.get(name) or JobKind(name)

    async def enqueue(
        self,
        tx: Transaction,
        job: Job[Any] | str,
        args: BaseModel | Mapping[str, Any],
        *,
        owner: str | None = None,
        correlation_id: str | None = None,
        parent: str | None = None,
        delay: float = 0.0,
        unique: str | None = None,
        queue: str | None = None,
        max_attempts: int | None = None,
        plugin: str | None = None,
        title: str = "",
    ) -> str:
        """Put a job into the ledger; returns its id.

        delay: seconds. unique: while a job of this name with the same text is queued, that one is returned, and brought forward
        where this one would run earlier; default: the kind's `unique_by`. parent: the job that is done only when this one is.
        queue, max_attempts, title: default to the kind's.
        """
        return await self._put(
            tx,
            self._row_of(
                job,
                args,
                owner=owner,
                correlation_id=correlation_id,
                parent=parent,
                delay=delay,
                unique=unique,
                queue=queue,
                max_attempts=max_attempts,
                plugin=plugin,
                title=title,
            ),
        )

    async def submit(self, job: Job[Any] | str, args: BaseModel | Mapping[str, Any], **options: Any) -> str:
        """`enqueue`, with its options, in a transaction that others who ask at the same time share. Returns once it is durable."""
        # Made here, where the correlation id is the asking request's.
        return await self.group.merged(self._put_all, self._row_of(job, args, **options))

    def _row_of(
        self,
        job: Job[Any] | str,
        args: BaseModel | Mapping[str, Any],
        *,
        owner: str | None = None,
        correlation_id: str | None = None,
        parent: str | None = None,
        delay: float = 0.0,
        unique: str | None = None,
        queue: str | None = None,
        max_attempts: int | None = None,
        plugin: str | None = None,
        title: str = "",
    ) -> dict[str, Any]:
        name = job if isinstance(job, str) else job.name
        kind = self.kind(name)
        if unique is None and kind.unique_by is not None and isinstance(args, BaseModel):
            unique = kind.unique_by(args)
        now = self.clock.now()
        due = now + max(0.0, delay)
        key = f"{name}\n{unique}" if unique is not None else None
        return {
            "id": new_id(),
            "name": name,
            "queue": queue or kind.queue,
            "title": title or kind.title or name,
            "plugin": plugin or kind.plugin,
            "owner": owner,
            "args": args.model_dump(mode="json") if isinstance(args, BaseModel) else dict(args),
            "correlation_id": (correlation_id or current_correlation.get() or new_id())[:64],
            "parent_id": parent,
            "state": JobState.QUEUED,
            "max_attempts": max_attempts or kind.retry.attempts,
            "created_at": now,
            "due_at": due,
            "send_at": self._send_at(name, now, due),
            "unique_text": key,
            "unique_key": key,
        }

    async def _put(self, tx: Transaction, row: dict[str, Any]) -> str:
        identifier, key, due, now = str(row["id"]), row["unique_key"], row["due_at"], row["created_at"]
        if key is None:
            cast(Tx, tx).insert_later(INSERT, (row,))
        else:
            identifier = await self._insert_unique(tx, self._insert(row), key, identifier, due, now)
        if due <= now:
            self._ready_after_commit(tx, identifier, row["name"])
        return identifier

    async def _put_all(self, tx: Tx, rows: Sequence[dict[str, Any]]) -> Sequence[str]:
        plain = [row for row in rows if row["unique_key"] is None]
        if plain:
            tx.insert_later(INSERT, plain)
            ready = [(row["id"], row["name"]) for row in plain if row["due_at"] <= row["created_at"]]
            tx.after_commit(lambda: self._tell(ready))
        return [row["id"] if row["unique_key"] is None else await self._put(tx, row) for row in rows]

    def _insert(self, values: Mapping[str, Any]) -> Any:
        from sqlalchemy.dialects import postgresql, sqlite

        dialect: Any = postgresql if self.db.dialect == "postgresql" else sqlite
        return dialect.insert(jobs).values(**values)

    async def _insert_unique(
        self, tx: Transaction, statement: Any, key: str, identifier: str, due: float, now: float
    ) -> str:
        statement = statement.on_conflict_do_nothing(index_elements=[jobs.c.unique_key])
        while True:
            result = await tx.execute(statement.returning(jobs.c.id))
            if result.first() is not None:
                return identifier
            earlier = update(jobs).where(jobs.c.unique_key == key, jobs.c.state == JobState.QUEUED)
            result = await tx.execute(
                earlier.values(
                    due_at=case((jobs.c.due_at > due, due), else_=jobs.c.due_at),
                    send_at=case((jobs.c.due_at > due, due), else_=jobs.c.send_at),
                ).returning(jobs.c.id)
            )
            if (existing := result.scalar()) is not None:
                return str(existing)
            # Between the two statements a worker took it: then ours is needed after all.

    def _send_at(self, name: str, now: float, due: float) -> float:
        # Kinds with a limit are sent by the dispatcher as places become free, unknown ones once they are declared; all others
        # by whoever enqueues them, and again only if that came to nothing.
        kind = self.kinds.get(name)
        told = due <= now and kind is not None and kind.limit is None and self.heard()
        return now + SEND_AGAIN_AFTER if told else due

    def _ready_after_commit(self, tx: Transaction, identifier: str, name: str) -> None:
        tx.after_commit(lambda: self._tell(((identifier, name),)))

    def _tell(self, ready: Sequence[tuple[str, str]]) -> None:
        failpoint("jobs.committed")
        for identifier, name in ready:
            for callback in self.on_ready:
                callback(identifier, name)

    async def _announce(self, tx: Transaction, row: Row, reason: str = "") -> None:
        """Tell owner and admins about the state that `row` is in now."""
        if self.bus is None:
            return
        event = JobChanged(
            job_id=row["id"],
            job=row["name"],
            title=row["title"],
            state=row["state"],
            reason=reason,
            owner=row["owner"],
        )
        await self.bus.publish(tx, event, Audience.admins())
        if row["owner"]:
            await self.bus.publish(tx, event, to_owner(row["owner"]))

    async def get_job(self, tx: Transaction, job_id: str) -> JobInfo | None:
        """One job, or None."""
        row = (await tx.execute(select(jobs).where(jobs.c.id == job_id))).mappings().first()
        return job_info(row) if row is not None else None

    async def counts(self, tx: Transaction) -> dict[str, int]:
        """How many jobs are in each state; states without any are 0."""
        result = await tx.execute(select(jobs.c.state, func.count()).group_by(jobs.c.state))
        found: dict[str, int] = {state.value: 0 for state in JobState}
        found.update({str(state): int(count) for state, count in result})
        return found
