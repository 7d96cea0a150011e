"""The jobs that keep requests true: asking backends where they stand, sending on what waited, and comparing with the library."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast

from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.engine import RowMapping

from medianest_core.base.clock import Clock
from medianest_core.base.logging import get_logger
from medianest_core.domain.requests.backends import Backend, Backends
from medianest_core.domain.requests.following import Following, followed
from medianest_core.domain.requests.imports import Imports
from medianest_core.domain.requests.issue_imports import IssueImports
from medianest_core.domain.requests.moves import LOCK
from medianest_core.domain.requests.sending import SUBMIT_JOB, Sending, enqueue_submit
from medianest_core.domain.requests.states import State
from medianest_core.ledger.enqueue import Ledger
from medianest_core.ledger.states import JobState
from medianest_core.sdk.errors import MediaNestError, NotFound, ProviderError
from medianest_core.sdk.jobs import JobContext
from medianest_core.sdk.requests import RequestCapability, RequestState, RequestStatus
from medianest_core.store.engine import Database, Tx
from medianest_core.store.tables.ledger import jobs
from medianest_core.store.tables.requests import request_sources, requests
from medianest_core.store.transaction import alone

POLL_JOB = "requests.poll"
REFRESH_JOB = "requests.refresh"
LOOK_JOB = "requests.look"
EVERY = 60.0
ISSUES_EVERY = 300.0
_FULLY_EVERY = 900.0
_OVERLAP = 120.0
_AT_ONCE = 200
_TOGETHER = 6
_LOST_AFTER = 120.0
_log = get_logger(__name__)


class PollArgs(BaseModel):
    """All backends."""


class LookArgs(BaseModel):
    """All open requests."""


class RefreshArgs(BaseModel):
    """references: the instance's ids of requests; none: all that are followed there."""

    instance_id: str
    references: tuple[str, ...] = ()


