"""The law of notifications outside: each reaches each chosen channel once, whatever is done to hours and summaries meanwhile.

The only exception is one that can be seen: where the portal dies after handing a message over, that attempt is written down as
unclear and the message goes again.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, select, update

from medianest_core.base.clock import FakeClock
from medianest_core.base.crypto import Keyring
from medianest_core.bus.outbox import EventBus
from medianest_core.cache.limits import RateLimiter
from medianest_core.domain.notify.outside import Outside
from medianest_core.domain.notify.planning import DIGEST_JOB, DigestArgs, SendArgs
from medianest_core.domain.notify.service import Notifications
from medianest_core.domain.notify.times import is_quiet
from medianest_core.host.instances import Instances
from medianest_core.ledger.enqueue import Ledger
from medianest_core.sdk.errors import RetryLater
from medianest_core.sdk.jobs import JobContext
from medianest_core.sdk.notify import Message, Notifier
from medianest_core.store.engine import Database, Tx
from medianest_core.store.repos.events import EventRepo
from medianest_core.store.tables.accounts import users
from medianest_core.store.tables.all import core_metadata
from medianest_core.store.tables.ledger import jobs
from medianest_core.store.tables.notify import deliveries
from medianest_core.store.tables.plugins import instances as instance_rows
from tests.fakes.media import FakeInstances

ANN = "11111111-ann"
OPERATIONS = st.one_of(
    st.tuples(st.just("tell"), st.sampled_from(["request.available", "service.down", "other"])),
    st.tuples(st.just("hours"), st.tuples(st.integers(0, 1439), st.integers(0, 1439))),
    st.tuples(st.just("hours"), st.none()),
    st.tuples(st.just("digest"), st.tuples(st.sampled_from(["a", "b"]), st.booleans())),
    st.tuples(st.just("urgent"), st.booleans()),
    st.tuples(st.just("pass"), st.integers(60, 50_000)),
    st.tuples(st.just("work"), st.none()),
    st.tuples(st.just("kill"), st.none()),
)


class Killed(BaseException):
    """The process ends here."""


class Post(Notifier[Any, Any]):
    """got: what it was handed, by address."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.got: list[tuple[str, Message]] = []

    async def send(self, target: str, message: Message) -> None:
        self.got.append((target, message))
        await self.house.judge(message)
        if self.house.kill:
            self.house.kill = False
            self.house.killed += 1
            raise Killed


@dataclass
class Context:
    """As much of a job's context as is asked for."""

    db: Database
    job_id: str
    attempt: int = 1

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Tx]:
        async with self.db.begin() as tx:
            yield tx


@dataclass
class House:
    db: Database
    clock: FakeClock
    outside: Outside
    notify: Notifications
    told: int = 0
    kill: bool = False
    killed: int = 0
    hours: tuple[int, int] | None = None
    urgent: bool = False
    channels: dict[str, str] = field(default_factory=dict)

    async def judge(self, message: Message) -> None:
        """Nothing wakes anybody who does not want that."""
        times = await self.outside.choosing.times(ANN)
        assert (message.urgent and times.urgent) or not is_quiet(times, self.clock.now())

    async def work(self) -> None:
        """Run what is due, as a worker would."""
        handlers = {job.name: job.handler for job in self.outside.jobs()}
        while True:
            async with self.db.begin() as tx:
                row = await tx.first(
                    select(jobs).where(jobs.c.state == "queued", jobs.c.due_at <= self.clock.now()).limit(1)
                )
                if row is None:
                    return
                # While a job runs, another one with the same text may be queued.
                await tx.execute(
                    update(jobs).where(jobs.c.id == row["id"]).values(state="leased", unique_key=None)
                )
            args = DigestArgs(**row["args"]) if row["name"] == DIGEST_JOB else SendArgs(**row["args"])
            handler: Any = handlers[row["name"]]
            again: float | None = None
            try:
                await handler(cast(JobContext, Context(self.db, row["id"])), args)
            except RetryLater as later:
                again = max(0.1, later.delay)
            except Killed:
                again = 0.0
            async with self.db.begin() as tx:
                if again is None:
                    await tx.execute(delete(jobs).where(jobs.c.id == row["id"]))
                else:
                    await tx.execute(
                        update(jobs)
                        .where(jobs.c.id == row["id"])
                        .values(state="queued", due_at=self.clock.now() + again)
                    )

    async def next_due(self) -> float | None:
        async with self.db.read() as tx:
            due = await tx.scalar(select(func.min(jobs.c.due_at)).where(jobs.c.state == "queued"))
        return None if due is None else float(due)

    async def save(self) -> None:
        await self.outside.choosing.set_times(
            ANN,
            quiet_from=self.hours[0] if self.hours else None,
            quiet_to=self.hours[1] if self.hours else None,
            digest_hour=8,
            urgent=self.urgent,
            zone="Europe/Berlin",
        )

    async def do(self, name: str, value: Any) -> None:
        if name == "tell":
            async with self.db.begin() as tx:
                await self.notify.notify(tx, ANN, value, {"title": f"<T{self.told}>"}, "/x")
            self.told += 1
        elif name == "hours":
            self.hours = value
            await self.save()
        elif name == "urgent":
            self.urgent = value
            await self.save()
        elif name == "digest":
            await self.outside.choosing.set_digest(ANN, {self.channels[value[0]]: value[1]})
        elif name == "kill":
            self.kill = True
        else:
            self.clock.advance(value or 0)
            await self.work()


