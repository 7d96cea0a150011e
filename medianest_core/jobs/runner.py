"""Runs one job: leases it, calls its handler the way it asks for, and writes down how it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import to_jsonable_python

from medianest_core.base.logging import correlation_id, get_logger
from medianest_core.base.redact import redact
from medianest_core.base.tasks import contained, end
from medianest_core.base.threads import in_thread
from medianest_core.bus.events import JobChanged
from medianest_core.bus.outbox import EventBus
from medianest_core.jobs.context import RunningJob
from medianest_core.jobs.process import run_in_process
from medianest_core.jobs.registry import JobRegistry, Registered
from medianest_core.ledger.enqueue import Ledger
from medianest_core.ledger.lease import Lease, LeaseLost
from medianest_core.sdk.errors import (
    AuthFailed,
    Cancelled,
    MediaNestError,
    RateLimited,
    Rejected,
    RetryLater,
    Unsupported,
    UserError,
)
from medianest_core.sdk.events import Audience
from medianest_core.sdk.jobs import Isolation
from medianest_core.store.engine import Tx
from medianest_core.store.errors import DatabaseAway

_log = get_logger(__name__)
_CANCEL_GRACE = 5.0
_ERROR_LENGTH = 2000
_WRITE_TRIES = 5
# Another try gives the same answer.
_FINAL = (AuthFailed, Rejected, Unsupported, UserError)


class Running:
    """One attempt in progress, and why it should end early."""

    def __init__(self, context: RunningJob) -> None:
        self.context = context
        self.stopping = False
        self.lost = False
        self.interrupted = asyncio.Event()

    def cancel(self) -> None:
        """Someone cancelled the job."""
        self.context.cancelled = True
        self.interrupted.set()

    def stop(self) -> None:
        """The worker stops; the job goes back into the queue."""
        self.stopping = True
        self.interrupted.set()

    def lose(self) -> None:
        """Another worker has it now."""
        self.lost = True
        self.interrupted.set()


class Runner:
    """Runs jobs on the present event loop."""

    def __init__(self, ledger: Ledger, registry: JobRegistry, bus: EventBus, worker: str) -> None:
        self._ledger = ledger
        self._registry = registry
        self._bus = bus
        self._worker = worker
        self._suspect = False
        self._active = 0
        self.running: dict[str, Running] = {}
        self.accepting = True
        self.idle = asyncio.Event()
        self.idle.set()

    async def run(self, job_id: str, name: str) -> None:
        """Run the job if it can be had now; never raises."""
        entry = self._registry.get(name)
        if entry is None or not self.accepting or job_id in self.running:
            return
        self._active += 1
        self.idle.clear()
        try:
            await self._run(job_id, entry)
        except DatabaseAway:
            _log.warning("the database is away; a job waits", job_id=job_id, job=name)
        except Exception:
            _log.exception(
                "a job could not be leased, or its end not be written down", job_id=job_id, job=name
            )
        finally:
            self._active -= 1
            if not self._active:
                self.idle.set()

    async def _run(self, job_id: str, entry: Registered) -> None:
        # A job during which a process died may kill the next one too. Of those, one at a time, so that no other is charged
        # for its deed again. The place is taken before the claim: another claim may be under way.
        mine = not self._suspect
        self._suspect = True
        try:
            lease = await self._ledger.claim(job_id, entry.name, self._worker, suspects=mine)
            if mine and (lease is None or lease.crashes == 0):
                mine = self._suspect = False
            if lease is None:
                return
            token = correlation_id.set(lease.correlation_id)
            try:
                await self._attempt(lease, entry)
            finally:
                correlation_id.reset(token)
        finally:
            if mine:
                self._suspect = False

    async def _attempt(self, lease: Lease, entry: Registered) -> None:
        context = RunningJob(lease, self._ledger, self._bus, entry.context)
        running = self.running[lease.id] = Running(context)
        try:
            await self._tell_started(lease)
            try:
                args = entry.job.args.model_validate(lease.args)
            except ValidationError as problem:
                await self._fail(context, f"Its stored arguments no longer fit: {_reasons(problem)}", None)
                return
            if not self.accepting:
                running.stop()
            task = asyncio.ensure_future(contained(self._call(context, entry, args)))
            task.set_name(f"job {lease.name}")
            error = await self._ended(task, running)
            await context.close()
            await self._write_down(running, entry, None if error else task.result(), error)
        finally:
            del self.running[lease.id]

    async def _call(self, context: RunningJob, entry: Registered, args: BaseModel) -> Any:
        handler: Any = entry.job.handler
        if entry.job.isolation is Isolation.THREAD:
            return await in_thread(handler, args, name=f"job {entry.name}")
        if entry.job.isolation is Isolation.PROCESS:
            return await run_in_process(handler, args)
        return await handler(context, args)

    async def _ended(self, task: asyncio.Task[Any], running: Running) -> BaseException | None:
        """Wait for the task, or end it when it is interrupted. → its error, if any."""
        interruption = asyncio.ensure_future(running.interrupted.wait())
        try:
            await asyncio.wait({task, interruption}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            running.stopping = True
        finally:
            interruption.cancel()
        if not task.done():
            await end(task, _CANCEL_GRACE)
        if not task.done() or task.cancelled():
            return asyncio.CancelledError()
        return task.exception()

    async def _write_down(
        self, running: Running, entry: Registered, outcome: Any, error: BaseException | None
    ) -> None:
        context, lease, ledger = running.context, running.context.lease, self._ledger
        if running.lost or isinstance(error, LeaseLost):
            _log.warning("another worker took over a job", job_id=lease.id, job=lease.name)
        elif error is None:
            await self._finish(context, outcome)
        elif context.cancelled and isinstance(error, asyncio.CancelledError | Cancelled):
            await self._write(context, lambda tx: ledger.finish_cancelled(tx, lease))
        elif running.stopping and isinstance(error, asyncio.CancelledError):
            await self._write(context, lambda tx: ledger.hand_back(tx, lease))
        elif isinstance(error, RetryLater):
            delay, reason = max(0.1, error.delay), redact(str(error))
            await self._write(context, lambda tx: ledger.hand_back(tx, lease, delay=delay, reason=reason))
        else:
            await self._failed(context, entry, error)

    async def _failed(self, context: RunningJob, entry: Registered, error: BaseException) -> None:
        retry_in: float | None = None
        if not isinstance(error, _FINAL):
            # Starts that ended with the process's death are no failures of its own and do not lengthen the pause.
            retry_in = entry.job.retry.after(max(1, context.lease.attempt - context.lease.crashes))
            if isinstance(error, RateLimited) and error.retry_after is not None:
                retry_in = max(retry_in, error.retry_after)
        if isinstance(error, MediaNestError):
            text = str(error)
            context.log.warning("a job failed", error=text, attempt=context.attempt)
        else:
            text = f"{type(error).__name__}: {error}"
            context.log.error("a job failed", attempt=context.attempt, exc_info=error)
        await self._fail(context, text, retry_in)

    async def _fail(self, context: RunningJob, text: str, retry_in: float | None) -> None:
        message, progress = redact(text)[:_ERROR_LENGTH], context.unstored_progress()
        await self._write(
            context,
            lambda tx: self._ledger.fail(tx, context.lease, message, retry_in=retry_in, progress=progress),
        )

    async def _finish(self, context: RunningJob, outcome: Any) -> None:
        try:
            result = to_jsonable_python(outcome)
        except ValueError as error:
            await self._fail(context, f"Its result cannot be stored as JSON: {error}", None)
            return
        progress = context.unstored_progress()
        await self._write(context, lambda tx: self._ledger.finish(tx, context.lease, result, progress))

    async def _write(self, context: RunningJob, write: Callable[[Tx], Awaitable[bool]]) -> None:
        """Write in a transaction of its own, patiently: the work itself is already done."""
        for attempt in range(1, _WRITE_TRIES + 1):
            try:
                kept = await self._ledger.group.run(write)
            except DatabaseAway:
                if attempt == _WRITE_TRIES:
                    raise
                await asyncio.sleep(0.2 * 2**attempt)
                continue
            if not kept:
                _log.warning("the end of a job was refused: its lease is gone", job_id=context.job_id)
            return

    async def _tell_started(self, lease: Lease) -> None:
        event = JobChanged(
            job_id=lease.id, job=lease.name, title=lease.title, state="leased", owner=lease.owner
        )
        await self._bus.send(event, Audience.admins())
        if lease.owner:
            await self._bus.send(event, Audience.user(lease.owner))


def _reasons(problem: ValidationError) -> str:
    errors = problem.errors(include_input=False, include_context=False, include_url=False)
    return "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in errors)
