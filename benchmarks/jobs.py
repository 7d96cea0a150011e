"""Jobs with the ledger: embedded on SQLite, and on PostgreSQL over Redis, beside bare Dramatiq and BullMQ in the same run.

Measured are jobs a second from being asked for to their row saying "done", with several at a time asking, each in a transaction of
its own and each in one that those who ask at the same time share; and the time from a commit to the start of the job while idle.
Over Redis one process asks and another runs the jobs, as `medianest serve` and `medianest worker` do; embedded it is one, and so are
the peers. PostgreSQL keeps what it confirms (fsync on). BullMQ is fetched by npm into a temporary folder; `--no-peer` leaves it out.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import resource
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, Self, TypeVar

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from pydantic import BaseModel
from sqlalchemy import select

from medianest_core.base import logging
from medianest_core.base.drivers import chosen
from medianest_core.base.redis_link import RedisLink
from medianest_core.base.settings import AppSettings
from medianest_core.bus.outbox import EventBus
from medianest_core.cli.serve import loop_factory
from medianest_core.jobs.registry import JobRegistry
from medianest_core.jobs.runner import PLACES
from medianest_core.jobs.worker import Worker
from medianest_core.ledger.enqueue import Ledger
from medianest_core.ledger.states import JobState
from medianest_core.sdk.jobs import Job, JobContext
from medianest_core.store.engine import Database
from medianest_core.store.migrate import upgrade
from medianest_core.store.repos.events import EventRepo
from medianest_core.store.tables.ledger import jobs
from tests.servers import Postgres, Redis

SUBMITTERS = 100
T = TypeVar("T")
_ANY_OPEN = select(jobs.c.id).where(jobs.c.state.in_([JobState.QUEUED, JobState.LEASED])).limit(1)
HERE = Path(__file__).parent


class Args(BaseModel):
    """account: tell the process's CPU time, too; looking it up costs a good part of what a job costs."""

    number: int
    account: bool = False


async def _run_one(ctx: JobContext, args: Args) -> dict[str, float]:
    """When it began, by a clock that all processes of the machine share."""
    return {"at": time.perf_counter()} | ({"cpu": time.process_time()} if args.account else {})


def _quantiles(waits: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(waits, n=100)
    return {"p50_ms": round(cuts[49], 2), "p95_ms": round(cuts[94], 2), "p99_ms": round(cuts[98], 2)}


class Place:
    """A ledger in a process. works: and what runs its jobs."""

    def __init__(self, url: str, redis_url: str | None, *, works: bool) -> None:
        self.db = Database(url, pool=SUBMITTERS + PLACES)
        self.link = RedisLink(redis_url) if redis_url else None
        self.bus = EventBus(EventRepo(self.db), chosen("medianest.live", self.link)())
        self.ledger = Ledger(self.db, bus=self.bus)
        self.registry = JobRegistry(self.ledger)
        self.worker = Worker(self.db, self.ledger, self.registry, self.bus, link=self.link, works=works)

    async def __aenter__(self) -> Self:
        await self.db.start()
        await upgrade(self.db)
        if self.link is not None:
            await self.link.start()
        self.registry.add(Job("bench", _run_one, Args))
        await self.worker.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.worker.stop()
        await self.bus.close()
        if self.link is not None:
            await self.link.close()
        await self.db.close()


async def _serve_jobs(url: str, redis_url: str) -> None:
    """Be the process that runs jobs, until the one that started it closes the pipe."""
    async with Place(url, redis_url, works=True):
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.read)


