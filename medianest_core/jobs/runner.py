"""Runs one job: leases it, calls its handler the way it asks for, and writes down how it ended."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import to_jsonable_python

from medianest_core.base.failpoints import failpoint
from medianest_core.base.logging import correlation_id, get_logger
from medianest_core.base.redact import redact
from medianest_core.base.tasks import Overdue, contained, end, spawn
from medianest_core.base.texts import N_
from medianest_core.base.threads import in_thread
from medianest_core.bus.events import JobChanged, to_owner
from medianest_core.bus.outbox import EventBus
from medianest_core.jobs.context import RunningJob
from medianest_core.jobs.process import run_in_process
from medianest_core.jobs.registry import JobRegistry, Registered
from medianest_core.jobs.slots import Slots
from medianest_core.ledger.enqueue import Ledger
from medianest_core.ledger.lease import Lease, LeaseLost
from medianest_core.ledger.rounds import Ended, Wanted
from medianest_core.ledger.wording import mistake
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
PLACES = 64
"""Jobs that a process runs at once. Most wait for services; many at once share the ledger's transactions, so that each costs less."""
CHILDREN = 4
"""Child processes at once: each is a Python of its own."""
_CANCEL_GRACE = 5.0
_PROBATION = 5.0
"""Seconds after which a job that was running when a process died is not thought to be the reason: it may take hours."""
_ERROR_LENGTH = 2000
_WRITE_PAUSE = 0.2
_WRITE_PAUSE_MOST = 2.0
_WRITE_PATIENCE = 600.0
# Another try gives the same answer.
_FINAL = (AuthFailed, Rejected, Unsupported, UserError)


class Running:
    """One attempt in progress, and why it should end early."""

    def __init__(self, context: RunningJob) -> None:
        self.context = context
        self.stopping = False
        self.lost = False
        self.overdue = False
        self.interrupted: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def cancel(self) -> None:
        """Someone cancelled the job."""
        self.context.cancelled = True
        self.wake()

    def stop(self) -> None:
        """The worker stops; the job goes back into the queue."""
        self.stopping = True
        self.wake()

    def lose(self) -> None:
        """Another worker has it now."""
        self.lost = True
        self.wake()

    def expire(self) -> None:
        """The attempt took longer than its job may."""
        self.overdue = True
        self.wake()

    def wake(self) -> None:
        """Whoever waits for its end looks what there is."""
        if not self.interrupted.done():
            self.interrupted.set_result(None)


