"""Syncs that are killed at named places, one after the other on one database. Also a command:
`python -m tests.integration.crash.sync_strikes --strikes 30`.

Each strike changes what two servers in memory have, and starts a sync in a process of its own that ends itself with kill -9. What is
left is looked at; then two syncs that nobody kills must lead to exactly what the servers have. This process forks, so it runs nothing
else: no thread, no loop, no connection.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from sqlalchemy import select

from medianest_core.base.clock import SystemClock
from medianest_core.base.failpoints import VARIABLE
from medianest_core.bus.outbox import EventBus
from medianest_core.domain.library.document import parse
from medianest_core.domain.library.service import Library
from medianest_core.domain.library.syncing import gather
from medianest_core.domain.library.syncing.runs import SyncArgs
from medianest_core.host.instances import Instances
from medianest_core.ledger.enqueue import Ledger
from medianest_core.sdk.jobs import JobContext
from medianest_core.sdk.media import MediaRecord, MediaSource
from medianest_core.store.engine import Database
from medianest_core.store.repos.events import EventRepo
from medianest_core.store.tables.all import core_metadata
from medianest_core.store.tables.library import library_sources, record_data, records, title_locks
from tests.fakes.media import FakeInstances, FakeServer, FakeSource, digest, movie
from tests.laws.sound import sound

POINTS = (
    "library.gathering",
    "library.recording",
    "library.finalizing",
    "library.written",
    "library.closing",
)
"""After a page of a listing; with the records of a batch written but not its titles; before the batch's commit; after it; before the
commit that ends the run."""
FILMS, EPISODES, LOCKED = 40, 12, ("lock1", "lock2")
BATCH, PAGE = 8, 10
Content = dict[str, dict[str, MediaRecord]]


@dataclass
class Strikes:
    """kills: by place. unreached: strikes whose place the sync did not come to. violations: what did not hold afterwards."""

    kills: dict[str, int] = field(default_factory=dict)
    unreached: int = 0
    violations: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def total(self) -> int:
        return sum(self.kills.values())


def first_content(chance: random.Random) -> Content:
    content: Content = {"a": {}, "b": {}}
    for server, mine in content.items():
        for key in LOCKED:
            mine[key] = film(server, key, 0)
        for number in range(FILMS):
            mine[str(number)] = film(server, str(number), chance.randrange(9))
        mine["s"] = MediaRecord("s", "show", "Lost", "1", 2004, {"imdb": "show"})
        mine["s1"] = MediaRecord("s1", "season", "Season 1", "1", parent="s", index=1)
        for number in range(EPISODES):
            mine[f"e{number}"] = episode(server, number, chance.randrange(9))
    return content


def film(server: str, key: str, variant: int) -> MediaRecord:
    ids = {"imdb": f"tt{key}"} if variant % 4 != 1 or key in LOCKED else {}
    return movie(
        key,
        f"Film {key}" if variant % 5 else f"Other {key}",
        year=2000 + variant // 7,
        ids=ids,
        fields={"summary": f"{server} says {variant}", "captions": {"en": f"/{server}/{variant}"}},
        updated_at=float(variant) or None,
    )


def episode(server: str, number: int, variant: int) -> MediaRecord:
    fields = {"summary": f"{server} {variant}"}
    # Now and then an episode gets another number: it goes to another title of the season.
    index = number if variant % 4 else number + EPISODES
    return MediaRecord(
        f"e{number}", "episode", f"Part {number}", "1", parent="s1", index=index, fields=fields
    )


def change(content: Content, chance: random.Random) -> None:
    """Some records change, some go, some come (back)."""
    for server, mine in content.items():
        for _ in range(chance.randrange(25)):
            key = str(chance.randrange(FILMS))
            if chance.random() < 0.15:
                mine.pop(key, None)
            else:
                mine[key] = film(server, key, chance.randrange(9))
        for _ in range(chance.randrange(4)):
            number = chance.randrange(EPISODES)
            mine[f"e{number}"] = episode(server, number, chance.randrange(9))


@asynccontextmanager
async def library(url: str, content: Content) -> AsyncIterator[tuple[Database, Library]]:
    db = Database(url)
    await db.start()
    clock, bus, instances = SystemClock(), EventBus(EventRepo(db)), FakeInstances()
    for name, mine in content.items():
        instances.add(name, MediaSource, FakeSource(name, FakeServer(records=dict(mine), page=PAGE)))
    ledger = Ledger(db, clock, bus)
    try:
        yield db, Library(db=db, bus=bus, ledger=ledger, instances=cast(Instances, instances), clock=clock)
    finally:
        await bus.close()
        await db.close()


async def sync(db: Database, made: Library) -> None:
    async def nothing(*_: Any, **__: Any) -> None:
        return None

    ctx = SimpleNamespace(
        begin=db.begin,
        job_id=f"j{time.monotonic_ns()}",
        owner=None,
        attempt=1,
        progress=nothing,
        check_cancelled=lambda: None,
    )
    # More than one batch, as in a library of tens of thousands.
    gather.BATCH = BATCH
    await made.sync.run(cast(JobContext, ctx), SyncArgs())


async def prepare(url: str, content: Content) -> None:
    async with library(url, content) as (db, made):
        async with db.engine.begin() as connection:
            await connection.run_sync(core_metadata().create_all)
        await sync(db, made)
        for key in LOCKED:
            title = await made.titles.by_external_id("movie", "imdb", f"tt{key}")
            assert title is not None
            await made.past.locking.lock(title, ("summary",), "admin", value=f"locked {key}")


async def struck(url: str, content: Content) -> None:
    async with library(url, content) as (db, made):
        await sync(db, made)


async def look(url: str, content: Content) -> None:
    """Asserts that nothing is half written; then that two syncs lead to what the servers have."""
    async with library(url, content) as (db, made):
        await sound(db)
        await locked(db, made)
        # What is gone is confirmed by the second listing.
        await sync(db, made)
        await sync(db, made)
        docs = await sound(db)
        await locked(db, made)
        async with db.read() as tx:
            rows = await tx.execute(
                select(library_sources.c.instance_id, records.c.key, records.c.digest, records.c.missing)
                .join(records, records.c.source == library_sources.c.id)
                .join(
                    record_data,
                    (record_data.c.source == records.c.source) & (record_data.c.key == records.c.key),
                )
            )
            found = {(row[0], row[1]): (row[2], row[3]) for row in rows}
        wanted = {
            (name, key): (digest(one), 0) for name, mine in content.items() for key, one in mine.items()
        }
        assert found == wanted, "the next run leads to what the servers have"
        await sync(db, made)
        assert await sound(db) == docs, "and changes nothing any more"


async def locked(db: Database, made: Library) -> None:
    async with db.read() as tx:
        assert len(await tx.all(select(title_locks.c.title_id))) == len(LOCKED), "no lock is lost"
    docs = await sound(db)
    for key in LOCKED:
        title = await made.titles.by_external_id("movie", "imdb", f"tt{key}")
        assert title is not None
        doc = parse(docs[title])
        assert doc.values["summary"] == f"locked {key}", "a lock holds"


def apart(work: Callable[[], Awaitable[None]], failpoints: str = "") -> tuple[int, str]:
    """Exit code of `work` in a process of its own, negative for a signal, and what it raised."""
    with tempfile.TemporaryFile("w+") as told:
        child = os.fork()
        if not child:
            code = 1
            try:
                os.environ[VARIABLE] = failpoints
                asyncio.run(cast(Any, work()))
                code = 0
            except BaseException:
                told.write(traceback.format_exc()[-3000:])
                told.flush()
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        told.seek(0)
        return os.waitstatus_to_exitcode(status), told.read()


def strike(url: str, *, strikes: int, seed: int, budget: float | None = None) -> Strikes:
    """Until so many syncs were killed, or for `budget` seconds."""
    began = time.monotonic()
    chance, report = random.Random(seed), Strikes()
    content = first_content(chance)
    code, error = apart(lambda: prepare(url, content))
    if code:
        report.violations.append(f"the first sync: {error}")
        return report
    tries = 0
    while not report.violations:
        over = time.monotonic() - began > budget if budget is not None else report.total >= strikes
        if over or (budget is None and tries > 5 * strikes):
            break
        tries += 1
        change(content, chance)
        point = POINTS[tries % len(POINTS)]
        # Each place once where every sync passes it; then deeper in a run, which not every run is long enough for.
        sure = point == "library.closing" or point not in report.kills
        times = 1 if sure else chance.randint(1, 6)
        code, error = apart(lambda: struck(url, content), f"{point}=kill@{times}")
        if code == -signal.SIGKILL:
            report.kills[point] = report.kills.get(point, 0) + 1
        elif code:
            report.violations.append(f"strike {tries} at {point}: {error}")
            break
        else:
            report.unreached += 1
        code, error = apart(lambda: look(url, content))
        if code:
            report.violations.append(f"after strike {tries} at {point} ({times}): {error}")
    report.seconds = round(time.monotonic() - began, 1)
    return report


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--strikes", type=int, default=30)
    parser.add_argument("--budget", type=float, help="seconds, instead of a number of strikes")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**31))
    parser.add_argument("--database", help="address of an empty database; a file of SQLite if left out")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = asked.database or f"sqlite+aiosqlite:///{Path(folder) / 'strikes.db'}"
        report = strike(url, strikes=asked.strikes, seed=asked.seed, budget=asked.budget)
    print(json.dumps({"seed": asked.seed, "total": report.total, **asdict(report)}))
    return 1 if report.violations or not report.total else 0


if __name__ == "__main__":
    sys.exit(main())
