"""Jobs in the embedded worker: from enqueue to start while idle, and durable jobs a second, one a transaction and in groups.

The limit beside it: rows committed a second by the same SQLite, with nothing around them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import sqlite3
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from medianest_core.base import logging
from medianest_core.base.clock import SystemClock
from medianest_core.base.settings import AppSettings
from medianest_core.bus.live import Live
from medianest_core.bus.outbox import EventBus
from medianest_core.jobs.registry import JobRegistry
from medianest_core.jobs.worker import Worker
from medianest_core.ledger.enqueue import Ledger
from medianest_core.sdk.jobs import Job, JobContext
from medianest_core.store.engine import Database
from medianest_core.store.migrate import upgrade
from medianest_core.store.repos.events import EventRepo

GROUP = 100


class Args(BaseModel):
    number: int


class Starts:
    """When each job began, by number; `all_of` waits for so many."""

    def __init__(self) -> None:
        self.at: dict[int, float] = {}
        self._wanted = 0
        self._done = asyncio.Event()

    async def run(self, ctx: JobContext, args: Args) -> None:
        self.at[args.number] = time.perf_counter()
        if len(self.at) >= self._wanted:
            self._done.set()

    async def all_of(self, wanted: int) -> None:
        self._wanted = wanted
        self._done.clear()
        if len(self.at) < wanted:
            await self._done.wait()


async def _idle(db: Database, ledger: Ledger, starts: Starts, rounds: int) -> dict[str, float]:
    """One job at a time, each after a pause, so that nothing is awake when it comes."""
    waits = []
    for number in range(rounds):
        await asyncio.sleep(0.02)
        async with db.begin() as tx:
            await ledger.enqueue(tx, "bench", Args(number=number))
        committed = time.perf_counter()
        await starts.all_of(number + 1)
        waits.append((starts.at[number] - committed) * 1000)
    cuts = statistics.quantiles(waits, n=100)
    return {"p50_ms": round(cuts[49], 2), "p95_ms": round(cuts[94], 2), "p99_ms": round(cuts[98], 2)}


async def _open(db: Database, ledger: Ledger) -> int:
    async with db.read() as tx:
        counts = await ledger.counts(tx)
    return counts["queued"] + counts["leased"]


async def _flood(db: Database, ledger: Ledger, starts: Starts, count: int, group: int) -> dict[str, float]:
    """Enqueue and run `count` jobs, `group` a transaction; a job is done when its row says so."""
    first = len(starts.at)
    began, cpu = time.perf_counter(), time.process_time()
    for number in range(first, first + count, group):
        async with db.begin() as tx:
            for one in range(number, min(number + group, first + count)):
                await ledger.enqueue(tx, "bench", Args(number=one))
    queued = time.perf_counter()
    await starts.all_of(first + count)
    while await _open(db, ledger):
        await asyncio.sleep(0.02)
    took = time.perf_counter() - began
    return {
        "per_second": round(count / took, 1),
        "enqueued_per_second": round(count / (queued - began), 1),
        "cpu_us": round((time.process_time() - cpu) / count * 1e6),
    }


def _bare(folder: Path, count: int) -> float:
    """Rows committed a second, one a transaction, by the same SQLite with the same settings."""
    database = sqlite3.connect(folder / "bare.db", isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=NORMAL")
    database.execute("CREATE TABLE jobs (id INTEGER PRIMARY KEY, state TEXT, args TEXT)")
    began = time.perf_counter()
    for number in range(count):
        database.execute("BEGIN IMMEDIATE")
        database.execute("INSERT INTO jobs (state, args) VALUES ('queued', ?)", (f'{{"number":{number}}}',))
        database.execute("COMMIT")
    took = time.perf_counter() - began
    database.close()
    return round(count / took, 1)


async def measure(folder: Path, count: int, rounds: int) -> dict[str, Any]:
    settings = AppSettings(data_dir=folder, log_level="error")
    logging.configure(settings, to_file=False)
    db, clock = Database(settings.database), SystemClock()
    await db.start()
    await upgrade(db)
    bus = EventBus(EventRepo(db), Live(), clock)
    ledger = Ledger(db, clock, bus)
    registry = JobRegistry(ledger)
    starts = Starts()
    registry.add(Job("bench", starts.run, Args, limit=1000))
    worker = Worker(db, ledger, registry, bus, settings)
    await worker.start()
    try:
        result: dict[str, Any] = {
            "python": sys.version.split()[0],
            "cores": os.cpu_count(),
            "jobs": count,
            "bare_commits_per_second": _bare(folder, count),
            "idle": await _idle(db, ledger, starts, rounds),
            "one_a_transaction": await _flood(db, ledger, starts, count, 1),
            f"groups_of_{GROUP}": await _flood(db, ledger, starts, count, GROUP),
            "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        }
    finally:
        await worker.stop()
        await bus.close()
        await db.close()
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--jobs", type=int, default=2_000)
    parser.add_argument("--idle-rounds", type=int, default=300)
    options, _ = parser.parse_known_args()
    with tempfile.TemporaryDirectory(prefix="medianest-bench-") as temporary:
        result = asyncio.run(measure(Path(temporary), options.jobs, options.idle_rounds))
    for name, value in result.items():
        print(f"{name:28} {value}")
    if options.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