class Bench(Place):
    """Asks for jobs and looks when they began."""

    def __init__(self, url: str, redis_url: str | None) -> None:
        super().__init__(url, redis_url, works=redis_url is None)
        self._number = 0

    async def alone(self, number: int, *, account: bool = False) -> str:
        async with self.db.begin() as tx:
            return await self.ledger.enqueue(tx, "bench", Args(number=number, account=account))

    async def together(self, number: int) -> str:
        return await self.ledger.submit("bench", Args(number=number))

    async def idle(self, rounds: int) -> dict[str, float]:
        """One job at a time, each after a pause, so that nothing is awake when it comes."""
        waits = []
        for _ in range(rounds):
            await asyncio.sleep(0.02)
            job_id = await self.alone(self._next())
            committed = time.perf_counter()
            while (began := await self._result(job_id)) is None:
                await asyncio.sleep(0.01)
            waits.append(max(0.0, began["at"] - committed) * 1000)
        return _quantiles(waits)

    async def flood(self, count: int, submit: Callable[[int], Awaitable[str]]) -> dict[str, float]:
        """Ask for `count` jobs from many places at once; one is done when its row says so."""
        worker_cpu = await self._worker_cpu()
        numbers = iter([self._next() for _ in range(count)])

        async def submitter() -> None:
            for number in numbers:
                await submit(number)

        began, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*(submitter() for _ in range(SUBMITTERS)))
        while await self._open():
            await asyncio.sleep(0.01)
        took = time.perf_counter() - began
        spent = time.process_time() - cpu
        if self.link is not None:
            spent += await self._worker_cpu() - worker_cpu
        return {"per_second": round(count / took, 1), "cpu_us": round(spent / count * 1e6)}

    async def _worker_cpu(self) -> float:
        """Seconds that the process that runs jobs has used: it tells with every job."""
        job_id = await self.alone(self._next(), account=True)
        while (told := await self._result(job_id)) is None:
            await asyncio.sleep(0.01)
        return told["cpu"]

    async def _result(self, job_id: str) -> dict[str, float] | None:
        async with self.db.read(one_moment=False) as tx:
            found: dict[str, float] | None = await tx.scalar(select(jobs.c.result).where(jobs.c.id == job_id))
        return found

    async def _open(self) -> bool:
        async with self.db.read(one_moment=False) as tx:
            return await tx.scalar(_ANY_OPEN) is not None

    def _next(self) -> int:
        self._number += 1
        return self._number - 1

    async def figures(self, count: int, rounds: int) -> dict[str, Any]:
        return {
            "idle": await self.idle(rounds),
            "one_a_transaction": await self.flood(count, self.alone),
            "shared_transactions": await self.flood(count, self.together),
        }


def bare_sqlite(folder: Path, count: int) -> float:
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


async def bare_postgres(url: str, count: int) -> float:
    """Rows committed a second, one a transaction, by so many connections at once, with nothing around them."""
    import asyncpg

    address = url.replace("postgresql+asyncpg", "postgresql")
    numbers = iter(range(count))
    pool = await asyncpg.create_pool(address, min_size=PLACES, max_size=PLACES)
    await pool.execute("CREATE TABLE bare (id int, state text, args text)")

    async def one() -> None:
        async with pool.acquire() as connection:
            for number in numbers:
                await connection.execute("INSERT INTO bare VALUES ($1, 'queued', '{}')", number)

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(PLACES)))
    took = time.perf_counter() - began
    await pool.close()
    return round(count / took, 1)


def bare_dramatiq(redis_url: str, count: int, rounds: int) -> dict[str, Any]:
    """Dramatiq as it comes, without a ledger."""
    broker = RedisBroker(url=redis_url, namespace="peer")  # type: ignore[no-untyped-call]  # Dramatiq has no types here
    ended, started, seen = threading.Event(), threading.Event(), 0
    lock = threading.Lock()

    def run(number: int) -> None:
        nonlocal seen
        started.set()
        with lock:
            seen += 1
            if seen == count + rounds:
                ended.set()

    actor = dramatiq.actor(broker=broker, queue_name="peer")(run)
    worker = dramatiq.Worker(broker, worker_threads=8)
    worker.start()
    waits = []
    for number in range(rounds):
        time.sleep(0.02)
        started.clear()
        actor.send(number)
        sent = time.perf_counter()
        started.wait(30)
        waits.append((time.perf_counter() - sent) * 1000)
    began = time.perf_counter()
    for number in range(count):
        actor.send(number)
    ended.wait(120)
    took = time.perf_counter() - began
    worker.stop()
    broker.close()
    return {"per_second": round(count / took, 1), "idle": _quantiles(waits)}


