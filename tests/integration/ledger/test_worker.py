"""Jobs really run: through Dramatiq's threads, on the loop, in threads and in child processes."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from pydantic import BaseModel
from sqlalchemy import update

from medianest_core.base.logging import correlation_id
from medianest_core.bus.events import JobChanged, JobProgress
from medianest_core.bus.outbox import EventBus
from medianest_core.jobs import runner
from medianest_core.jobs.registry import JobRefused, JobRegistry
from medianest_core.jobs.worker import Worker
from medianest_core.ledger.enqueue import Ledger
from medianest_core.ledger.states import JobInfo
from medianest_core.ledger.wording import MISTAKE
from medianest_core.sdk.errors import Rejected, RetryLater
from medianest_core.sdk.jobs import Isolation, Job, JobContext, Retry, Schedule
from medianest_core.store.engine import Database
from medianest_core.store.repos.events import EventRepo
from medianest_core.store.tables.ledger import jobs

QUICK = Retry(attempts=3, delay=0.01)


class Args(BaseModel):
    n: int = 0
    path: str = ""


def in_thread(args: Args) -> str:
    return threading.current_thread().name


def in_process(args: Args) -> dict[str, int]:
    print("this does not disturb the answer")
    return {"pid": os.getpid(), "n": args.n}


def raises_in_process(args: Args) -> None:
    raise LookupError("lost")


def dies_in_process(args: Args) -> None:
    os._exit(7)


def sleeps_in_process(args: Args) -> None:
    Path(args.path).write_text(str(os.getpid()))
    threading.Event().wait()


class Bench:
    """A worker with a ledger, and helpers to wait for what it does."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.bus = EventBus(EventRepo(db))
        self.ledger = Ledger(db, bus=self.bus, lease=2.0)
        self.registry = JobRegistry(self.ledger)
        self.worker = Worker(db, self.ledger, self.registry, self.bus, idle_ms=20)

    def job(self, handler: Callable[..., Any], name: str = "core.test", **options: Any) -> None:
        self.registry.add(Job(name, handler, Args, retry=options.pop("retry", QUICK), **options))

    async def put(self, name: str = "core.test", n: int = 0, path: str = "", **options: Any) -> str:
        async with self.db.begin() as tx:
            return await self.ledger.enqueue(tx, name, Args(n=n, path=path), **options)

    async def look(self, job_id: str) -> JobInfo:
        async with self.db.read() as tx:
            info = await self.ledger.get_job(tx, job_id)
        assert info is not None
        return info

    async def until(self, job_id: str, *states: str) -> JobInfo:
        async with asyncio.timeout(30):
            while (info := await self.look(job_id)).state not in states:
                await asyncio.sleep(0.01)
        return info

    async def cancel(self, job_id: str) -> None:
        async with self.db.begin() as tx:
            assert await self.ledger.cancel(tx, job_id)


@pytest.fixture
async def bench(db: Database) -> AsyncIterator[Bench]:
    made = Bench(db)
    await made.worker.start()
    yield made
    await made.worker.stop()
    await made.bus.close()


async def test_a_handler_gets_its_arguments_and_gives_its_result(bench: Bench) -> None:
    seen: list[tuple[Any, ...]] = []

    async def handler(ctx: JobContext, args: Args) -> Args:
        seen.append((ctx.job_id, ctx.attempt, ctx.owner, ctx.correlation_id, correlation_id.get(), args.n))
        return Args(n=args.n + 1)

    bench.job(handler)
    job_id = await bench.put(n=4, owner="u1", correlation_id="corr")
    info = await bench.until(job_id, "done")
    assert seen == [(job_id, 1, "u1", "corr", "corr", 4)]
    assert info.result == {"n": 5, "path": ""}


