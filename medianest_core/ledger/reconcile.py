"""Putting right what a crash left behind: leases that nobody renews, and jobs that no worker was told about.

Any process may do this at any time; each step is one short transaction that finds nothing to do when another was faster.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import (
    ColumnElement,
    and_,
    bindparam,
    delete,
    exists,
    func,
    literal_column,
    or_,
    select,
    update,
)

from medianest_core.base.logging import get_logger
from medianest_core.base.texts import N_
from medianest_core.ledger.core import MAX_CRASHES, SEND_AGAIN_AFTER, LedgerCore
from medianest_core.ledger.states import FINISHED, JobState
from medianest_core.store.tables.ledger import jobs

_log = get_logger(__name__)
_BATCH = 200
_CLOCK_SLACK = 60.0
"""Seconds that clocks of several hosts may differ by."""
# States are written out: as parameters they would keep the database from using the indexes that cover such jobs only.
_LEASED = jobs.c.state == literal_column("'leased'")
_QUEUED = jobs.c.state == literal_column("'queued'")
_ANYTHING = select(
    or_(
        exists().where(_LEASED, jobs.c.lease_until < bindparam("p_now")),
        exists().where(_QUEUED, jobs.c.send_at <= bindparam("p_now")),
    )
)


@dataclass(frozen=True, slots=True)
class Due:
    """A job that a worker should be told about. suspect: a process has died during it."""

    id: str
    name: str
    suspect: bool


class Reconciler(LedgerCore):
    """What runs on every tick."""

    async def anything_to_do(self) -> bool:
        """Is there a lease that ended or a job to send: one cheap look instead of a whole round."""
        now = self.clock.now()
        async with self.db.read() as tx:
            return bool(await tx.scalar(_ANYTHING, {"p_now": now}))

    async def due(
        self, names: Collection[str] | None = None, batch: int = _BATCH, *, unheard: bool = False
    ) -> Sequence[Due]:
        """Jobs of declared kinds (or of `names`) that should be sent now; they are not named again for some seconds.

        Of kinds with a limit, no more than there are free places. unheard: also those that were sent moments ago, for a
        worker that has just begun and cannot have heard it.
        """
        wanted = [name for name in (names or self.kinds) if name in self.kinds]
        free = [name for name in wanted if self.kinds[name].limit is None]
        limited = [name for name in wanted if self.kinds[name].limit is not None]
        now = self.clock.now()
        found: list[Due] = []
        async with self.db.read() as tx:
            moment = jobs.c.due_at if unheard else jobs.c.send_at
            ready = (
                select(jobs.c.id, jobs.c.name, jobs.c.crashes > 0)
                .where(_QUEUED, moment <= now)
                .order_by(jobs.c.due_at, jobs.c.created_at)
            )
            if free:
                found += [
                    Due(*row) for row in (await tx.execute(ready.where(jobs.c.name.in_(free)).limit(batch)))
                ]
            waiting = set()
            if limited:
                result = await tx.execute(
                    select(jobs.c.name).where(_QUEUED, moment <= now, jobs.c.name.in_(limited)).distinct()
                )
                waiting = set(result.scalars())
            for name in sorted(waiting):
                running = (
                    await tx.execute(
                        select(func.count()).where(jobs.c.name == name, jobs.c.state == JobState.LEASED)
                    )
                ).scalar_one()
                places = (self.kinds[name].limit or 0) - running
                if places > 0:
                    found += [
                        Due(*row) for row in await tx.execute(ready.where(jobs.c.name == name).limit(places))
                    ]
        if found:
            # Whoever holds one of the rows is about to change it: waiting for that could only end in a clash.
            free_rows = (
                select(jobs.c.id)
                .where(jobs.c.id.in_([item.id for item in found]), jobs.c.state == JobState.QUEUED)
                .with_for_update(skip_locked=True)
            )
            async with self.db.begin() as tx:
                await tx.execute(
                    update(jobs).where(jobs.c.id.in_(free_rows)).values(send_at=now + SEND_AGAIN_AFTER)
                )
        return found

    async def put_right(self, back: float = 0.0) -> int:
        """After the clock was ahead: what was planned by it comes when it would have come. Returns how many jobs that were.

        back: seconds by which the clock was seen to go back; 0 where this process did not see it. A job that waits for another try may
        then come too early, which costs a look; too late could be for days.
        """
        now = self.clock.now()
        ahead = now + _CLOCK_SLACK
        planned = or_(jobs.c.created_at > ahead, jobs.c.started_at > ahead)
        told = and_(
            jobs.c.send_at > ahead + SEND_AGAIN_AFTER, jobs.c.send_at > jobs.c.due_at + SEND_AGAIN_AFTER
        )
        if back > 0:
            planned = or_(planned, and_(jobs.c.started_at.is_not(None), jobs.c.due_at > ahead))
        async with self.db.begin() as tx:
            # Leases of the living are renewed all the time; those of the dead would last for as long as the clock was ahead.
            await tx.execute(
                update(jobs)
                .where(_LEASED, jobs.c.lease_until > ahead + 2 * self.lease_seconds)
                .values(lease_until=now + self.lease_seconds)
            )
            found = await tx.execute(
                select(jobs.c.id, jobs.c.created_at, jobs.c.started_at, jobs.c.due_at)
                .where(_QUEUED, or_(planned, told))
                .with_for_update()
            )
            rows = found.all()
            for job_id, created_at, started_at, due_at in rows:
                moved = max(
                    back if started_at is not None else 0.0, created_at - now, (started_at or 0.0) - now
                )
                due = min(due_at, max(now, due_at - max(0.0, moved)))
                await tx.execute(
                    update(jobs)
                    .where(jobs.c.id == job_id)
                    .values(
                        created_at=min(created_at, now),
                        started_at=None if started_at is None else min(started_at, now),
                        due_at=due,
                        send_at=due,
                    )
                )
        if rows:
            _log.warning(
                "the clock was ahead; jobs that were planned by it are brought forward", jobs=len(rows)
            )
        return len(rows)

    async def recover(self) -> int:
        """Take back the jobs of workers that stopped renewing. Returns how many."""
        async with self.db.read() as tx:
            result = await tx.execute(select(jobs.c.id).where(*self._expired()).limit(_BATCH))
            candidates = list(result.scalars())
        recovered = 0
        for job_id in candidates:
            recovered += await self._recover(job_id)
        return recovered

    async def recover_workers(self, workers: Collection[str]) -> int:
        """Take back at once the jobs of workers that are known to be dead. Returns how many."""
        async with self.db.read() as tx:
            result = await tx.execute(
                select(jobs.c.id).where(jobs.c.state == JobState.LEASED, jobs.c.worker.in_(list(workers)))
            )
            candidates = list(result.scalars())
        recovered = 0
        for job_id in candidates:
            recovered += await self._recover(job_id, dead=workers)
        return recovered

    async def leasing_workers(self) -> set[str]:
        """Names of the workers that hold leases."""
        async with self.db.read() as tx:
            result = await tx.execute(select(jobs.c.worker).where(jobs.c.state == JobState.LEASED).distinct())
            return {str(name) for name in result.scalars()}

    def _expired(self) -> tuple[ColumnElement[bool], ...]:
        return (_LEASED, jobs.c.lease_until < self.clock.now())

    async def _recover(self, job_id: str, dead: Collection[str] = ()) -> int:
        now = self.clock.now()
        lost = jobs.c.lease_until < now
        if dead:
            lost = or_(lost, jobs.c.worker.in_(list(dead)))
        where = (jobs.c.id == job_id, jobs.c.state == JobState.LEASED, lost)
        async with self.db.begin() as tx:
            row = await self._row(tx, *where, lock=True)
            if row is None:
                return 0
            crashes = row["crashes"] + 1
            if row["cancel_requested_at"] is not None:
                values = {
                    "state": JobState.CANCELLED,
                    "finished_at": now,
                    "lease_until": None,
                    "worker": None,
                }
                reason = ""
            elif crashes >= MAX_CRASHES:
                reason = N_("The process that ran it ended unexpectedly, {count} times.").format(
                    count=crashes
                )
                values = {
                    "state": JobState.FAILED,
                    "finished_at": now,
                    "lease_until": None,
                    "worker": None,
                    "error": reason,
                    "fence": jobs.c.fence + 1,
                }
            else:
                reason = N_("The process that ran it ended unexpectedly; it is run again.")
                values = {**self._queued_values(now), "reason": reason}
            after = await self._write(tx, *where, **values, crashes=crashes)
            if after is None:
                return 0
            _log.warning(
                "a job was taken back from a lost worker", job_id=job_id, job=row["name"], crashes=crashes
            )
            await self._announce(tx, after, reason)
            if after["state"] == JobState.QUEUED:
                self._ready_after_commit(tx, job_id, row["name"])
            else:
                await self._settle_parent(tx, after["parent_id"])
        return 1

    async def prune(self, *, done_before: float, failed_before: float) -> int:
        """Forget jobs that ended before those times: done and cancelled ones, and failed ones. Returns how many."""
        async with self.db.begin() as tx:
            parent = jobs.alias("parent")
            # Children stay as long as their parent is there to show them.
            orphan = ~select(parent.c.id).where(parent.c.id == jobs.c.parent_id).exists()
            old = or_(
                (jobs.c.state != JobState.FAILED) & (jobs.c.finished_at < done_before),
                (jobs.c.state == JobState.FAILED) & (jobs.c.finished_at < failed_before),
            )
            result = await tx.execute(delete(jobs).where(jobs.c.state.in_(FINISHED), old, orphan))
            return int(result.rowcount)