_blank: Path | None = None


async def _database(folder: Path) -> Database:
    """A copy of one that was made once."""
    global _blank
    if _blank is None:
        _blank = Path(tempfile.mkdtemp(prefix="notify-law-")) / "blank.db"
        made = Database(f"sqlite+aiosqlite:///{_blank}")
        await made.start()
        async with made.engine.begin() as connection:
            await connection.run_sync(core_metadata().create_all)
        await made.close()
    shutil.copy(_blank, folder / "portal.db")
    db = Database(f"sqlite+aiosqlite:///{folder / 'portal.db'}")
    await db.start()
    return db


async def run(operations: list[tuple[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        db = await _database(folder)
        clock = FakeClock(1_760_000_000.0)
        bus = EventBus(EventRepo(db), clock=clock)
        try:
            found = FakeInstances()
            outside = Outside(
                db,
                Ledger(db, clock, bus),
                cast(Instances, found),
                Keyring.load_or_create(folder / "keys.json"),
                RateLimiter(),
                clock=clock,
            )
            house = House(db, clock, outside, Notifications(db, bus, clock=clock, outside=outside))
            post = Post(house)
            found.add("post", Notifier, post)
            async with db.begin() as tx:
                await tx.execute(
                    users.insert().values(
                        id=ANN, username="ann", role="admin", status="active", created_at=0.0
                    )
                )
                await tx.execute(
                    instance_rows.insert().values(
                        id="post",
                        plugin="fake",
                        service="fake",
                        name="post",
                        title="Post",
                        settings_json={},
                        created_at=0.0,
                        updated_at=0.0,
                    )
                )
            for name in ("a", "b"):
                house.channels[name] = (await outside.channels.add(ANN, "post", name)).id
            for name, value in operations:
                await house.do(name, value)
            house.kill = False
            # As a worker does: each job at its time, which may be the one minute of a day that is not quiet.
            while (due := await house.next_due()) is not None:
                clock.advance(max(0.0, due - clock.now()))
                await house.work()
            async with db.read() as tx:
                rows = await tx.all(select(deliveries))
            assert len(rows) == 2 * house.told and {row["state"] for row in rows} <= {"sent"}
            ends = Counter(one["end"] for row in rows for one in row["attempts"])
            assert ends["sent"] == 2 * house.told
            arrived = Counter(
                (target, mark)
                for target, message in post.got
                for mark in re.findall(r"<T\d+>", f"{message.title}\n{message.body}")
            )
            assert set(arrived) == {(name, f"<T{n}>") for name in ("a", "b") for n in range(house.told)}
            # Every further arrival is one that the log calls unclear, and there are none unless the portal died.
            assert sum(arrived.values()) - len(arrived) == ends["unclear"]
            assert house.killed or not ends["unclear"]
        finally:
            await bus.close()
            await db.close()


@settings(max_examples=25, deadline=None)
@given(st.lists(OPERATIONS, max_size=14))
@example([("tell", "request.available"), ("hours", (595, 594))])
def test_each_notification_reaches_each_channel_once(operations: list[tuple[str, Any]]) -> None:
    asyncio.run(run(operations))