class Polling:
    def __init__(
        self,
        db: Database,
        ledger: Ledger,
        backends: Backends,
        following: Following,
        sending: Sending,
        imports: Imports,
        issues: IssueImports,
        clock: Clock,
    ) -> None:
        self._db = db
        self._ledger = ledger
        self._backends = backends
        self._following = following
        self._sending = sending
        self._imports = imports
        self._issues = issues
        self._clock = clock

    async def poll(self, ctx: JobContext, args: PollArgs) -> dict[str, Any]:
        """One round; what a backend cannot say now it is asked in the next."""
        resumed = await self._sending.resume() + await self._found_again()
        changed = 0
        for handle in self._backends.ready():
            try:
                changed += await self._instance(ctx, handle)
                changed += await self._reports(ctx, handle, ISSUES_EVERY)
            except ProviderError as error:
                _log.info("requests cannot be read now", instance=handle.instance.id, reason=str(error))
        return {"changed": changed, "resumed": resumed}

    async def refresh(self, ctx: JobContext, args: RefreshArgs) -> dict[str, Any]:
        """A service hinted at these. Raises NotReady and other ProviderErrors: then it is tried again."""
        handle = self._backends.get(args.instance_id)
        if not args.references:
            changed = await self._instance(ctx, handle)
            return {"changed": changed + await self._reports(ctx, handle, 0.0)}
        wanted = select(requests).where(
            requests.c.instance_id == args.instance_id, requests.c.reference.in_(args.references)
        )
        async with self._db.read() as tx:
            rows = await tx.all(wanted)
        if len(rows) < len(set(args.references)):
            # One that was made there, or something else of its own than what it calls requests.
            changed = await self._instance(ctx, handle)
            return {"changed": changed + await self._reports(ctx, handle, 0.0)}
        return {"changed": await self._one_by_one(ctx, handle, [row for row in rows if _followed(row)])}

    async def look(self, ctx: JobContext, args: LookArgs) -> dict[str, int]:
        return {"changed": await self._following.look()}

    async def _instance(self, ctx: JobContext, handle: Backend) -> int:
        async with self._db.read() as tx:
            rows = await tx.all(
                select(requests)
                .where(
                    requests.c.instance_id == handle.instance.id,
                    requests.c.reference.is_not(None),
                    requests.c.open_key.is_not(None),
                )
                .order_by(requests.c.checked_at)
            )
        rows = [row for row in rows if _followed(row)]
        if not handle.can(RequestCapability.LIST):
            return await self._one_by_one(ctx, handle, rows[:_AT_ONCE]) if rows else 0
        began = self._clock.now()
        source = await self._source(handle)
        listed_at = source["listed_at"] if source is not None else 0.0
        listed = await handle.api.list(max(0.0, listed_at - _OVERLAP))
        told = {one.reference: one for one in listed}
        taken = await self._imports.take(ctx, handle, listed, began, first=not listed_at)
        changed = taken.count + await self._write(
            ctx, handle, [(row, told[row["reference"]]) for row in rows if row["reference"] in told]
        )
        if not taken.left:
            await self._read_until(ctx, handle, listed_at=began)
        # What no list has named for a while may have been deleted there.
        silent = [
            row for row in rows if row["reference"] not in told and row["checked_at"] < began - _FULLY_EVERY
        ]
        return changed + await self._one_by_one(ctx, handle, silent[:_AT_ONCE])

    async def _reports(self, ctx: JobContext, handle: Backend, every: float) -> int:
        """Reports of something wrong that were made or solved at the backend; not more often than `every` seconds."""
        if not handle.can(RequestCapability.ISSUES):
            return 0
        source = await self._source(handle)
        if source is not None and source["issues_at"] > self._clock.now() - every:
            return 0
        began = self._clock.now()
        first = source is None or not source["issues_at"]
        changed = await self._issues.take(ctx, handle, await handle.api.issues(), first=first)
        await self._read_until(ctx, handle, issues_at=began)
        return changed

    async def _source(self, handle: Backend) -> RowMapping | None:
        async with self._db.read() as tx:
            return await tx.first(
                select(request_sources).where(request_sources.c.instance_id == handle.instance.id)
            )

    async def _read_until(self, ctx: JobContext, handle: Backend, **times: float) -> None:
        async with ctx.begin() as held:
            tx = cast(Tx, held)
            await tx.execute(
                tx.insert(request_sources)
                .values(**({"instance_id": handle.instance.id, "listed_at": 0.0, "issues_at": 0.0} | times))
                .on_conflict_do_update(index_elements=["instance_id"], set_=times)
            )

    async def _one_by_one(self, ctx: JobContext, handle: Backend, rows: Sequence[RowMapping]) -> int:
        changed = 0
        for start in range(0, len(rows), _TOGETHER):
            some = rows[start : start + _TOGETHER]
            answers = await asyncio.gather(*(_state(handle, row["reference"]) for row in some))
            pairs = [(row, one) for row, one in zip(some, answers, strict=True) if one is not None]
            changed += await self._write(ctx, handle, pairs)
        return changed

    async def _write(
        self, ctx: JobContext, handle: Backend, pairs: Sequence[tuple[RowMapping, RequestState]]
    ) -> int:
        changed = 0
        if not pairs:
            return 0
        async with ctx.begin() as held:
            tx = cast(Tx, held)
            await alone(tx, LOCK)
            for row, told in pairs:
                fresh = await tx.first(select(requests).where(requests.c.id == row["id"]))
                if fresh is None or not _followed(fresh):
                    continue
                after = await self._following.apply(tx, fresh, told, handle.instance.id)
                changed += after["version"] != fresh["version"]
        return changed

    async def _found_again(self) -> int:
        """Requests that are to be sent and have no job that would: it failed, or someone cancelled it from the jobs page."""
        async with self._db.begin() as tx:
            await alone(tx, LOCK)
            rows = await tx.all(
                select(requests).where(
                    requests.c.open_key.is_not(None),
                    requests.c.state.in_((State.APPROVED.value, State.SUBMITTING.value)),
                    requests.c.changed_at < self._clock.now() - _LOST_AFTER,
                )
            )
            if not rows:
                return 0
            alive = await tx.execute(
                select(jobs.c.unique_text).where(
                    jobs.c.name == SUBMIT_JOB, jobs.c.state.in_((JobState.QUEUED, JobState.LEASED))
                )
            )
            busy = set(alive.scalars())
            lost = [row for row in rows if f"{SUBMIT_JOB}\n{row['id']}" not in busy]
            for row in lost:
                await enqueue_submit(self._ledger, tx, row)
        return len(lost)


def _followed(row: RowMapping) -> bool:
    return followed(row) and row["reference"] is not None


async def _state(handle: Backend, reference: str) -> RequestState | None:
    """None where it cannot be told now."""
    try:
        return await handle.api.state(reference)
    except NotFound:
        return RequestState(reference, RequestStatus.GONE)
    except MediaNestError as error:
        _log.info("a request cannot be read now", instance=handle.instance.id, reason=str(error))
        return None
