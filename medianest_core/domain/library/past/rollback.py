"""Rolls back one change, a title or a whole run: values and where they came from stand as they did, and are held until the source they
are held against says something else.

A rollback is a run of its own with changes of its own, so it can be rolled back too. Locks win. What servers list is a fact that no
rollback changes: see docs/decisions/0008-what-a-rollback-brings-back.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, cast

import orjson
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select, update

from medianest_core.base.clock import Clock
from medianest_core.base.failpoints import failpoint
from medianest_core.base.texts import N_
from medianest_core.bus.events import LibraryChanged
from medianest_core.bus.outbox import EventBus
from medianest_core.domain.library.past.restore import undo_titles, undo_wholes, withhold
from medianest_core.domain.library.past.undo import Outcome, Undone, Wish, wishes
from medianest_core.domain.library.stored import sources
from medianest_core.domain.library.stored.priorities import load_priorities
from medianest_core.domain.library.writing.changes import WHOLE_RULES
from medianest_core.domain.library.writing.finalize import Applied, Batch, next_title_locked
from medianest_core.ledger.enqueue import Ledger
from medianest_core.sdk.errors import NotFound, UserError
from medianest_core.sdk.events import Audience
from medianest_core.sdk.jobs import Job, JobContext, Retry
from medianest_core.sdk.storage import Transaction
from medianest_core.store.engine import Database, Tx
from medianest_core.store.repos.audit import record
from medianest_core.store.tables.ledger import jobs
from medianest_core.store.tables.library import sync_changes, sync_runs, titles
from medianest_core.store.transaction import alone

JOB = "library.rollback"
UNDOING = "undoing"
ALIVE = ("queued", "leased", "waiting")
"""States of jobs that have not ended."""
_TITLES = 200
_SHOWN = 200
Begin = Callable[[], AbstractAsyncContextManager[Transaction]]
Tell = Callable[[int], Awaitable[None]]


class RollbackArgs(BaseModel):
    """run: which one to undo. by: the run that this rollback is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    run: int
    by: int


@dataclass(slots=True)
class Report:
    """What a rollback did, or would do. run: its own number, None where it only was tried. counts: how many values (or titles) came to
    which outcome. rows: the first of them."""

    run: int | None = None
    counts: Counter[Outcome] = field(default_factory=Counter)
    rows: list[Undone] = field(default_factory=list)

    def add(self, found: Sequence[Undone]) -> None:
        self.counts.update(one.outcome for one in found)
        self.rows += [one for one in found if one.outcome != "same"][: _SHOWN - len(self.rows)]


class _Tried(Exception):
    """Ends a transaction whose writes were only tried."""


