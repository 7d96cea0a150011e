"""The laws of the whole engine: servers in memory change, fail, go and come back, admins order and lock, and after every sync the
library is what follows from it all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from sqlalchemy import delete, select

from medianest_core.bus.events import LibraryChanged
from medianest_core.domain.library.document import parse
from medianest_core.ledger.states import UNFINISHED
from medianest_core.sdk.errors import NotReady
from medianest_core.sdk.media import MediaRecord, MediaSource
from medianest_core.store.tables.all import core_metadata
from medianest_core.store.tables.ledger import jobs
from medianest_core.store.tables.library import library_sources, records, titles
from tests.fakes.media import FakeServer, FakeSource, movie
from tests.fakes.portal import Writes
from tests.integration.library.conftest import Shelf, opened
from tests.laws.law import SUITE
from tests.laws.sound import Docs, sound

QUICK, WHOLE = 10, 100
STEPS = 5
SERVERS = ("a", "b")
KEYS = ("1", "2", "3", "4")
LIBRARY = {
    "records",
    "record_data",
    "record_details",
    "titles",
    "title_docs",
    "title_ids",
    "title_locks",
    "sync_changes",
}
KEPT = {"library_state", "jobs", "events"}
"""Tables that stay as they are between two worlds: their numbers only grow."""


def film(server: str, key: str, variant: int) -> MediaRecord:
    """Some of a server's films share their name or id with those of others, some change what they are."""
    names = ("Heat", "Ran", "Up", f"Film {key}")
    return movie(
        key,
        names[(int(key) + variant // 4) % 4],
        year=1995 + variant // 6,
        ids={"imdb": f"tt{key}"} if variant % 3 == 0 else {},
        fields={
            "summary": ("", f"{server}{variant}", None)[variant % 3],
            "captions": {"en": f"/{server}/en{variant}"} if variant % 2 else {"de": f"/{server}/de"},
            "assets": {"poster": f"/{server}/{key}/{variant}"} if variant != 2 else {},
            "media": {"width": (1920, 3840)[variant % 2], "hdr": "HDR10" if variant == 5 else None},
        },
        updated_at=float(variant % 4) or None,
    )


class World:
    """One library, whose servers are made anew for each example."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self.locks: dict[tuple[int, tuple[str, ...]], Any] = {}

    async def anew(self) -> None:
        for name in list(self.shelf.servers):
            self.leave(name)
        async with self.shelf.floor.db.begin() as tx:
            for table in reversed(core_metadata().sorted_tables):
                if table.name not in KEPT:
                    await tx.execute(delete(table))
            await tx.execute(delete(jobs).where(jobs.c.state == "queued"))
        self.locks = {}
        for name in SERVERS:
            self.shelf.server(name).page = 2

    def leave(self, name: str) -> None:
        del self.shelf.servers[name]
        self.shelf.instances.remove(name)

    def back(self, name: str, server: FakeServer) -> None:
        self.shelf.servers[name] = server
        self.shelf.instances.add(name, MediaSource, FakeSource(name, server))

    async def sync(self, **options: Any) -> int:
        """The run's number; its job and what follows it are over."""
        info = await self.shelf.sync(**options)
        await self.rest()
        return next(run.id for run in await self.shelf.library.runs.latest(5) if run.job_id == info.id)

    async def rest(self) -> None:
        """Until nothing is left to do now."""
        waiting = select(jobs.c.id).where(
            jobs.c.state.in_(UNFINISHED),
            jobs.c.due_at <= self.shelf.floor.clock.now(),
            jobs.c.name.in_(self.shelf.floor.ledger.kinds),
        )
        while True:
            async with self.shelf.floor.db.read() as tx:
                if await tx.scalar(waiting) is None:
                    return
            await asyncio.sleep(0.005)

    async def keys(self) -> dict[str, set[str]]:
        """instance → keys of its records."""
        statement = select(library_sources.c.instance_id, records.c.key).join(
            records, records.c.source == library_sources.c.id
        )
        found: dict[str, set[str]] = {name: set() for name in SERVERS}
        async with self.shelf.floor.db.read() as tx:
            for name, key in await tx.execute(statement):
                found.setdefault(name, set()).add(key)
        return found

    async def check(self) -> Docs:
        docs = await sound(self.shelf.floor.db)
        for (title, path), value in self.locks.items():
            if title in docs:
                found: Any = parse(docs[title]).values
                for part in path:
                    found = (found or {}).get(part)
                assert found == value, "locks win"
        return docs

    async def quiet(self, act: Callable[[], Awaitable[Any]]) -> None:
        """Asserts that nothing is written and nothing told."""
        before = await self.check()
        told = sum(isinstance(event, LibraryChanged) for event in self.shelf.floor.heard)
        with Writes(self.shelf.floor.db) as writes:
            await act()
        assert not LIBRARY & writes.tables.keys(), writes.tables
        assert sum(isinstance(event, LibraryChanged) for event in self.shelf.floor.heard) == told
        assert await self.check() == before


def machine(world: World, runner: asyncio.Runner) -> type[RuleBasedStateMachine]:
    names = st.sampled_from(SERVERS)

    class Engine(RuleBasedStateMachine):
        @initialize()
        def begin(self) -> None:
            runner.run(world.anew())

        @rule(name=names, key=st.sampled_from(KEYS), variant=st.integers(0, 11))
        def put(self, name: str, key: str, variant: int) -> None:
            if name in world.shelf.servers:
                world.shelf.servers[name].put(film(name, key, variant))

        @rule(name=names, variants=st.lists(st.integers(0, 11), min_size=4, max_size=4))
        def fill(self, name: str, variants: list[int]) -> None:
            if name in world.shelf.servers:
                for key, variant in zip(KEYS, variants, strict=True):
                    world.shelf.servers[name].put(film(name, key, variant))

        @rule(name=names, key=st.sampled_from(KEYS))
        def drop(self, name: str, key: str) -> None:
            if name in world.shelf.servers:
                world.shelf.servers[name].records.pop(key, None)

        @rule(
            ranks=st.sampled_from([[["a"], ["b"]], [["b"], ["a"]], [["a", "b"]], []]),
            group=st.sampled_from(["*", "text"]),
        )
        def order(self, ranks: list[list[str]], group: str) -> None:
            async def act() -> None:
                await world.shelf.library.ranking.save({group: ranks} if ranks else {}, None, None)
                await world.rest()
                await world.check()

            runner.run(act())

        @rule(path=st.sampled_from([("summary",), ("captions", "en")]), number=st.integers(0, 5))
        def lock(self, path: tuple[str, ...], number: int) -> None:
            async def act() -> None:
                async with world.shelf.floor.db.read() as tx:
                    present = [row[0] for row in await tx.execute(select(titles.c.id).order_by(titles.c.id))]
                if present:
                    title = present[number % len(present)]
                    value = "locked" if len(path) == 1 else None
                    await world.shelf.library.past.locking.lock(title, path, "u", value=value)
                    world.locks[(title, path)] = value
                    await world.check()

            runner.run(act())

        @rule(name=names)
        def come_and_go(self, name: str) -> None:
            """A server that is removed takes its records along; others keep theirs, and it comes back as it was."""

            async def act() -> None:
                server = world.shelf.servers[name]
                await world.sync()
                before = await world.keys()
                world.leave(name)
                await world.sync()
                after = await world.keys()
                assert after == before | {name: set()}
                await world.check()
                world.back(name, server)
                await world.sync()
                assert (await world.keys())[name] == set(server.records)
                await world.check()

            runner.run(act())

        @rule(force=st.booleans(), only=st.sampled_from([None, ("a",), ("b",)]))
        def sync(self, force: bool, only: tuple[str, ...] | None) -> None:
            async def act() -> None:
                await world.sync(instance_ids=only, force=force)
                await world.check()
                kept = await world.keys()
                for name in only or SERVERS:
                    assert set(world.shelf.servers[name].records) <= kept[name], "what is listed is there"

            runner.run(act())

        @rule(name=names, fault=st.sampled_from(["away", "dies", "short", "empty"]))
        def sync_with_a_fault(self, name: str, fault: str) -> None:
            """A server that fails, dies half-way, lists fewer than it says, or lists nothing: nothing of it is deleted."""

            async def act() -> None:
                server = world.shelf.servers[name]
                before, had = await world.keys(), dict(server.records)
                if fault == "away":
                    server.fail = NotReady("away")
                elif fault == "dies":
                    server.fail_after = 2
                elif fault == "short":
                    server.claims = len(had) + 1
                else:
                    server.records = {}
                if fault in ("dies", "short") and had:
                    server.records.pop(next(iter(had)))
                for _ in range(2):
                    await world.sync()
                    assert before[name] <= (await world.keys())[name], fault
                    await world.check()
                server.fail = server.fail_after = server.claims = None
                server.records = had

            if fault != "dies" or len(world.shelf.servers[name].records) > 3:
                runner.run(act())

        @rule()
        def settle(self) -> None:
            """When nothing changes any more, a sync writes nothing and tells nothing, however it is asked for."""

            async def act() -> None:
                for _ in range(2):
                    await world.sync()
                await world.quiet(world.sync)
                for name in SERVERS:
                    await world.quiet(partial(world.sync, instance_ids=(name,)))

            runner.run(act())

        @rule(name=names, variant=st.integers(0, 11))
        def roll_back(self, name: str, variant: int) -> None:
            """A run that is rolled back leaves everything as it was, also after the next sync."""

            async def act() -> None:
                for _ in range(2):
                    await world.sync()
                server = world.shelf.servers[name]
                before = await world.check()
                for key, one in list(server.records.items()):
                    news = film(name, key, variant)
                    server.put(replace(one, fields=news.fields))
                run = await world.sync()
                await world.shelf.library.past.rollback.run(run, None)
                assert shown(await world.check()) == shown(before)
                await world.quiet(world.sync)

            runner.run(act())

    return Engine


def shown(docs: Docs) -> dict[int, Any]:
    found = {title: parse(data) for title, data in docs.items()}
    return {title: (one.values, one.provenance()) for title, one in found.items()}


def test_the_library_is_what_follows_from_its_servers(tmp_path: Path, backend: str) -> None:
    with asyncio.Runner() as runner:
        context = opened(tmp_path)
        world = World(runner.run(context.__aenter__()))
        try:
            run_state_machine_as_test(
                machine(world, runner),
                settings=settings(
                    max_examples=WHOLE if SUITE.whole else QUICK,
                    stateful_step_count=STEPS,
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(context.__aexit__(None, None, None))
