"""Listings and details in any order, some of them failing: in the end the library is what the sources say."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from medianest_core.base.clock import SystemClock
from medianest_core.bus.outbox import EventBus
from medianest_core.domain.library.document import parse
from medianest_core.domain.library.enriching.details import Details, TitleDetailsArgs
from medianest_core.domain.library.merge import Priorities
from medianest_core.domain.library.records import encode
from medianest_core.domain.library.stored.sources import numbers
from medianest_core.domain.library.writing.finalize import Batch, apply
from medianest_core.domain.library.writing.membership import Incoming
from medianest_core.host.instances import Instances
from medianest_core.ledger.enqueue import Ledger
from medianest_core.sdk.errors import NotReady, ProviderError
from medianest_core.sdk.jobs import JobContext
from medianest_core.sdk.media import MediaSource
from medianest_core.store.engine import Database
from medianest_core.store.repos.events import EventRepo
from medianest_core.store.tables.all import core_metadata
from medianest_core.store.tables.library import record_details, title_docs
from tests.fakes.media import FakeInstances, FakeServer, TellingSource, digest, movie

SOURCES, KEYS = ("a", "b"), ("1", "2", "3")
PEOPLE = tuple({"name": name} for name in "ABCDEF")

Step = tuple[str, str, str, int]
"""(list | tell | fail, source, key, variant)"""
_steps = st.lists(
    st.tuples(
        st.sampled_from(["list", "list", "tell", "tell", "fail"]),
        st.sampled_from(SOURCES),
        st.sampled_from(KEYS),
        st.integers(0, 3),
    ),
    max_size=14,
)


def put(server: FakeServer, source: str, key: str, variant: int) -> None:
    """What the source says of a title in its `variant`-th form: a list record with little, and more behind it."""
    cast_of = PEOPLE[: 3 + variant]
    server.put(
        movie(
            key,
            f"Film {key}",
            fields={
                "summary": f"{source}{variant}",
                "cast": list(cast_of[:2]),
                "genres": ["Drama"][: variant % 2],
            },
            updated_at=1.0,
        )
    )
    server.more[key] = {
        "cast": list(cast_of),
        "tagline": f"{source}{key}{variant}",
        "assets": {"logo": f"/l{variant}"},
    }


class World:
    def __init__(self, db: Database) -> None:
        self.db = db
        self.servers = {source: FakeServer() for source in SOURCES}
        instances = FakeInstances()
        for source, server in self.servers.items():
            instances.add(source, MediaSource, TellingSource(source, server))
        bus, clock = EventBus(EventRepo(db)), SystemClock()
        self.details = Details(db, bus, Ledger(db, clock, bus), cast(Instances, instances), clock, pause=0.0)

    def begin(self) -> AbstractAsyncContextManager[Any]:
        return self.db.begin()

    async def put_in_list(self, source: str, keys: Sequence[str]) -> None:
        found = [self.servers[source].records[key] for key in keys if key in self.servers[source].records]
        async with self.db.begin() as tx:
            batch = Batch(1, Priorities(), await numbers(tx, SOURCES), 0.0)
            await apply(tx, batch, [Incoming(source, one, digest(one), encode(one)) for one in found])

    async def tell(self, source: str, keys: Sequence[str]) -> None:
        ctx = cast(JobContext, SimpleNamespace(begin=self.begin, job_id="j"))
        await self.details.run_titles(ctx, TitleDetailsArgs(instance_id=source, keys=tuple(keys)))

    async def step(self, step: Step) -> None:
        name, source, key, variant = step
        server = self.servers[source]
        if name == "list":
            put(server, source, key, variant)
            await self.put_in_list(source, [key])
        elif name == "tell":
            await self.tell(source, [key])
        else:
            server.fail = NotReady("away")
            try:
                await self.tell(source, [key])
            except ProviderError:
                pass
            server.fail = None

    async def docs(self) -> list[bytes]:
        async with self.db.read() as tx:
            return sorted(row[0] for row in (await tx.execute(select(title_docs.c.doc))).all())

    async def said(self) -> dict[tuple[str, str], bytes]:
        async with self.db.read() as tx:
            columns = (record_details.c.source, record_details.c.key, record_details.c.data)
            names = {number: source for source, number in (await numbers(tx, ())).items()}
            return {(names[row[0]], row[1]): row[2] for row in (await tx.execute(select(*columns))).all()}


async def played(folder: Path, steps: Sequence[Step], *, check: bool = False) -> World:
    db = Database(f"sqlite+aiosqlite:///{folder / 'laws.db'}")
    await db.start()
    async with db.engine.begin() as connection:
        await connection.run_sync(core_metadata().create_all)
    world = World(db)
    for step in steps:
        before = await world.said()
        await world.step(step)
        if check and step[0] != "tell":
            assert await world.said() == before, "neither a listing nor a failure takes details away"
    return world


async def in_any_order(steps: Sequence[Step]) -> None:
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        world = await played(Path(one), steps, check=True)
        fresh = await played(Path(two), ())
        try:
            for source in SOURCES:
                fresh.servers[source].records = dict(world.servers[source].records)
                fresh.servers[source].more = dict(world.servers[source].more)
            for source in SOURCES:
                # Listed once more: what nobody tells any more goes when all who have the title were asked since.
                await world.put_in_list(source, KEYS)
                await world.tell(source, KEYS)
            # The other way round: the other source first, and everything at once.
            for source in reversed(SOURCES):
                await fresh.put_in_list(source, KEYS)
                await fresh.tell(source, KEYS)
            assert await world.docs() == await fresh.docs()
            assert await world.said() == await fresh.said()
            docs = await world.docs()
            asked = [len(server.asked) for server in world.servers.values()]
            for source in SOURCES:
                await world.put_in_list(source, KEYS)
                await world.tell(source, KEYS)
            assert await world.docs() == docs
            assert [len(server.asked) for server in world.servers.values()] == asked, "nothing is missing"
            for document in map(parse, docs):
                assert len(document.values["cast"]) >= 3 and document.values["tagline"]
        finally:
            await world.db.close()
            await fresh.db.close()


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_steps)
@example([("list", "a", "2", 0), ("list", "b", "2", 1), ("list", "b", "2", 0)])
def test_the_order_of_listings_and_details_does_not_matter(steps: Sequence[Step]) -> None:
    asyncio.run(in_any_order(steps))


def test_a_known_sequence() -> None:
    """One that has everything: both sources, a change after the details, and a failure in between."""
    asyncio.run(
        in_any_order(
            [
                ("list", "a", "1", 0),
                ("tell", "a", "1", 0),
                ("list", "b", "1", 3),
                ("fail", "b", "1", 0),
                ("list", "a", "1", 2),
                ("tell", "b", "1", 0),
            ]
        )
    )