async def test_two_hundred_jobs_each_once(bench: Bench) -> None:
    seen: list[int] = []

    async def handler(ctx: JobContext, args: Args) -> None:
        await asyncio.sleep(0)
        seen.append(args.n)

    bench.job(handler)
    async with bench.db.begin() as tx:
        ids = [await bench.ledger.enqueue(tx, "core.test", Args(n=n)) for n in range(200)]
    for job_id in ids:
        await bench.until(job_id, "done")
    assert sorted(seen) == list(range(200))


async def test_jobs_from_before_the_start_are_found(db: Database) -> None:
    bench = Bench(db)
    done = asyncio.Event()

    async def handler(ctx: JobContext, args: Args) -> None:
        done.set()

    bench.job(handler)
    await bench.put()
    async with db.begin() as tx:
        # As if the process that enqueued it had died before it told anyone, five seconds ago.
        await tx.execute(update(jobs).values(send_at=jobs.c.send_at - 5))
    await bench.worker.start()
    async with asyncio.timeout(60):
        await done.wait()
    await bench.worker.stop()
    await bench.bus.close()


async def test_failures_are_tried_again(bench: Bench) -> None:
    attempts: list[int] = []

    async def handler(ctx: JobContext, args: Args) -> str:
        attempts.append(ctx.attempt)
        if ctx.attempt < 3:
            raise RuntimeError("not yet")
        return "at last"

    bench.job(handler)
    assert (await bench.until(await bench.put(), "done")).result == "at last"
    assert attempts == [1, 2, 3]


@pytest.mark.parametrize(
    ("error", "attempts", "text"),
    [
        (RuntimeError("broken"), 3, f"{MISTAKE}\nRuntimeError: broken"),
        (Rejected("The service said no."), 1, "The service said no."),
        (SystemExit(3), 3, "The code called for the end of the process (SystemExit)."),
        (KeyError("password=hunter22"), 3, f"{MISTAKE}\nKeyError: 'password=••••••••'"),
    ],
)
async def test_final_failures(bench: Bench, error: BaseException, attempts: int, text: str) -> None:
    count = 0

    async def handler(ctx: JobContext, args: Args) -> None:
        nonlocal count
        count += 1
        raise error

    bench.job(handler)
    info = await bench.until(await bench.put(), "failed")
    assert (count, info.error) == (attempts, text)


async def test_retry_later_is_not_charged(bench: Bench) -> None:
    count = 0

    async def handler(ctx: JobContext, args: Args) -> None:
        nonlocal count
        count += 1
        assert ctx.attempt == 1
        if count < 5:
            raise RetryLater("The disk is full.", 0.1)

    bench.job(handler)
    await bench.until(await bench.put(), "done")
    assert count == 5


async def test_arguments_that_no_longer_fit(bench: Bench) -> None:
    async def handler(ctx: JobContext, args: Args) -> None:
        raise AssertionError("must not be called")

    bench.job(handler)
    async with bench.db.begin() as tx:
        job_id = await bench.ledger.enqueue(tx, "core.test", {"n": "secret-text"})
    info = await bench.until(job_id, "failed")
    assert info.error is not None
    assert "n: Input should be a valid integer" in info.error
    assert "secret-text" not in info.error


async def test_a_running_job_is_cancelled(bench: Bench) -> None:
    started, cleaned = asyncio.Event(), asyncio.Event()

    async def handler(ctx: JobContext, args: Args) -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.set()

    bench.job(handler)
    job_id = await bench.put()
    await started.wait()
    await bench.cancel(job_id)
    await bench.until(job_id, "cancelled")
    assert cleaned.is_set()


async def test_progress_is_the_place_to_notice_a_cancellation(bench: Bench) -> None:
    started = asyncio.Event()

    async def handler(ctx: JobContext, args: Args) -> None:
        started.set()
        for n in range(10**9):
            try:
                await asyncio.sleep(0.001)
            except asyncio.CancelledError:
                pass
            await ctx.progress(n)

    bench.job(handler)
    job_id = await bench.put()
    await started.wait()
    await bench.cancel(job_id)
    await bench.until(job_id, "cancelled")


