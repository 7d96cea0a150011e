"""Leases: one attempt at a job belongs to one worker, for as long as it keeps renewing.

Every claim grows the job's fencing number. Whatever a worker writes later names the number it was given; a worker that was
frozen past its lease finds that number gone and its write refused.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import RowMapping

from medianest_core.base.texts import N_
from medianest_core.ledger import statements
from medianest_core.ledger.core import LedgerCore, Row
from medianest_core.ledger.states import JobState
from medianest_core.sdk.errors import MediaNestError
from medianest_core.sdk.storage import Transaction
from medianest_core.store.engine import Tx
from medianest_core.store.tables.ledger import jobs

_SUSPECT_PAUSE = 1.0


class LeaseLost(MediaNestError):
    """Another worker has taken over; what this one still wants to write is refused."""


@dataclass(slots=True)
class Progress:
    """How far a job is; written together with the next renewal."""

    done: float = 0.0
    total: float | None = None
    message: str = ""
    facts: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Lease:
    """One attempt at a job. attempt: 1-based."""

    id: str
    name: str
    title: str
    plugin: str | None
    owner: str | None
    args: Mapping[str, Any]
    correlation_id: str
    parent_id: str | None
    attempt: int
    max_attempts: int
    crashes: int
    fence: int
    worker: str

    @property
    def last(self) -> bool:
        """No further attempt follows a failure; starts that ended with the process's death are counted apart."""
        return self.attempt - self.crashes >= self.max_attempts


