"""Worker processes are killed, frozen and stopped; the jobs come out right."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from medianest_core.ledger.enqueue import Ledger
from medianest_core.ledger.states import JobInfo, JobKind
from medianest_core.store.engine import Database
from medianest_core.store.tables.system import audit

pytestmark = pytest.mark.full
SCRIPT = Path(__file__).with_name("killed.py")
LEASE = 1.5


class Workers:
    """Starts worker processes on the test's database, and ends them."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.ledger = Ledger(db, lease=LEASE)
        self.processes: list[subprocess.Popen[str]] = []

    async def start(self) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, str(SCRIPT), self.db.url.render_as_string(False), str(LEASE)],
            stdout=subprocess.PIPE,
            text=True,
        )
        self.processes.append(process)
        assert process.stdout is not None
        while (line := await asyncio.to_thread(process.stdout.readline)).strip() != "ready":
            assert line, "the process ended before it was ready"
        return process

    def end(self) -> None:
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGCONT)
                process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()

    async def put(self, name: str, **args: str) -> str:
        async with self.db.begin() as tx:
            return await self.ledger.enqueue(tx, name, args)

    async def look(self, job_id: str) -> JobInfo:
        async with self.db.read() as tx:
            info = await self.ledger.get_job(tx, job_id)
        assert info is not None
        return info

    async def until(self, job_id: str, *states: str) -> JobInfo:
        async with asyncio.timeout(60):
            while (info := await self.look(job_id)).state not in states:
                await asyncio.sleep(0.05)
        return info

    async def effects(self, job_id: str) -> int:
        async with self.db.read() as tx:
            return len(await tx.all(select(audit).where(audit.c.target == job_id)))


@pytest.fixture
async def workers(db: Database) -> AsyncIterator[Workers]:
    made = Workers(db)
    yield made
    made.end()


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.02)


def lines(path: Path) -> list[str]:
    return path.read_text().split() if path.exists() else []


async def test_after_kill_9_another_process_finishes_the_job_once(workers: Workers, tmp_path: Path) -> None:
    first = await workers.start()
    go, began = tmp_path / "go", tmp_path / "began"
    job_id = await workers.put("core.effect", wait_for=str(go), tell=str(began))
    await eventually(lambda: len(lines(began)) == 1)
    async with asyncio.timeout(20):
        while await workers.effects(job_id) == 0:
            await asyncio.sleep(0.02)
    first.kill()
    first.wait()
    second = await workers.start()
    await eventually(lambda: len(lines(began)) == 2)
    go.touch()
    info = await workers.until(job_id, "done")
    assert info.result == second.pid
    assert (info.attempt, info.crashes) == (2, 1)
    assert await workers.effects(job_id) == 1


async def test_a_neighbour_takes_over_when_the_lease_ends(workers: Workers, tmp_path: Path) -> None:
    first, second = await workers.start(), await workers.start()
    go, began = tmp_path / "go", tmp_path / "began"
    job_id = await workers.put("core.effect", wait_for=str(go), tell=str(began))
    await eventually(lambda: len(lines(began)) == 1)
    by_pid = {str(process.pid): process for process in (first, second)}
    owner = by_pid.pop(lines(began)[0])
    owner.kill()
    await eventually(lambda: len(lines(began)) == 2)
    go.touch()
    info = await workers.until(job_id, "done")
    assert str(info.result) in by_pid
    assert await workers.effects(job_id) == 1


async def test_a_poisonous_job_is_stopped_and_takes_nobody_with_it(workers: Workers, tmp_path: Path) -> None:
    began, go = tmp_path / "began", tmp_path / "go"
    await workers.start()
    innocents = [await workers.put("core.effect", wait_for=str(go), tell=str(began)) for _ in range(4)]
    await eventually(lambda: len(lines(began)) == 4)
    poison = await workers.put("core.poison", tell=str(tmp_path / "poisoned"))
    for death in range(1, 4):
        await eventually(lambda: workers.processes[-1].poll() is not None)
        assert len(lines(tmp_path / "poisoned")) == death
        if death == 1:
            go.touch()
        await workers.start()
    info = await workers.until(poison, "failed")
    assert (info.crashes, len(lines(tmp_path / "poisoned"))) == (3, 3)
    for job_id in innocents:
        info = await workers.until(job_id, "done")
        assert info.crashes <= 1
        assert await workers.effects(job_id) == 1
    assert workers.processes[-1].poll() is None


async def test_a_frozen_worker_finds_its_job_gone(workers: Workers, tmp_path: Path) -> None:
    first = await workers.start()
    began = tmp_path / "began"
    job_id = await workers.put("core.frozen", tell=str(began))
    await eventually(lambda: len(lines(began)) == 1)
    second = await workers.start()
    info = await workers.until(job_id, "done")
    assert info.result == second.pid
    os.kill(first.pid, signal.SIGCONT)
    # It is alive again and can do its work; what it still held in its hands was refused.
    second.terminate()
    await asyncio.to_thread(second.wait)
    later = await workers.put("core.effect")
    assert (await workers.until(later, "done")).result == first.pid
    assert (await workers.look(job_id)).result == second.pid
    assert await workers.effects(job_id) == 1


async def test_sigterm_hands_back_without_charge(workers: Workers, tmp_path: Path) -> None:
    process = await workers.start()
    began = tmp_path / "began"
    job_id = await workers.put("core.effect", wait_for=str(tmp_path / "never"), tell=str(began))
    await eventually(lambda: len(lines(began)) == 1)
    process.terminate()
    assert await asyncio.to_thread(process.wait) == 0
    info = await workers.look(job_id)
    assert (info.state, info.attempt, info.crashes) == ("queued", 0, 0)


async def test_a_commit_that_nobody_was_told_about(workers: Workers) -> None:
    """The process dies between its commit and its message: the row alone is enough."""
    workers.ledger.declare(JobKind("core.effect"))
    job_id = await workers.put("core.effect")
    assert (await workers.look(job_id)).state == "queued"
    await workers.start()
    await workers.until(job_id, "done")