async def test_stopping_hands_jobs_back_without_charge(db: Database) -> None:
    bench, started = Bench(db), asyncio.Event()

    async def handler(ctx: JobContext, args: Args) -> None:
        started.set()
        await asyncio.Event().wait()

    bench.job(handler)
    await bench.worker.start()
    job_id = await bench.put()
    await started.wait()
    await bench.worker.stop()
    info = await bench.look(job_id)
    assert (info.state, info.attempt, info.crashes) == ("queued", 0, 0)

    again, finished = Bench(db), asyncio.Event()

    async def quick(ctx: JobContext, args: Args) -> None:
        finished.set()

    again.job(quick)
    await again.worker.start()
    async with asyncio.timeout(60):
        await finished.wait()
    await again.worker.stop()
    await bench.bus.close()
    await again.bus.close()


async def test_a_job_whose_lease_is_gone_is_stopped(bench: Bench) -> None:
    started, ended = asyncio.Event(), asyncio.Event()

    async def handler(ctx: JobContext, args: Args) -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    bench.job(handler, limit=1)
    job_id = await bench.put()
    await started.wait()
    async with bench.db.begin() as tx:
        await tx.execute(
            update(jobs).values(
                fence=jobs.c.fence + 1, worker="another", lease_until=jobs.c.lease_until + 3600
            )
        )
    async with asyncio.timeout(60):
        await ended.wait()
    assert (await bench.look(job_id)).state == "leased", "what it left behind belongs to the other worker"


async def test_a_long_job_keeps_its_lease(bench: Bench) -> None:
    release = asyncio.Event()
    starts = 0

    async def handler(ctx: JobContext, args: Args) -> None:
        nonlocal starts
        starts += 1
        await release.wait()

    bench.job(handler)
    job_id = await bench.put()
    first = await bench.until(job_id, "leased")
    async with asyncio.timeout(20):
        async with bench.db.read() as tx:
            begin = await tx.scalar(jobs.select().with_only_columns(jobs.c.lease_until))
        until = begin
        while until < begin + 2 * bench.ledger.lease_seconds:
            await asyncio.sleep(0.05)
            async with bench.db.read() as tx:
                until = await tx.scalar(jobs.select().with_only_columns(jobs.c.lease_until))
    release.set()
    info = await bench.until(job_id, "done")
    assert (starts, info.attempt) == (1, first.attempt)


async def test_limits_hold_and_everyone_gets_a_turn(bench: Bench) -> None:
    running = peak = 0

    async def handler(ctx: JobContext, args: Args) -> None:
        nonlocal running, peak
        running += 1
        peak = max(peak, running)
        await asyncio.sleep(0.01)
        running -= 1

    bench.job(handler, limit=2)
    ids = [await bench.put() for _ in range(12)]
    for job_id in ids:
        await bench.until(job_id, "done")
    assert peak == 2


async def test_children_and_what_a_handler_writes(bench: Bench) -> None:
    async def parent(ctx: JobContext, args: Args) -> None:
        async with ctx.begin() as tx:
            for n in range(3):
                await ctx.enqueue(tx, "core.child", Args(n=n), child=True)

    async def child(ctx: JobContext, args: Args) -> None:
        return None

    bench.job(parent)
    bench.job(child, "core.child")
    job_id = await bench.put(owner="u1")
    await bench.until(job_id, "done")
    async with bench.db.read() as tx:
        children = (await bench.ledger.list_jobs(tx, parent=job_id)).items
    assert [(item.state, item.owner) for item in children] == [("done", "u1")] * 3