class Leases(LedgerCore):
    """Claiming, renewing and ending attempts."""

    async def claim(self, job_id: str, name: str, worker: str, *, suspects: bool = True) -> Lease | None:
        """Take the job if it is due, its kind's limit allows it, and nobody else has it; else None.

        suspects: also take a job during which a process has died before.
        """
        limit = self.kind(name).limit
        now = self.clock.now()
        statement = statements.claim(self.db.dialect, limited=limit is not None, suspects=suspects)
        values: dict[str, Any] = {
            "p_id": job_id,
            "p_now": now,
            "p_until": now + self.lease_seconds,
            "p_worker": worker,
        }
        if limit is not None:
            values |= {"p_name": name, "p_limit": limit}

        async def take(tx: Tx) -> RowMapping | None:
            if limit is not None and self.db.dialect == "postgresql":
                await tx.execute(statements.LIMIT_LOCK, {"p_name": name})
            row = (await tx.execute(statement, values)).mappings().first()
            if row is None and (limit is not None or not suspects):
                # It was sent for a place that another one took; it is sent again once one may be free.
                again = now if suspects else now + _SUSPECT_PAUSE
                await self._write(
                    tx,
                    jobs.c.id == job_id,
                    jobs.c.state == JobState.QUEUED,
                    jobs.c.due_at <= now,
                    send_at=again,
                )
            return row

        row = await self.group.run(take)
        return Lease(**{key: row[key] for key in Lease.__dataclass_fields__}) if row is not None else None

    async def renew(self, leases: Sequence[tuple[Lease, Progress | None]]) -> dict[str, bool]:
        """Renew leases, and store progress where it is given. → job id: is its cancellation asked for. Lost ones are missing."""
        kept: dict[str, bool] = {}
        until = self.clock.now() + self.lease_seconds
        async with self.db.begin() as tx:
            # In the order in which ended ones are locked, or the two would wait for each other.
            for lease, progress in sorted(leases, key=lambda one: one[0].id):
                row = await self._write(
                    tx, *self._held(lease), lease_until=until, **_progress_values(progress)
                )
                if row is not None:
                    kept[lease.id] = row["cancel_requested_at"] is not None
        return kept

    @contextlib.asynccontextmanager
    async def guarded(self, lease: Lease) -> AsyncIterator[Tx]:
        """A transaction that commits only while the lease is held. Raises LeaseLost."""
        held = {"p_id": lease.id, "p_fence": lease.fence}
        async with self.db.begin() as tx:
            if await tx.first(statements.IS_HELD, held) is None:
                raise LeaseLost("Another worker has taken over this job.")
            yield tx
            # Again at the end: writing the row keeps everybody else from taking it over before our commit.
            until = self.clock.now() + self.lease_seconds
            if await tx.first(statements.EXTEND, {**held, "p_until": until}) is None:
                raise LeaseLost("Another worker has taken over this job.")

    async def finish(
        self, tx: Transaction, lease: Lease, result: Any = None, progress: Progress | None = None
    ) -> bool:
        """The attempt succeeded. False, and nothing written, where the lease is lost."""
        values: dict[str, Any] = {"p_id": lease.id, "p_fence": lease.fence}
        if self.db.dialect == "postgresql" and (
            (await tx.execute(statements.IS_HELD_LOCKED, values)).first() is None
        ):
            # The children are counted only under the lock, or the last of them could end unseen.
            return False
        values |= {"p_now": self.clock.now(), "p_result": result}
        for name, value in _progress_values(progress).items():
            values[f"p_{name}"] = value
        statement = statements.finish(progress=progress is not None)
        row = (await tx.execute(statement, values)).mappings().first()
        if row is None:
            return False
        await self._over(tx, row, row["error"] or "")
        return True

    async def fail(
        self,
        tx: Transaction,
        lease: Lease,
        error: str,
        *,
        retry_in: float | None,
        progress: Progress | None = None,
    ) -> bool:
        """The attempt failed; the job is tried again after `retry_in` seconds, or has failed for good where that is None.

        One whose cancellation was asked for meanwhile is not tried again: it is cancelled.
        """
        now = self.clock.now()
        if retry_in is not None and not lease.last:
            row = await self._write(
                tx,
                *self._wanted(lease),
                **self._queued_values(now, retry_in),
                error=error,
                reason=N_("It failed and will be tried again."),
                **_progress_values(progress),
            )
            if row is None:
                return await self.finish_cancelled(tx, lease)
        else:
            row = await self._write(
                tx,
                *self._held(lease),
                state=JobState.FAILED,
                finished_at=now,
                lease_until=None,
                worker=None,
                error=error,
                **_progress_values(progress),
            )
        if row is None:
            return False
        await self._over(tx, row, error)
        return True

    async def hand_back(self, tx: Transaction, lease: Lease, *, delay: float = 0.0, reason: str = "") -> bool:
        """Queue again without counting this attempt: the worker stops, or the job asked to be run later.

        One whose cancellation was asked for meanwhile is cancelled instead.
        """
        row = await self._write(
            tx,
            *self._wanted(lease),
            **{**self._queued_values(self.clock.now(), delay), "attempt": jobs.c.attempt - 1},
            reason=reason or None,
        )
        if row is None:
            return await self.finish_cancelled(tx, lease)
        if delay <= 0:
            self._ready_after_commit(tx, row["id"], row["name"])
        elif reason:
            await self._announce(tx, row, reason)
        return True

    async def finish_cancelled(self, tx: Transaction, lease: Lease) -> bool:
        """The attempt ended because someone cancelled the job."""
        row = await self._write(
            tx,
            *self._held(lease),
            state=JobState.CANCELLED,
            finished_at=self.clock.now(),
            lease_until=None,
            worker=None,
            reason=None,
        )
        if row is None:
            return False
        await self._over(tx, row)
        return True

    async def _over(self, tx: Transaction, row: Row, reason: str = "") -> None:
        await self._announce(tx, row, reason)
        if row["state"] not in (JobState.QUEUED, JobState.WAITING):
            await self._settle_parent(tx, row["parent_id"])
        if self.kind(row["name"]).limit is not None:
            # A place became free for the next of its kind.
            self._ready_after_commit(tx, "", row["name"])

    def _wanted(self, lease: Lease) -> Iterable[Any]:
        """Held, and nobody has asked for its end."""
        return (*self._held(lease), jobs.c.cancel_requested_at.is_(None))

    def _held(self, lease: Lease) -> Iterable[Any]:
        return (
            jobs.c.id == lease.id,
            jobs.c.fence == lease.fence,
            jobs.c.state == JobState.LEASED,
        )


def _progress_values(progress: Progress | None) -> dict[str, Any]:
    if progress is None:
        return {}
    return {
        "done": progress.done,
        "total": progress.total,
        "message": progress.message,
        "facts": dict(progress.facts) if progress.facts is not None else None,
    }