class Runner:
    """Runs jobs on the present event loop, at most `places` at once. queues: only kinds of these."""

    def __init__(
        self,
        ledger: Ledger,
        registry: JobRegistry,
        bus: EventBus,
        worker: str,
        *,
        places: int = PLACES,
        queues: Collection[str] | None = None,
    ) -> None:
        self._ledger = ledger
        self._registry = registry
        self._bus = bus
        self._worker = worker
        self._queues = queues
        self._slots = Slots(places)
        self._children = asyncio.Semaphore(CHILDREN)
        self._suspect: object | None = None
        self._active = 0
        self.running: dict[str, Running] = {}
        self.accepting = True
        self.idle = asyncio.Event()
        self.idle.set()

    def takes(self, name: str) -> bool:
        """Does this worker run jobs of that kind?"""
        entry = self._registry.get(name)
        return entry is not None and (self._queues is None or entry.job.queue in self._queues)

    async def offer(self, ids: Sequence[str], name: str, suspect: bool = False) -> None:
        """Somebody says that these jobs may run. Returns once there were places for them, or none is left to run; never raises.

        suspect: a process has died during each of them.
        """
        entry = self._registry.get(name)
        if entry is None or not self.accepting or not self.takes(name):
            return
        try:
            if entry.job.limit is not None or suspect:
                for job_id in ids:
                    await self._slots.one()
                    self._spawn(self._certain(job_id, entry), job_id, name)
            else:
                await self._take(len(ids))
        except DatabaseAway:
            _log.warning("the database is away; jobs wait", job=name)
        except Exception:
            _log.exception("jobs could not be leased", job=name)

    async def _take(self, count: int) -> None:
        """Start up to `count` jobs of any kind without a limit, whatever is due: the ids are only a hint."""
        while count > 0 and self.accepting:
            places = await self._slots.several(count)
            leases: Sequence[Lease] = ()
            try:
                if not self.accepting:
                    return
                leases = await self._ledger.take(self._wanted(places))
            finally:
                self._slots.give_back(places - len(leases))
                for lease in leases:
                    self._spawn(self._series(lease), lease.id, lease.name)
            if len(leases) < places:
                return
            count -= places

    def _wanted(self, count: int) -> Wanted:
        names = tuple(
            entry.name for entry in self._registry if entry.job.limit is None and self.takes(entry.name)
        )
        return Wanted(names, self._worker, count)

    def _spawn(self, work: Coroutine[Any, Any, None], job_id: str, name: str) -> None:
        self._active += 1
        self.idle.clear()
        spawn(self._safely(work, job_id, name), f"run {name}")

    async def _safely(self, work: Coroutine[Any, Any, None], job_id: str, name: str) -> None:
        try:
            await work
        except DatabaseAway:
            _log.warning("the database is away; a job waits", job_id=job_id, job=name)
        except Exception:
            _log.exception(
                "a job could not be leased, or its end not be written down", job_id=job_id, job=name
            )
        finally:
            self._slots.give_back()
            self._active -= 1
            if not self._active:
                self.idle.set()

    async def _series(self, lease: Lease) -> None:
        """Run the job and then, in the same place, whatever else is due."""
        following: Lease | None = lease
        while following is not None:
            lease = following
            following = None
            entry = self._registry.get(lease.name)
            if entry is None:
                # Its plugin was switched off between claim and now.
                await self._return(lease)
                return
            following = await self._under_its_number(lease, entry, then_take=True)

    async def _return(self, lease: Lease) -> None:
        await self._ledger.group.run(lambda tx: self._ledger.hand_back(tx, lease, delay=1.0))

    async def _under_its_number(self, lease: Lease, entry: Registered, *, then_take: bool) -> Lease | None:
        token = correlation_id.set(lease.correlation_id)
        try:
            return await self._attempt(lease, entry, then_take=then_take)
        finally:
            correlation_id.reset(token)

    async def _certain(self, job_id: str, entry: Registered) -> None:
        if self.accepting and job_id not in self.running:
            await self._run(job_id, entry)

    async def _run(self, job_id: str, entry: Registered) -> None:
        # A job during which a process died may kill the next one too. Of those, one at a time, so that no other is charged
        # for its deed again, until it has shown that it can be borne. The place is taken before the claim: another claim may
        # be under way.
        mine = object() if self._suspect is None else None
        self._suspect = self._suspect or mine
        acquittal: asyncio.TimerHandle | None = None
        try:
            lease = await self._ledger.claim(job_id, entry.name, self._worker, suspects=mine is not None)
            if lease is None or lease.crashes == 0:
                self._acquit(mine)
            elif mine is not None:
                acquittal = asyncio.get_running_loop().call_later(_PROBATION, self._acquit, mine)
            if lease is not None:
                await self._under_its_number(lease, entry, then_take=False)
        finally:
            if acquittal is not None:
                acquittal.cancel()
            self._acquit(mine)

    def _acquit(self, suspect: object | None) -> None:
        if suspect is not None and self._suspect is suspect:
            self._suspect = None

    async def _attempt(self, lease: Lease, entry: Registered, *, then_take: bool) -> Lease | None:
        """Run it and write down how it ended. then_take: and lease another one together with that; returns that one."""
        failpoint("jobs.leased")
        context = RunningJob(lease, self._ledger, self._bus, entry.context)
        running = self.running[lease.id] = Running(context)
        try:
            await self._tell_started(lease)
            try:
                args = entry.job.args.model_validate(lease.args)
            except ValidationError as problem:
                await self._fail(
                    context,
                    N_("Its stored arguments no longer fit: {message}").format(message=_reasons(problem)),
                    None,
                )
                return None
            if not self.accepting:
                running.stop()
            task = asyncio.ensure_future(contained(self._call(context, entry, args)))
            task.set_name(f"job {lease.name}")
            clock = entry.job.deadline and asyncio.get_running_loop().call_later(
                entry.job.deadline, running.expire
            )
            error = await self._ended(task, running)
            if clock:
                clock.cancel()
            await context.close()
            if error is None and not running.lost:
                return await self._finish(context, entry, task.result(), then_take=then_take)
            await self._write_down(running, entry, error or LeaseLost(""))
            return None
        finally:
            del self.running[lease.id]

    async def _call(self, context: RunningJob, entry: Registered, args: BaseModel) -> Any:
        handler: Any = entry.job.handler
        if entry.job.isolation is Isolation.THREAD:
            return await in_thread(handler, args, name=f"job {entry.name}")
        if entry.job.isolation is Isolation.PROCESS:
            async with self._children:
                return await run_in_process(handler, args)
        return await handler(context, args)

    async def _ended(self, task: asyncio.Task[Any], running: Running) -> BaseException | None:
        """Wait for the task, or end it when it is interrupted. → its error, if any."""
        try:
            # One future for both ends costs a third of waiting for two.
            task.add_done_callback(lambda _: running.wake())
            if running.interrupted.done():
                # What was never begun could not be ended.
                await asyncio.sleep(0)
            await running.interrupted
        except asyncio.CancelledError:
            running.stopping = True
        if not task.done():
            await end(task, _CANCEL_GRACE)
        if not task.done() or task.cancelled():
            return asyncio.CancelledError()
        return task.exception()

    async def _write_down(self, running: Running, entry: Registered, error: BaseException) -> None:
        context, lease, ledger = running.context, running.context.lease, self._ledger
        if running.lost or isinstance(error, LeaseLost):
            _log.warning("another worker took over a job", job_id=lease.id, job=lease.name)
        elif context.cancelled and isinstance(error, asyncio.CancelledError | Cancelled):
            await self._write(context, lambda tx: ledger.finish_cancelled(tx, lease))
        elif running.stopping and isinstance(error, asyncio.CancelledError):
            await self._write(context, lambda tx: ledger.hand_back(tx, lease))
        elif isinstance(error, DatabaseAway):
            # Not this job's fault. What it had already done outside of the database it does again, as after a crash.
            await self._write(context, lambda tx: ledger.hand_back(tx, lease, delay=1.0, reason=str(error)))
        elif isinstance(error, RetryLater):
            delay, reason = max(0.1, error.delay), redact(str(error))
            await self._write(context, lambda tx: ledger.hand_back(tx, lease, delay=delay, reason=reason))
        elif running.overdue and isinstance(error, asyncio.CancelledError):
            text = N_("It was ended: it took longer than the {seconds} seconds that it may take.")
            await self._failed(context, entry, Overdue(text.format(seconds=f"{entry.job.deadline:g}")))
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
            text = mistake(error)
            context.log.error("a job failed", attempt=context.attempt, exc_info=error)
        self._fault(entry, error)
        await self._fail(context, text, retry_in)

    async def _fail(self, context: RunningJob, text: str, retry_in: float | None) -> None:
        message, progress = redact(text)[:_ERROR_LENGTH], context.unstored_progress()
        await self._write(
            context,
            lambda tx: self._ledger.fail(tx, context.lease, message, retry_in=retry_in, progress=progress),
        )

    def _fault(self, entry: Registered, error: BaseException) -> None:
        if entry.context is not None:
            self._registry.on_fault(entry.context.plugin, f"job {entry.name}", error)

    async def _finish(
        self, context: RunningJob, entry: Registered, outcome: Any, *, then_take: bool
    ) -> Lease | None:
        try:
            result = to_jsonable_python(outcome)
        except ValueError as error:
            self._fault(entry, error)
            await self._fail(
                context, N_("Its result cannot be stored as JSON: {message}").format(message=error), None
            )
            return None
        ended = Ended(context.lease, result, context.unstored_progress())
        taken: Sequence[Lease] = ()

        async def write() -> bool:
            nonlocal taken
            if then_take and self.accepting and not self._slots.wanted:
                kept, taken = await self._ledger.end_and_take(ended, self._wanted(1))
                return kept
            return await self._ledger.end(ended)

        await self._patiently(context, write)
        failpoint("jobs.ended")
        return taken[0] if taken else None

    async def _write(self, context: RunningJob, write: Callable[[Tx], Awaitable[bool]]) -> None:
        await self._patiently(context, lambda: self._ledger.group.run(write))

    async def _patiently(self, context: RunningJob, write: Callable[[], Awaitable[bool]]) -> None:
        """Try again while the database is away: the work itself is already done."""
        pause, given_up_at = _WRITE_PAUSE, time.monotonic() + _WRITE_PATIENCE
        while True:
            try:
                kept = await write()
            except DatabaseAway:
                if not self.accepting or time.monotonic() >= given_up_at:
                    raise
                await asyncio.sleep(pause)
                pause = min(2 * pause, _WRITE_PAUSE_MOST)
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
            await self._bus.send(event, to_owner(lease.owner))


def _reasons(problem: ValidationError) -> str:
    errors = problem.errors(include_input=False, include_context=False, include_url=False)
    return "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in errors)
