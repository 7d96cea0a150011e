"""Jobs told of over a real Redis: what is relied on in Dramatiq, and that nothing is lost with Redis."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from dramatiq.brokers.redis import RedisBroker, _RedisConsumer
from pydantic import BaseModel

from medianest_core.base.redis_link import RedisLink
from medianest_core.bus.outbox import EventBus
from medianest_core.jobs.broker_redis import SharedBroker
from medianest_core.jobs.registry import JobRegistry
from medianest_core.jobs.worker import Worker
from medianest_core.ledger.enqueue import Ledger
from medianest_core.sdk.jobs import Job, JobContext
from medianest_core.store.engine import Database
from medianest_core.store.repos.events import EventRepo
from tests.servers import Redis


class Args(BaseModel):
    n: int = 0


class Node:
    """One process's share: a ledger, a worker, a link to Redis."""

    def __init__(self, db: Database, url: str, *, works: bool, queues: list[str] | None = None) -> None:
        self.db = db
        self.link = RedisLink(url, beat=0.05)
        self.bus = EventBus(EventRepo(db))
        self.ledger = Ledger(db, bus=self.bus, lease=2.0)
        self.registry = JobRegistry(self.ledger)
        self.worker = Worker(
            db, self.ledger, self.registry, self.bus, link=self.link, works=works, queues=queues
        )
        self.ran: list[int] = []

    async def run(self, ctx: JobContext, args: Args) -> None:
        self.ran.append(args.n)

    async def start(self) -> None:
        await self.link.start()
        for name, queue in (("core.test", "default"), ("core.heavy", "heavy")):
            self.registry.add(Job(name, self.run, Args, queue=queue))
        await self.worker.start()

    async def stop(self) -> None:
        await self.worker.stop()
        await self.bus.close()
        await self.link.close()

    async def put(self, n: int, name: str = "core.test") -> None:
        async with self.db.begin() as tx:
            await self.ledger.enqueue(tx, name, Args(n=n))

    async def counts(self) -> dict[str, int]:
        async with self.db.read() as tx:
            return await self.ledger.counts(tx)


Start = Callable[..., Any]


@pytest.fixture
async def start(db: Database, own_redis: Redis) -> AsyncIterator[Start]:
    nodes: list[Node] = []

    async def make(**options: Any) -> Node:
        node = Node(db, own_redis.url, **options)
        nodes.append(node)
        await node.start()
        return node

    yield make
    for node in nodes:
        await node.stop()


async def until(condition: Callable[[], bool], within: float = 60) -> None:
    async with asyncio.timeout(within):
        while not condition():
            await asyncio.sleep(0.02)


async def test_one_asks_and_others_run(start: Start) -> None:
    asks = await start(works=False)
    first, second = await start(works=True), await start(works=True)
    for n in range(60):
        await asks.put(n)
    await until(lambda: len(first.ran) + len(second.ran) >= 60)
    assert sorted(first.ran + second.ran) == list(range(60)), "each once"
    assert asks.ran == []


async def test_a_worker_takes_only_its_queues(start: Start) -> None:
    asks = await start(works=False)
    light, heavy = await start(works=True, queues=["default"]), await start(works=True, queues=["heavy"])
    for n in range(10):
        await asks.put(n, "core.heavy" if n % 2 else "core.test")
    await until(lambda: len(light.ran) + len(heavy.ran) >= 10)
    assert (sorted(light.ran), sorted(heavy.ran)) == ([0, 2, 4, 6, 8], [1, 3, 5, 7, 9])


async def test_a_redis_that_forgets_or_dies_loses_no_job(start: Start, own_redis: Redis) -> None:
    asks, runs = await start(works=False), await start(works=True)
    await asks.put(0)
    await until(lambda: runs.ran == [0])
    for n in range(1, 11):
        await asks.put(n)
        await asyncio.to_thread(own_redis.flush)
    await until(lambda: len(runs.ran) >= 11)
    await asyncio.to_thread(own_redis.kill)
    await until(lambda: asks.link.away and runs.link.away)
    for n in range(11, 21):
        await asks.put(n)
    await until(lambda: len(runs.ran) >= 21)
    # In a thread: who runs the jobs must be able to write down their end meanwhile.
    await asyncio.to_thread(own_redis.start)
    await until(lambda: not (asks.link.away or runs.link.away))
    await asks.put(21)
    await until(lambda: len(runs.ran) >= 22)
    assert sorted(runs.ran) == list(range(22)), "each once"


def test_what_is_relied_on_in_dramatiq() -> None:
    assert list(inspect.signature(_RedisConsumer.__init__).parameters) == [
        "self",
        "broker",
        "queue_name",
        "prefetch",
        "timeout",
    ]
    consumer = _RedisConsumer(None, "q", 3, 250)  # type: ignore[no-untyped-call]  # Dramatiq has no types here
    assert (consumer.prefetch, consumer.timeout, consumer.message_cache) == (3, 250, [])
    assert consumer.queued_message_ids == set() and consumer.outstanding_message_count == 0
    assert isinstance(RedisBroker.consumer_class, property)
    assert SharedBroker.reaches_others