async def test_progress_is_sent_sparingly_and_the_last_one_always(bench: Bench) -> None:
    heard: list[float] = []
    states: list[str] = []

    async def on_progress(event: JobProgress) -> None:
        heard.append(event.done)

    async def on_change(event: JobChanged) -> None:
        states.append(event.state)

    bench.bus.subscribe(JobProgress, on_progress)
    bench.bus.subscribe(JobChanged, on_change)

    async def handler(ctx: JobContext, args: Args) -> None:
        for n in range(500):
            await ctx.progress(n, 500)

    bench.job(handler)
    info = await bench.until(await bench.put(), "done")
    # The row can be read a moment before the event is told.
    async with asyncio.timeout(60):
        while "done" not in states:
            await asyncio.sleep(0.01)
    await bench.bus.drain()
    assert heard[0] == 0 and heard[-1] == 499
    assert len(heard) < 250, "not each single step is told"
    assert (info.done, info.total) == (499, 500)
    assert states == ["leased", "done"]


async def test_threads(bench: Bench) -> None:
    bench.job(in_thread, isolation=Isolation.THREAD)
    info = await bench.until(await bench.put(), "done")
    assert info.result == "job core.test"


@pytest.mark.full
async def test_processes(bench: Bench) -> None:
    bench.job(in_process, isolation=Isolation.PROCESS)
    bench.job(raises_in_process, "core.raises", isolation=Isolation.PROCESS, retry=Retry(attempts=1))
    bench.job(dies_in_process, "core.dies", isolation=Isolation.PROCESS, retry=Retry(attempts=1))
    info = await bench.until(await bench.put(n=3), "done")
    assert info.result["n"] == 3
    assert info.result["pid"] != os.getpid()
    info = await bench.until(await bench.put("core.raises"), "failed")
    assert info.error == f"{MISTAKE}\nLookupError: lost"
    info = await bench.until(await bench.put("core.dies"), "failed")
    assert info.error is not None and "code 7" in info.error