class Rollback:
    """Facade. `jobs()` go into the job registry."""

    def __init__(self, db: Database, bus: EventBus, ledger: Ledger, clock: Clock) -> None:
        self._db = db
        self._bus = bus
        self._ledger = ledger
        self._clock = clock

    def jobs(self) -> list[Job[Any]]:
        return [
            Job(
                JOB,
                self._run_job,
                RollbackArgs,
                title=N_("Roll back a sync"),
                limit=1,
                retry=Retry(attempts=3, delay=5.0),
            )
        ]

    async def change(
        self, change_id: int, actor: str | None, *, title_id: int | None = None, dry_run: bool = False
    ) -> Report:
        """The value as it stood before that change. title_id: only of this title. Raises NotFound; UserError where the change is no value of a
        present title."""
        async with self._db.read() as tx:
            row = await tx.first(select(sync_changes).where(sync_changes.c.id == change_id))
        if row is None or title_id not in (None, row["title_id"]):
            raise NotFound(N_("There is no such change; it may be too old."))
        wanted = wishes([row], careful=False)
        if not wanted:
            raise UserError(N_("This says what servers list, which no rollback can change."))
        scope = {"title": row["title_id"], "change": change_id}
        return await self._title(row["title_id"], wanted, scope, actor, dry_run)

    async def field_of(
        self, title_id: int, path: Sequence[str], actor: str | None, *, dry_run: bool = False
    ) -> Report:
        """The value as it stood before its last change. Raises NotFound."""
        async with self._db.read() as tx:
            rows = await tx.all(
                select(sync_changes.c.id, sync_changes.c.path)
                .where(sync_changes.c.title_id == title_id)
                .order_by(sync_changes.c.id.desc())
            )
        found = next((row["id"] for row in rows if row["path"] == list(path)), None)
        if found is None:
            raise NotFound(N_("Nothing is known to have changed there."))
        return await self.change(found, actor, dry_run=dry_run)

    async def title(
        self,
        title_id: int,
        actor: str | None,
        *,
        run: int | None = None,
        since: float | None = None,
        dry_run: bool = False,
    ) -> Report:
        """All its values as they stood before `run`, or at the moment `since` (epoch seconds). Raises NotFound, UserError."""
        mine = sync_changes.c.title_id == title_id
        if run is not None:
            first = (
                select(sync_changes.c.id)
                .where(mine, sync_changes.c.run_id == run)
                .order_by(sync_changes.c.id)
                .limit(1)
                .scalar_subquery()
            )
            later = sync_changes.c.id >= first
        elif since is not None:
            later = sync_changes.c.at > since
        else:
            raise UserError(N_("Say to which run or moment."))
        async with self._db.read() as tx:
            rows = await tx.all(select(sync_changes).where(mine, later).order_by(sync_changes.c.id))
        scope = {"title": title_id, "run": run} if run is not None else {"title": title_id, "since": since}
        return await self._title(title_id, wishes(rows, careful=False), scope, actor, dry_run)

    async def preview(self, run_id: int) -> Report:
        """What `run` would do. Raises NotFound."""
        await self._known(run_id)
        report = Report()
        await self._undo_run(self._db.begin, run_id, 0, None, report, dry_run=True)
        return report

    async def request(self, run_id: int, actor: str | None) -> tuple[int, str]:
        """Roll back a whole run in the background: (number of the rollback's own run, job id). Raises NotFound, UserError."""
        await self._known(run_id)
        async with self._db.begin() as tx:
            await alone(tx, "library")
            by = await self._open(tx, {"run": run_id}, actor, UNDOING)
            job_id = await self._ledger.enqueue(tx, JOB, RollbackArgs(run=run_id, by=by), owner=actor)
            await tx.execute(update(sync_runs).where(sync_runs.c.id == by).values(job_id=job_id))
            return by, job_id

    async def run(self, run_id: int, actor: str | None) -> Report:
        """Roll back a whole run now. Raises NotFound, UserError."""
        await self._known(run_id)
        async with self._db.begin() as tx:
            await alone(tx, "library")
            by = await self._open(tx, {"run": run_id}, actor, UNDOING)
        report = Report(by)
        try:
            await self._undo_run(self._db.begin, run_id, by, actor, report)
        except BaseException:
            await self._close(self._db.begin, by, report, "failed")
            raise
        await self._close(self._db.begin, by, report, "done")
        return report

    async def _run_job(self, ctx: JobContext, args: RollbackArgs) -> dict[str, Any]:
        async with self._db.read() as tx:
            actor = await tx.scalar(select(sync_runs.c.requested_by).where(sync_runs.c.id == args.by))
        report = Report(args.by)

        async def tell(done: int) -> None:
            ctx.check_cancelled()
            await ctx.progress(done)

        state = "failed"
        try:
            await self._undo_run(ctx.begin, args.run, args.by, actor, report, tell=tell)
            state = "done"
        finally:
            await self._close(ctx.begin, args.by, report, state)
        return {str(outcome): count for outcome, count in report.counts.items()}

    async def _known(self, run_id: int) -> None:
        async with self._db.read() as tx:
            row = await tx.first(
                select(sync_runs.c.state, jobs.c.state.label("job_state"))
                .outerjoin(jobs, jobs.c.id == sync_runs.c.job_id)
                .where(sync_runs.c.id == run_id)
            )
        if row is None:
            raise NotFound(N_("There is no such run."))
        # One whose process died for good has ended too.
        if row["state"] in ("queued", "running", UNDOING) and row["job_state"] in ALIVE:
            raise UserError(N_("The run has not ended yet."))

    async def _title(
        self,
        title_id: int,
        wanted: Mapping[tuple[str, ...], Wish],
        scope: Mapping[str, Any],
        actor: str | None,
        dry_run: bool,
    ) -> Report:
        report = Report()
        try:
            async with self._db.begin() as tx:
                await alone(tx, "library")
                await next_title_locked(tx)
                if await tx.scalar(select(titles.c.id).where(titles.c.id == title_id)) is None:
                    raise NotFound(N_("There is no such title."))
                by = await self._open(tx, scope, actor, "done")
                batch = await self._batch(tx, by, actor)
                found, applied = await undo_titles(tx, batch, {title_id: wanted})
                report.add(found)
                await self._tell(tx, by, applied)
                if dry_run:
                    raise _Tried
                report.run = by
                await self._counted(tx, by, report, "done")
                failpoint("library.rollback.title")
        except _Tried:
            pass
        return report

    async def _undo_run(
        self,
        begin: Begin,
        run_id: int,
        by: int,
        actor: str | None,
        report: Report,
        *,
        dry_run: bool = False,
        tell: Tell | None = None,
    ) -> None:
        """Each batch is a transaction; what is done already is found as it should be, so it may be begun again."""
        done = 0
        async for chosen in self._parts(run_id):
            try:
                async with begin() as transaction:
                    await alone(transaction, "library")
                    tx = cast(Tx, transaction)
                    await next_title_locked(tx)
                    batch = await self._batch(tx, by, actor)
                    found, applied = await chosen(tx, batch)
                    report.add(found)
                    await self._tell(tx, by, applied)
                    if dry_run:
                        raise _Tried
            except _Tried:
                pass
            failpoint("library.rollback.batch")
            done += len(found)
            if tell is not None:
                await tell(done)

    async def _parts(
        self, run_id: int
    ) -> AsyncIterator[Callable[[Tx, Batch], Awaitable[tuple[list[Undone], Applied]]]]:
        """Steps, each for one transaction: titles that came, children first; titles that went, parents first; then the values of others."""
        mine = sync_changes.c.run_id == run_id
        for level in (2, 1, 0):
            after = 0
            while True:
                statement = (
                    select(titles.c.id)
                    .where(titles.c.created_run == run_id, titles.c.level == level, titles.c.id > after)
                    .order_by(titles.c.id)
                    .limit(_TITLES)
                )
                async with self._db.read() as tx:
                    ids = [row[0] for row in (await tx.execute(statement)).all()]
                if not ids:
                    break
                after = ids[-1]
                yield _added(ids, run_id)
        for level in (0, 1, 2):
            async for ids in self._ids(mine, sync_changes.c.rule.in_(WHOLE_RULES)):
                yield _wholes(ids, run_id, level)
        async for ids in self._ids(mine, sync_changes.c.rule.not_in(WHOLE_RULES)):
            yield _values(ids, run_id)

    async def _ids(self, *wanted: Any) -> AsyncIterator[list[int]]:
        after = 0
        while True:
            statement = (
                select(sync_changes.c.title_id)
                .where(*wanted, sync_changes.c.title_id > after)
                .distinct()
                .order_by(sync_changes.c.title_id)
                .limit(_TITLES)
            )
            async with self._db.read() as tx:
                ids = [row[0] for row in (await tx.execute(statement)).all()]
            if not ids:
                return
            after = ids[-1]
            yield ids

    async def _batch(self, tx: Tx, by: int, actor: str | None) -> Batch:
        return Batch(
            by,
            await load_priorities(tx),
            await sources.numbers(tx, ()),
            self._clock.now(),
            rule="rollback",
            actor=actor,
        )

    async def _open(self, tx: Tx, scope: Mapping[str, Any], actor: str | None, state: str) -> int:
        now = self._clock.now()
        made = await tx.execute(
            sync_runs.insert()
            .values(
                scope=orjson.dumps({"rollback": dict(scope)}).decode(),
                forced=False,
                job_id="",
                state=state,
                requested_by=actor,
                created_at=now,
                started_at=now,
                ended_at=now if state == "done" else None,
                counts={},
                problems=[],
            )
            .returning(sync_runs.c.id)
        )
        await record(
            tx,
            actor=actor,
            action="library.rolled_back",
            target=" ".join(f"{name}:{value}" for name, value in scope.items()),
            details=dict(scope),
        )
        return int(made.scalar_one())

    async def _counted(self, tx: Transaction, by: int, report: Report, state: str) -> None:
        counts = report.counts
        await tx.execute(
            update(sync_runs)
            .where(sync_runs.c.id == by)
            .values(
                state=state,
                ended_at=self._clock.now(),
                counts={
                    "added": counts["revived"],
                    "changed": counts["restored"],
                    "removed": counts["withheld"],
                    "rollback": dict(counts),
                },
                problems=problems(counts),
            )
        )

    async def _close(self, begin: Begin, by: int, report: Report, state: str) -> None:
        async with begin() as tx:
            await alone(tx, "library")
            await self._counted(tx, by, report, state)

    async def _tell(self, tx: Tx, by: int, applied: Applied) -> None:
        if applied.added or applied.changed or applied.removed:
            await self._bus.publish(
                tx,
                LibraryChanged(
                    run_id=str(by),
                    added=applied.added,
                    changed=applied.changed,
                    removed=applied.removed,
                    title_ids=[str(title) for title in applied.titles],
                ),
                Audience.library(),
            )


