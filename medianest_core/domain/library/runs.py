"""Sync runs: one per scope at a time. A second request joins the running one; a forced one queues exactly one follow-up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select, update
from sqlalchemy.engine import RowMapping

from medianest_core.base.clock import Clock
from medianest_core.ledger.enqueue import Ledger
from medianest_core.sdk.errors import RetryLater
from medianest_core.store.engine import Database, Tx
from medianest_core.store.tables.ledger import jobs
from medianest_core.store.tables.library import sync_runs

JOB = "library.sync"
_ALIVE = ("queued", "leased", "waiting")
_TURN = 2.0


class SyncArgs(BaseModel):
    """What to sync. None means all. keys: the source's own ids, read again one by one. recent: only what changed since the last
    complete run, where the source can tell. force: decode and compare everything, whatever the digests say."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    instance_ids: tuple[str, ...] | None = None
    libraries: tuple[str, ...] | None = None
    keys: tuple[str, ...] | None = None
    recent: bool = False
    force: bool = False

    @property
    def scope(self) -> str:
        """Equal for requests that ask for the same."""
        return orjson.dumps(
            [
                sorted(self.instance_ids) if self.instance_ids is not None else None,
                sorted(self.libraries) if self.libraries is not None else None,
                sorted(self.keys) if self.keys is not None else None,
                self.recent,
            ]
        ).decode()

    @property
    def whole(self) -> bool:
        """Whether listings are read to their end, so that absences can be seen."""
        return self.keys is None and not self.recent


@dataclass(frozen=True, slots=True)
class Run:
    """A run as pages show it. counts: see `sync.Report`. problems: [{"instance_id", "library", "message"}]."""

    id: int
    job_id: str
    state: str
    scope: str
    created_at: float
    started_at: float | None
    ended_at: float | None
    counts: Mapping[str, Any]
    problems: Sequence[Mapping[str, Any]]


class Runs:
    def __init__(self, db: Database, ledger: Ledger, clock: Clock) -> None:
        self._db = db
        self._ledger = ledger
        self._clock = clock

    async def request(self, args: SyncArgs, actor: str | None = None, delay: float = 0.0) -> str:
        """Job id of a run that will answer the request: a present one, or a new one."""
        async with self._db.begin() as tx:
            return await self.request_in(tx, args, actor, delay)

    async def request_in(self, tx: Tx, args: SyncArgs, actor: str | None = None, delay: float = 0.0) -> str:
        rows = await self._alive(tx, args.scope)
        if args.force:
            rows = [row for row in rows if row["state"] == "queued" and row["forced"]]
        if rows:
            return str(rows[0]["job_id"])
        title = "Sync the library" if args.keys is None else "Sync some titles"
        job_id = await self._ledger.enqueue(tx, JOB, args, owner=actor, delay=delay, title=title)
        await tx.execute(sync_runs.insert().values(**self._row(args, job_id, "queued", actor)))
        return job_id

    async def begin(self, tx: Tx, args: SyncArgs, job_id: str) -> int | None:
        """Id of the run of this job, now running; None where another run of the scope does the work already.

        Raises RetryLater where this one has to wait for another to end.
        """
        own = await tx.first(
            select(sync_runs.c.id, sync_runs.c.state)
            .where(sync_runs.c.job_id == job_id)
            .order_by(sync_runs.c.id.desc())
        )
        others = [row for row in await self._alive(tx, args.scope) if row["job_id"] != job_id]
        if own is None and others and not args.force:
            # Scheduled: it asks for nothing that is not under way.
            return None
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
        return run_id

    async def finish(
        self,
        tx: Tx,
        run_id: int,
        *,
        state: str,
        counts: Mapping[str, Any],
        problems: Sequence[Mapping[str, Any]],
    ) -> None:
        await tx.execute(
            update(sync_runs)
            .where(sync_runs.c.id == run_id)
            .values(state=state, ended_at=self._clock.now(), counts=dict(counts), problems=list(problems))
        )

    async def last_complete(self, instance_id: str, library: str) -> float | None:
        """When the last run that listed the library to its end began."""
        mark = f"{instance_id}/{library}"
        async with self._db.read() as tx:
            rows = await tx.all(
                select(sync_runs.c.started_at, sync_runs.c.counts)
                .where(sync_runs.c.state == "done")
                .order_by(sync_runs.c.id.desc())
                .limit(100)
            )
        return next(
            (float(row["started_at"]) for row in rows if mark in (row["counts"].get("complete") or ())), None
        )

    async def latest(self, limit: int = 20) -> list[Run]:
        """Newest first."""
        async with self._db.read() as tx:
            rows = await tx.all(select(sync_runs).order_by(sync_runs.c.id.desc()).limit(limit))
        return [run_of(row) for row in rows]

    async def _alive(self, tx: Tx, scope: str) -> list[RowMapping]:
        """Queued and running runs of the scope whose job still lives; others are put to rest on the way."""
        rows = await tx.all(
            select(sync_runs, jobs.c.state.label("job_state"))
            .outerjoin(jobs, jobs.c.id == sync_runs.c.job_id)
            .where(sync_runs.c.scope == scope, sync_runs.c.state.in_(("queued", "running")))
            .order_by(sync_runs.c.id)
        )
        dead = [row["id"] for row in rows if row["job_state"] not in _ALIVE]
        if dead:
            await tx.execute(
                update(sync_runs)
                .where(sync_runs.c.id.in_(dead))
                .values(state="failed", ended_at=self._clock.now())
            )
        return [row for row in rows if row["id"] not in dead]

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
        }


def run_of(row: RowMapping) -> Run:
    return Run(
        id=row["id"],
        job_id=row["job_id"],
        state=row["state"],
        scope=row["scope"],
        created_at=row["created_at"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        counts=row["counts"],
        problems=row["problems"],
    )
