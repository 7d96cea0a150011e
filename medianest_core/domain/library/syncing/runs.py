"""Sync runs: one over the same titles at a time. A second request joins the running one; a forced one queues exactly one follow-up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, case, select, update
from sqlalchemy.engine import RowMapping

from medianest_core.base.clock import Clock
from medianest_core.base.texts import N_
from medianest_core.domain.library.syncing.scope import SyncArgs as SyncArgs
from medianest_core.ledger.enqueue import Ledger
from medianest_core.sdk.errors import NotFound, RetryLater, UserError
from medianest_core.store.engine import Database, Tx
from medianest_core.store.tables.ledger import jobs
from medianest_core.store.tables.library import sync_runs
from medianest_core.store.transaction import alone

JOB = "library.sync"
_ALIVE = ("queued", "leased", "waiting")
_TURN = 2.0
_OF_MORE = tuple(sync_runs.c.scope.not_like(f'%"{name}":%') for name in ("keys", "titles"))
"""Leaves out runs of single titles, which list nothing: webhooks bring hundreds of them between two that do."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run as pages show it. counts: see `work.Report`. problems: [{"instance_id", "library", "message"}]. failed: instance id → keys
    that could not be read. args: what was asked for; None where that was not kept."""

    id: int
    job_id: str
    state: str
    scope: str
    created_at: float
    started_at: float | None
    ended_at: float | None
    counts: Mapping[str, Any]
    problems: Sequence[Mapping[str, Any]]
    failed: Mapping[str, Sequence[str]] = field(default_factory=dict)
    args: SyncArgs | None = None
    forced: bool = False
    requested_by: str | None = None

    @property
    def open(self) -> bool:
        return self.state in ("queued", "running")


class Runs:
    def __init__(self, db: Database, ledger: Ledger, clock: Clock) -> None:
        self._db = db
        self._ledger = ledger
        self._clock = clock

    async def request(
        self, args: SyncArgs, actor: str | None = None, delay: float = 0.0, *, fresh: bool = False
    ) -> str:
        """Job id of a run that will answer the request: a present one, or a new one."""
        async with self._db.begin() as tx:
            await alone(tx, "library")
            return await self.request_in(tx, args, actor, delay, fresh=fresh)

    async def request_in(
        self, tx: Tx, args: SyncArgs, actor: str | None = None, delay: float = 0.0, *, fresh: bool = False
    ) -> str:
        """fresh: something has just changed, so that a run which is under way may have looked too early.

        A request that cannot join the present run becomes one follow-up with all that was asked for meanwhile.
        """
        alike = [row for row in await self._alive(tx) if _args(row).target == args.target]
        waiting = [row for row in alike if row["state"] == "queued"]
        if not args.force:
            joined = [row for row in (waiting if fresh else alike) if row["scope"] == args.scope]
            if joined:
                await self._bring_forward(tx, joined[0], delay)
                return str(joined[0]["job_id"])
        elif waiting and (kept := await self._merge_into(tx, waiting[-1], args, delay)):
            return kept
        title = N_("Sync some titles") if args.single else N_("Sync the library")
        job_id = await self._ledger.enqueue(tx, JOB, args, owner=actor, delay=delay, title=title)
        await tx.execute(sync_runs.insert().values(**self._row(args, job_id, "queued", actor)))
        return job_id

    async def _merge_into(self, tx: Tx, row: RowMapping, args: SyncArgs, delay: float) -> str | None:
        """The job id of a waiting run that now asks for both; None where its job has ended."""
        merged = _args(row).merged(args)
        # A job that has just been taken, to see whether it is its turn, reads what is asked for when it begins.
        taken = await tx.execute(
            update(jobs)
            .where(jobs.c.id == row["job_id"], jobs.c.state.in_(("queued", "leased")))
            .values(args=merged.model_dump(mode="json"))
        )
        if not taken.rowcount:
            return None
        await tx.execute(
            update(sync_runs)
            .where(sync_runs.c.id == row["id"])
            .values(scope=merged.scope, forced=merged.force, args=merged.model_dump(mode="json"))
        )
        await self._bring_forward(tx, row, delay)
        return str(row["job_id"])

    async def _bring_forward(self, tx: Tx, row: RowMapping, delay: float) -> None:
        """Somebody wants it earlier than it was meant to begin."""
        due = self._clock.now() + delay
        if row["state"] == "queued" and row["due_at"] is not None and row["due_at"] > due:
            await tx.execute(
                update(jobs)
                .where(jobs.c.id == row["job_id"], jobs.c.state == "queued")
                .values(due_at=due, send_at=case((jobs.c.send_at > due, due), else_=jobs.c.send_at))
            )

    async def begin(self, tx: Tx, args: SyncArgs, job_id: str) -> tuple[int, SyncArgs] | None:
        """Id of the run of this job, now running, and what it was asked for until now; None where another run of the scope does
        the work already.

        Raises RetryLater where this one has to wait for another run of the same titles to end.
        """
        own = await tx.first(
            select(sync_runs.c.id, sync_runs.c.args)
            .where(sync_runs.c.job_id == job_id)
            .order_by(sync_runs.c.id.desc())
        )
        if own is not None and own["args"] is not None:
            args = _args(own)
        others = [
            row
            for row in await self._alive(tx)
            if row["job_id"] != job_id and _args(row).target == args.target
        ]
        if own is None and not args.force and any(row["scope"] == args.scope for row in others):
            # Scheduled: it asks for nothing that is not under way.
            return None
        # Whatever the other one does with the same titles: what is asked for meanwhile has to find this one waiting.
        if any(row["state"] == "running" for row in others):
            raise RetryLater("Waits for the present sync of the same libraries to end.", _TURN)
        if own is None:
            inserted = await tx.execute(
                sync_runs.insert()
                .values(**self._row(args, job_id, "running", None))
                .returning(sync_runs.c.id)
            )
            run_id = int(inserted.scalar_one())
        else:
            run_id = int(own["id"])
        await tx.execute(
            update(sync_runs)
            .where(sync_runs.c.id == run_id)
            .values(state="running", started_at=self._clock.now(), ended_at=None)
        )
        return run_id, args

    async def finish(
        self,
        tx: Tx,
        run_id: int,
        *,
        state: str,
        counts: Mapping[str, Any],
        problems: Sequence[Mapping[str, Any]],
        failed: Mapping[str, Sequence[str]],
    ) -> None:
        await tx.execute(
            update(sync_runs)
            .where(sync_runs.c.id == run_id)
            .values(
                state=state,
                ended_at=self._clock.now(),
                counts=dict(counts),
                problems=list(problems),
                failed={instance: list(keys) for instance, keys in failed.items()},
            )
        )

    async def last_complete(self, instance_id: str, library: str) -> float | None:
        """When the last run that listed the library to its end began."""
        mark = f"{instance_id}/{library}"
        async with self._db.read() as tx:
            rows = await tx.all(
                select(sync_runs.c.started_at, sync_runs.c.counts)
                .where(sync_runs.c.state == "done", *_OF_MORE)
                .order_by(sync_runs.c.id.desc())
                .limit(100)
            )
        return next(
            (float(row["started_at"]) for row in rows if mark in (row["counts"].get("complete") or ())), None
        )

    async def last_stuck(self, tx: Tx) -> int:
        """Of how many titles that lost much at once the admins know: what the last run that looked at that has found."""
        rows = await tx.all(
            select(sync_runs.c.counts)
            .where(sync_runs.c.state != "running")
            .order_by(sync_runs.c.id.desc())
            .limit(100)
        )
        return next((int(row["counts"]["stuck"]) for row in rows if "stuck" in (row["counts"] or {})), 0)

    async def complete_at(self) -> dict[str, float]:
        """instance id → when the last run that listed a library of it to its end began."""
        async with self._db.read() as tx:
            rows = await tx.all(
                select(sync_runs.c.started_at, sync_runs.c.counts)
                .where(sync_runs.c.state == "done", *_OF_MORE)
                .order_by(sync_runs.c.id.desc())
                .limit(100)
            )
        found: dict[str, float] = {}
        for row in rows:
            for mark in row["counts"].get("complete") or ():
                found.setdefault(mark.partition("/")[0], float(row["started_at"]))
        return found

    async def latest(self, limit: int = 20, *, before: int | None = None) -> list[Run]:
        """Newest first. before: only runs with a smaller number."""
        statement = _shown().order_by(sync_runs.c.id.desc()).limit(limit)
        if before is not None:
            statement = statement.where(sync_runs.c.id < before)
        async with self._db.read() as tx:
            return [run_of(row) for row in await tx.all(statement)]

    async def get(self, run_id: int) -> Run:
        """Raises NotFound."""
        async with self._db.read() as tx:
            row = await tx.first(_shown().where(sync_runs.c.id == run_id))
        if row is None:
            raise NotFound(N_("There is no such run."))
        return run_of(row)

    async def of_job(self, job_id: str) -> Run | None:
        """The run that the job does or did."""
        async with self._db.read() as tx:
            row = await tx.first(
                _shown().where(sync_runs.c.job_id == job_id).order_by(sync_runs.c.id.desc()).limit(1)
            )
        return run_of(row) if row is not None else None

    async def cancel(self, run_id: int, actor: str | None) -> bool:
        """False where it has ended already. Raises NotFound."""
        run = await self.get(run_id)
        async with self._db.begin() as tx:
            await alone(tx, "library")
            if not await self._ledger.cancel(tx, run.job_id, actor):
                return False
            # One that runs says so itself when it stops.
            await tx.execute(
                update(sync_runs)
                .where(sync_runs.c.id == run_id, sync_runs.c.state == "queued")
                .values(state="cancelled", ended_at=self._clock.now())
            )
        return True

    async def retry(self, run_id: int, actor: str | None) -> list[str]:
        """Read again what the run could not: titles one by one, else what the problem was with. Returns job ids.

        Raises NotFound, UserError where nothing failed.
        """
        run = await self.get(run_id)
        if run.open:
            raise UserError(N_("The run has not ended yet."))
        wanted = again(run) if run.args is not None else []
        if not wanted:
            raise UserError(N_("Nothing failed in this run."))
        async with self._db.begin() as tx:
            await alone(tx, "library")
            return [await self.request_in(tx, args, actor, fresh=True) for args in wanted]

    async def _alive(self, tx: Tx) -> list[RowMapping]:
        """Queued and running runs whose job still lives; others are put to rest on the way."""
        rows = await tx.all(
            select(sync_runs, jobs.c.state.label("job_state"), jobs.c.due_at)
            .outerjoin(jobs, jobs.c.id == sync_runs.c.job_id)
            .where(sync_runs.c.state.in_(("queued", "running")))
            .order_by(sync_runs.c.id)
        )
        dead = [row["id"] for row in rows if row["job_state"] not in _ALIVE]
        if dead:
            await tx.execute(
                update(sync_runs)
                .where(sync_runs.c.id.in_(dead))
                .values(state="failed", ended_at=self._clock.now())
            )
        # Rollbacks are runs too, but nobody asks for them by what they read.
        return [row for row in rows if row["id"] not in dead and row["args"] is not None]

    def _row(self, args: SyncArgs, job_id: str, state: str, actor: str | None) -> dict[str, Any]:
        return {
            "scope": args.scope,
            "forced": args.force,
            "job_id": job_id,
            "state": state,
            "requested_by": actor,
            "created_at": self._clock.now(),
            "counts": {},
            "problems": [],
            "args": args.model_dump(mode="json"),
            "failed": {},
        }


def _args(row: RowMapping) -> SyncArgs:
    return SyncArgs.model_validate(row["args"])


def again(run: Run) -> list[SyncArgs]:
    """Requests for what a run could not read: its failed titles, and the servers or libraries that failed as a whole."""
    base = run.args or SyncArgs()
    kept: dict[str, Any] = {"force": True, "dry_run": False, "tries": 0}
    found = [
        base.model_copy(
            update={
                **kept,
                "instance_ids": (instance,),
                "keys": tuple(keys),
                "libraries": None,
                "titles": None,
            }
        )
        for instance, keys in run.failed.items()
        if keys
    ]
    whole: dict[str, set[str]] = {}
    for problem in run.problems:
        if problem["instance_id"] and not run.failed.get(problem["instance_id"]):
            whole.setdefault(problem["instance_id"], set()).add(problem["library"] or "")
    for instance, sections in whole.items():
        only = None if "" in sections else tuple(sorted(sections))
        found.append(
            base.model_copy(
                update={
                    **kept,
                    "force": base.force,
                    "instance_ids": (instance,),
                    "libraries": only or base.libraries,
                }
            )
        )
    return found


def _shown() -> Select[Any]:
    return select(sync_runs, jobs.c.state.label("job_state")).outerjoin(jobs, jobs.c.id == sync_runs.c.job_id)


def run_of(row: RowMapping) -> Run:
    """A run whose job has ended without saying so (the process died for good) has ended too."""
    state = row["state"]
    if state in ("queued", "running", "undoing") and row["job_state"] not in _ALIVE:
        state = "cancelled" if row["job_state"] == "cancelled" else "failed"
    return Run(
        id=row["id"],
        job_id=row["job_id"],
        state=state,
        scope=row["scope"],
        created_at=row["created_at"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        counts=row["counts"],
        problems=row["problems"],
        failed=row["failed"] or {},
        args=SyncArgs.model_validate(row["args"]) if row["args"] is not None else None,
        forced=bool(row["forced"]),
        requested_by=row["requested_by"],
    )