def problems(counts: Mapping[Outcome, int]) -> list[dict[str, Any]]:
    """What could not be rolled back, as `sync_runs.problems` keeps it."""
    texts: list[tuple[Outcome, str]] = [
        ("locked", N_("{count} values are locked and stay as they are.")),
        ("later", N_("{count} values were changed again later and stay as they are.")),
        (
            "gone",
            N_("{count} values or titles stay as they are: servers have the title again, or nobody has it."),
        ),
    ]
    return [
        {"instance_id": "", "library": None, "message": text.format(count=counts[name])}
        for name, text in texts
        if counts.get(name)
    ]


def rollback_of(scope: str) -> Mapping[str, Any] | None:
    """What a run undid: {"run": number}, or {"title": id} with "change", "run" or "since". None for a run that read servers."""
    if not scope.startswith('{"rollback"'):
        return None
    found: Mapping[str, Any] = orjson.loads(scope)["rollback"]
    return found


async def _rows(tx: Tx, ids: Sequence[int], run_id: int) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    statement = (
        select(sync_changes)
        .where(sync_changes.c.run_id == run_id, sync_changes.c.title_id.in_(ids))
        .order_by(sync_changes.c.title_id, sync_changes.c.id)
    )
    for row in await tx.all(statement):
        found.setdefault(row["title_id"], []).append(row)
    return found


def _values(
    ids: Sequence[int], run_id: int
) -> Callable[[Tx, Batch], Awaitable[tuple[list[Undone], Applied]]]:
    async def act(tx: Tx, batch: Batch) -> tuple[list[Undone], Applied]:
        rows = await _rows(tx, ids, run_id)
        return await undo_titles(
            tx, batch, {title: wishes(mine, careful=True) for title, mine in rows.items()}
        )

    return act


def _wholes(
    ids: Sequence[int], run_id: int, level: int
) -> Callable[[Tx, Batch], Awaitable[tuple[list[Undone], Applied]]]:
    async def act(tx: Tx, batch: Batch) -> tuple[list[Undone], Applied]:
        rows = await _rows(tx, ids, run_id)
        last = {
            title: [row for row in mine if row["rule"] in WHOLE_RULES][-1] for title, mine in rows.items()
        }
        return await undo_wholes(tx, batch, last, level)

    return act


def _added(ids: Sequence[int], run_id: int) -> Callable[[Tx, Batch], Awaitable[tuple[list[Undone], Applied]]]:
    async def act(tx: Tx, batch: Batch) -> tuple[list[Undone], Applied]:
        return await withhold(tx, batch, ids, run_id=run_id)

    return act