async def test_child_processes_wait_for_each_other(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, most, end = 0, 0, asyncio.Event()

    async def child(handler: object, args: BaseModel) -> int:
        nonlocal begun, most
        begun += 1
        most = max(most, begun)
        await end.wait()
        begun -= 1
        return most

    monkeypatch.setattr(runner, "run_in_process", child)
    bench.job(in_process, isolation=Isolation.PROCESS)
    ids = [await bench.put(n=number) for number in range(runner.CHILDREN + 2)]
    for one in ids:
        await bench.until(one, "leased")
    async with asyncio.timeout(60):
        while begun < runner.CHILDREN:
            await asyncio.sleep(0.02)
    end.set()
    for one in ids:
        await bench.until(one, "done")
    assert most == runner.CHILDREN


async def test_a_child_process_is_killed_on_cancel(bench: Bench, tmp_path: Path) -> None:
    bench.job(sleeps_in_process, isolation=Isolation.PROCESS)
    marker = tmp_path / "pid"
    job_id = await bench.put(path=str(marker))
    async with asyncio.timeout(20):
        while not (marker.exists() and marker.read_text()):
            await asyncio.sleep(0.02)
    await bench.cancel(job_id)
    await bench.until(job_id, "cancelled")
    assert not psutil.pid_exists(int(marker.read_text()))


async def test_a_job_that_takes_longer_than_it_may_is_ended_and_tried_again(bench: Bench) -> None:
    seen: list[int] = []

    async def handler(ctx: JobContext, args: Args) -> str:
        seen.append(ctx.attempt)
        if ctx.attempt == 1:
            await asyncio.Event().wait()
        return "at last"

    bench.job(handler, deadline=0.3)
    info = await bench.until(await bench.put(), "done")
    assert (seen, info.result) == ([1, 2], "at last")


async def test_one_that_always_does_fails_with_the_reason(bench: Bench) -> None:
    async def handler(ctx: JobContext, args: Args) -> None:
        await asyncio.Event().wait()

    bench.job(handler, deadline=0.2)
    info = await bench.until(await bench.put(max_attempts=2), "failed")
    assert info.error and "longer than the 0.2 seconds that it may take" in info.error
    assert info.attempt == 2


@pytest.mark.full
async def test_a_child_process_that_takes_longer_than_it_may_is_killed(bench: Bench, tmp_path: Path) -> None:
    bench.job(sleeps_in_process, isolation=Isolation.PROCESS, deadline=600.0, retry=Retry(attempts=1))
    marker = tmp_path / "pid"
    job_id = await bench.put(path=str(marker), max_attempts=1)
    async with asyncio.timeout(60):
        while not (marker.exists() and marker.read_text()):
            await asyncio.sleep(0.02)
    # As its clock does in the end.
    bench.worker.runner.running[job_id].expire()
    info = await bench.until(job_id, "failed")
    assert info.error and "longer than the 600 seconds" in info.error
    assert not psutil.pid_exists(int(marker.read_text()))


async def test_a_deadline_does_not_outlive_the_attempt(bench: Bench) -> None:
    async def handler(ctx: JobContext, args: Args) -> None:
        return None

    bench.job(handler, deadline=0.2)
    first = await bench.put()
    await bench.until(first, "done")
    await asyncio.sleep(0.3)
    assert (await bench.look(first)).state == "done"


async def test_kinds_may_come_and_go_while_the_worker_runs(bench: Bench) -> None:
    class Context:
        plugin = "hello"

    async def handler(ctx: JobContext, args: Args) -> None:
        assert ctx.plugin is not None and ctx.plugin.plugin == "hello"

    context: Any = Context()
    job = Job("wave", handler, Args)
    assert bench.registry.add(job, context).name == "hello.wave"
    with pytest.raises(JobRefused):
        bench.registry.add(job, context)
    info = await bench.until(await bench.put("hello.wave"), "done")
    assert info.plugin == "hello"
    bench.registry.remove_plugin("hello")
    waiting = await bench.put("hello.wave")
    assert (await bench.look(waiting)).state == "queued"
    bench.registry.add(job, context)
    await bench.until(waiting, "done")


async def test_schedules_run(bench: Bench) -> None:
    ran = asyncio.Event()

    async def handler(ctx: JobContext, args: Args) -> None:
        ran.set()

    bench.job(handler, schedule=Schedule(every=86400, at_start=True))
    async with asyncio.timeout(60):
        await ran.wait()


async def test_a_schedule_needs_arguments_with_defaults(bench: Bench) -> None:
    class Needs(BaseModel):
        n: int

    async def handler(ctx: JobContext, args: Needs) -> None:
        return None

    with pytest.raises(JobRefused):
        bench.registry.add(Job("core.needs", handler, Needs, schedule=Schedule(every=5)))


async def test_threads_end_with_the_worker(db: Database) -> None:
    before = {thread for thread in threading.enumerate() if thread.is_alive()}
    bench = Bench(db)

    async def handler(ctx: JobContext, args: Args) -> None:
        return None

    bench.job(handler)
    await bench.worker.start()
    await bench.until(await bench.put(), "done")
    await bench.worker.stop()
    await bench.bus.close()
    left = {t.name for t in threading.enumerate() if t not in before and "dramatiq" in type(t).__module__}
    assert left == set()


@pytest.mark.full
async def test_a_suspect_that_takes_long_keeps_the_others_only_for_a_while(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "_PROBATION", 1.0)
    together, free = 0, asyncio.Event()
    most = 0

    async def handler(ctx: JobContext, args: Args) -> None:
        nonlocal together, most
        together += 1
        most = max(most, together)
        await free.wait()
        together -= 1

    bench.job(handler)
    ids = [await bench.put(n=n, delay=3600.0) for n in range(2)]
    async with bench.db.begin() as tx:
        # As if a process had died while it ran both.
        await tx.execute(update(jobs).values(crashes=1, due_at=0.0, send_at=0.0))
    async with asyncio.timeout(30):
        while together < 1:
            await asyncio.sleep(0.01)
    async with asyncio.timeout(60):
        while together < 2:
            await asyncio.sleep(0.01)
    began = sorted([(await bench.look(job_id)).started_at or 0.0 for job_id in ids])
    assert began[1] - began[0] >= 0.9, "the second waited"
    free.set()
    for job_id in ids:
        await bench.until(job_id, "done")
    assert most == 2
