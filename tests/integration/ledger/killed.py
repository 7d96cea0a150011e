"""A worker process for the tests to kill: `python killed.py DATABASE LEASE`. Prints a line when it is ready.

Jobs: "core.effect" writes one audit row for its job, then waits until the file named in its arguments exists; "core.poison"
kills the process; "core.frozen" stops the process, as a machine that sleeps does, then writes.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from pydantic import BaseModel
from sqlalchemy import func, select

from medianest_core.bus.outbox import EventBus
from medianest_core.jobs.registry import JobRegistry
from medianest_core.jobs.worker import Worker
from medianest_core.ledger.enqueue import Ledger
from medianest_core.sdk.jobs import Job, JobContext
from medianest_core.store.engine import Database
from medianest_core.store.repos.events import EventRepo
from medianest_core.store.tables.system import audit


class Args(BaseModel):
    """wait_for: a file. tell: a file that is made when the job has begun."""

    wait_for: str = ""
    tell: str = ""


def began(args: Args) -> None:
    if args.tell:
        with Path(args.tell).open("a", encoding="utf-8") as file:
            file.write(f"{os.getpid()}\n")


async def effect(ctx: JobContext, args: Args) -> int:
    began(args)
    async with ctx.begin() as tx:
        done = await tx.execute(select(func.count()).where(audit.c.target == ctx.job_id))
        if not done.scalar():
            await tx.execute(audit.insert().values(at=0, action="effect", target=ctx.job_id, details={}))
    while args.wait_for and not Path(args.wait_for).exists():
        await asyncio.sleep(0.02)
    return os.getpid()


async def poison(ctx: JobContext, args: Args) -> None:
    began(args)
    os.kill(os.getpid(), signal.SIGKILL)


async def frozen(ctx: JobContext, args: Args) -> int:
    began(args)
    if ctx.attempt == 1:
        # Between transactions: one that a stopped process holds open keeps SQLite to itself for as long as it is stopped.
        async with ctx.begin():
            pass
        os.kill(os.getpid(), signal.SIGSTOP)
    async with ctx.begin() as tx:
        await tx.execute(audit.insert().values(at=0, action="effect", target=ctx.job_id, details={}))
    return os.getpid()


async def main() -> None:
    db = Database(sys.argv[1])
    await db.start()
    bus = EventBus(EventRepo(db))
    ledger = Ledger(db, bus=bus, lease=float(sys.argv[2]))
    registry = JobRegistry(ledger)
    for name, handler in (("core.effect", effect), ("core.poison", poison), ("core.frozen", frozen)):
        registry.add(Job(name, handler, Args))
    worker = Worker(db, ledger, registry, bus, idle_ms=50)
    await worker.start()
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    print("ready", flush=True)
    await ended.wait()
    await worker.stop()
    await bus.close()
    await db.close()


if __name__ == "__main__":
    asyncio.run(main())
