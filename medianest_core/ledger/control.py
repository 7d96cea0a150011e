"""What people do with jobs: look at them, cancel them, try them again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select

from medianest_core.ledger.core import LedgerCore
from medianest_core.ledger.states import FINISHED, JobInfo, JobState, job_info
from medianest_core.sdk.storage import Transaction
from medianest_core.store.paging import mark, past
from medianest_core.store.repos import audit
from medianest_core.store.tables.ledger import jobs


@dataclass(frozen=True, slots=True)
class JobPage:
    """next_cursor: give it to `list_jobs` for what follows; None at the end."""

    items: Sequence[JobInfo]
    next_cursor: str | None


class Control(LedgerCore):
    """Reading and steering."""

    async def list_jobs(
        self,
        tx: Transaction,
        *,
        states: Collection[str] | None = None,
        name: str | None = None,
        owner: str | None = None,
        plugin: str | None = None,
        parent: str | None = None,
        text: str = "",
        cursor: str | None = None,
        limit: int = 50,
    ) -> JobPage:
        """Newest first. parent: only the children of that job. text: part of a title or name, or an id. cursor: from the page before."""
        statement = select(jobs).order_by(jobs.c.created_at.desc(), jobs.c.id.desc()).limit(limit + 1)
        if states:
            statement = statement.where(jobs.c.state.in_(list(states)))
        for column, wanted in (
            (jobs.c.name, name),
            (jobs.c.owner, owner),
            (jobs.c.plugin, plugin),
            (jobs.c.parent_id, parent),
        ):
            if wanted is not None:
                statement = statement.where(column == wanted)
        if text:
            statement = statement.where(
                or_(
                    jobs.c.title.icontains(text, autoescape=True),
                    jobs.c.name.icontains(text, autoescape=True),
                    jobs.c.id == text,
                )
            )
        if cursor:
            statement = statement.where(past(cursor, jobs.c.created_at, jobs.c.id))
        rows = (await tx.execute(statement)).mappings().all()
        items = [job_info(row) for row in rows[:limit]]
        more = len(rows) > limit
        return JobPage(items, mark(items[-1].created_at, items[-1].id) if more else None)

    async def cancel(self, tx: Transaction, job_id: str, actor: str | None = None) -> bool:
        """Cancel the job and its unfinished children. False where it has already ended or is unknown.

        A waiting job is cancelled at once, a running one within seconds. actor: who asked, for the audit log.
        """
        row = await self._row(tx, jobs.c.id == job_id, lock=True)
        if row is None or row["state"] in FINISHED:
            return False
        await self._cancel(tx, row["id"], row["state"])
        await self._settle_parent(tx, row["parent_id"])
        if actor is not None:
            await audit.record(
                tx, actor=actor, action="jobs.cancelled", target=job_id, details={"job": row["name"]}
            )
        return True

    async def _cancel(self, tx: Transaction, job_id: str, state: str) -> None:
        now = self.clock.now()
        if state == JobState.LEASED:
            await self._write(tx, jobs.c.id == job_id, cancel_requested_at=now)

            def tell() -> None:
                for callback in self.on_cancel:
                    callback(job_id)

            tx.after_commit(tell)
        else:
            row = await self._write(
                tx,
                jobs.c.id == job_id,
                state=JobState.CANCELLED,
                cancel_requested_at=now,
                finished_at=now,
                unique_key=None,
                reason=None,
            )
            assert row is not None
            await self._announce(tx, row)
        children = await tx.execute(
            select(jobs.c.id, jobs.c.state).where(
                jobs.c.parent_id == job_id, jobs.c.state.not_in(list(FINISHED))
            )
        )
        for child_id, child_state in children.all():
            await self._cancel(tx, child_id, child_state)

    async def retry(self, tx: Transaction, job_id: str, actor: str | None = None) -> bool:
        """Run a failed or cancelled job again. One whose own work is done has only its failed children run again.

        False where it is neither, or unknown.
        """
        row = await self._row(tx, jobs.c.id == job_id, lock=True)
        if row is None or row["state"] not in (JobState.FAILED, JobState.CANCELLED):
            return False
        await self._retry(tx, job_id, own_work_done=row["handled_at"] is not None)
        await self._reopen_parent(tx, row["parent_id"])
        if actor is not None:
            await audit.record(
                tx, actor=actor, action="jobs.retried", target=job_id, details={"job": row["name"]}
            )
        return True

    async def _retry(self, tx: Transaction, job_id: str, *, own_work_done: bool) -> None:
        children = await tx.execute(
            select(jobs.c.id, jobs.c.handled_at).where(
                jobs.c.parent_id == job_id, jobs.c.state.in_([JobState.FAILED, JobState.CANCELLED])
            )
        )
        again = children.all() if own_work_done else []
        fresh = {"error": None, "reason": None, "finished_at": None, "cancel_requested_at": None}
        if again:
            row = await self._write(tx, jobs.c.id == job_id, state=JobState.WAITING, **fresh)
            for child_id, handled_at in again:
                await self._retry(tx, child_id, own_work_done=handled_at is not None)
        else:
            row = await self._write(
                tx,
                jobs.c.id == job_id,
                **self._queued_values(self.clock.now()),
                **fresh,
                attempt=0,
                crashes=0,
                result=None,
            )
            assert row is not None
            self._ready_after_commit(tx, job_id, row["name"])
        assert row is not None
        await self._announce(tx, row)

    async def _reopen_parent(self, tx: Transaction, parent_id: str | None) -> None:
        """A parent that had failed because of this child waits again."""
        while parent_id is not None:
            row = await self._write(
                tx,
                jobs.c.id == parent_id,
                jobs.c.state == JobState.FAILED,
                jobs.c.handled_at.is_not(None),
                state=JobState.WAITING,
                error=None,
                finished_at=None,
            )
            if row is None:
                return
            await self._announce(tx, row)
            parent_id = row["parent_id"]