def bullmq(folder: Path, redis_port: int, database: str, count: int, rounds: int) -> dict[str, Any]:
    """BullMQ alone and with a ledger in PostgreSQL, by Node."""
    shutil.copy(HERE / "bullmq.mjs", folder / "bullmq.mjs")
    subprocess.run(
        [
            "npm",
            "install",
            "--silent",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            "bullmq",
            "ioredis",
            "pg",
        ],
        cwd=folder,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    wish = {
        "redisPort": redis_port,
        "database": database.replace("postgresql+asyncpg", "postgresql"),
        "jobs": count,
        "rounds": rounds,
        "submitters": SUBMITTERS,
        "places": PLACES,
    }
    done = subprocess.run(
        ["node", "bullmq.mjs", json.dumps(wish)], cwd=folder, check=True, stdout=subprocess.PIPE, text=True
    )
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    version = json.loads((folder / "node_modules/bullmq/package.json").read_text(encoding="utf-8"))["version"]
    return told | {"bullmq_version": version}


async def _embedded(folder: Path, count: int, rounds: int) -> dict[str, Any]:
    settings = AppSettings(data_dir=folder, log_level="error", database_url=None, _env_file=None)
    async with Bench(settings.database, None) as bench:
        return await bench.figures(count, rounds)


def _run(work: Coroutine[Any, Any, T]) -> T:
    """On the loop that `medianest serve` and `medianest worker` run on."""
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(work)


async def _shared(url: str, redis_url: str, count: int, rounds: int) -> dict[str, Any]:
    async with Bench(url, redis_url) as bench:
        other = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "benchmarks.jobs", "--serve-jobs", url, redis_url),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert other.stdin is not None and other.stdout is not None
        try:
            await other.stdout.readline()
            return await bench.figures(count, rounds)
        finally:
            other.stdin.close()
            await other.wait()


def measure(folder: Path, count: int, rounds: int, repeat: int, peer: bool) -> dict[str, Any]:
    logging.configure(AppSettings(data_dir=folder, log_level="error", _env_file=None), to_file=False)
    result: dict[str, Any] = {
        "python": sys.version.split()[0],
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "dramatiq": dramatiq.__version__,
        "jobs": count,
        "repeat": repeat,
        "submitters": SUBMITTERS,
        "places": PLACES,
    }
    samples: list[dict[str, Any]] = []
    with _servers() as (postgres, redis):
        for number in range(repeat):
            here = folder / str(number)
            here.mkdir()
            postgres.do(f"CREATE DATABASE bench_{number}", f"CREATE DATABASE peer_{number}")
            one: dict[str, Any] = {
                "sqlite_commits": {"per_second": bare_sqlite(here, count)},
                "postgres_commits": {
                    "per_second": asyncio.run(bare_postgres(postgres.url(f"peer_{number}"), count))
                },
                "embedded": _run(_embedded(here, count, rounds)),
                "redis": _run(_shared(postgres.url(f"bench_{number}"), redis.url, count, rounds)),
                "dramatiq_bare": bare_dramatiq(redis.url, count, min(rounds, 50)),
            }
            if peer:
                peer_url = postgres.url(f"peer_{number}")
                one |= {"peer": bullmq(here, redis.port, peer_url, count, rounds)}
            samples.append(one)
    result |= _median(samples)
    if peer:
        ledger = result["peer"]["bullmq_ledger"]["per_second"]
        for kind in ("embedded", "redis"):
            for way in ("one_a_transaction", "shared_transactions"):
                result[f"{kind}_{way}_vs_bullmq_ledger"] = round(result[kind][way]["per_second"] / ledger, 2)
    result["peak_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return result


@contextlib.contextmanager
def _servers() -> Iterator[tuple[Postgres, Redis]]:
    """PostgreSQL that keeps what it confirms, and Redis."""
    postgres, redis = Postgres(durable=True, settings={"max_connections": "400"}), Redis()
    try:
        postgres.start()
        redis.start()
        yield postgres, redis
    finally:
        postgres.close()
        redis.close()


def _median(samples: list[Any]) -> Any:
    """Of equally shaped samples: medians of numbers, the first of all else."""
    first = samples[0]
    if isinstance(first, dict):
        return {name: _median([sample[name] for sample in samples]) for name in first}
    if isinstance(first, int | float):
        return round(statistics.median(samples), 2)
    return first


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--jobs", type=int, default=2_000)
    parser.add_argument("--idle-rounds", type=int, default=200)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--no-peer", action="store_true")
    parser.add_argument("--serve-jobs", nargs=2, help=argparse.SUPPRESS)
    options, _ = parser.parse_known_args()
    if options.serve_jobs:
        logging.configure(AppSettings(log_level="error", _env_file=None), to_file=False)
        _run(_serve_jobs(*options.serve_jobs))
        return
    with tempfile.TemporaryDirectory(prefix="medianest-bench-") as temporary:
        result = measure(
            Path(temporary), options.jobs, options.idle_rounds, options.repeat, not options.no_peer
        )
    for name, value in result.items():
        print(f"{name:44} {value}")
    if options.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
