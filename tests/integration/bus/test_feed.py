"""Events that other processes stored reach this one, with Redis and without."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from medianest_core.bus.events import LibraryChanged, SessionsEnded
from medianest_core.bus.feed import Feed
from medianest_core.bus.live import Live
from medianest_core.bus.outbox import EventBus
from medianest_core.sdk.events import Audience
from medianest_core.store.engine import Database
from medianest_core.store.migrate import upgrade
from medianest_core.store.repos.events import EventRepo
from tests.databases import database_url


class Sockets(Live):
    """What the sockets of a process would hear."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[tuple[str, str, int | None]] = []

    async def emit(self, room: str, name: str, payload: dict[str, Any]) -> None:
        self.heard.append((room, name, payload["seq"]))


@pytest.fixture
async def db(tmp_path: Path, backend: str) -> Any:
    made = Database(database_url(tmp_path))
    await made.start()
    await upgrade(made)
    yield made
    await made.close()


async def test_each_process_hears_every_event_once(db: Database) -> None:
    here, there = Sockets(), Sockets()
    rows = EventRepo(db)
    buses = [EventBus(rows, here), EventBus(rows, there)]
    feeds = [Feed(bus, rows, every=0.05) for bus in buses]
    everywhere: list[str] = []
    only_here: list[str] = []

    async def note(event: SessionsEnded) -> None:
        everywhere.append(event.user_id)

    async def note_local(event: SessionsEnded) -> None:
        only_here.append(event.user_id)

    buses[1].subscribe(SessionsEnded, note, everywhere=True)
    buses[1].subscribe(SessionsEnded, note_local)
    for bus, feed in zip(buses, feeds, strict=True):
        await bus.load_newest()
        feed.start()
    for number in range(20):
        async with db.begin() as tx:
            await buses[number % 2].publish(tx, LibraryChanged(added=number), Audience.library())
    async with db.begin() as tx:
        await buses[0].publish(tx, SessionsEnded(user_id="u1"), Audience.nobody())
    async with asyncio.timeout(60):
        while len(here.heard) < 20 or len(there.heard) < 20 or not everywhere:
            await asyncio.sleep(0.02)
        while buses[0].newest != buses[1].newest:
            await asyncio.sleep(0.02)
    # What came twice would have come by now.
    await asyncio.sleep(0.2)
    numbers = [sorted(seq for _, _, seq in one.heard if seq is not None) for one in (here, there)]
    assert numbers[0] == numbers[1] and len(set(numbers[0])) == 20
    assert (everywhere, only_here) == (["u1"], [])
    for feed in feeds:
        await feed.close()
    for bus in buses:
        await bus.close()


async def test_a_hint_is_enough_and_a_rolled_back_event_is_none(db: Database) -> None:
    rows, sockets = EventRepo(db), Sockets()
    mine, other = EventBus(rows, sockets), EventBus(rows)
    feed = Feed(mine, rows, every=3600)
    await mine.load_newest()
    feed.start()
    with pytest.raises(RuntimeError):
        async with db.begin() as tx:
            await mine.publish(tx, LibraryChanged(added=1), Audience.library())
            raise RuntimeError
    async with db.begin() as tx:
        await other.publish(tx, LibraryChanged(added=2), Audience.library())
    feed.look()
    async with asyncio.timeout(60):
        while not sockets.heard:
            await asyncio.sleep(0.02)
    assert len(sockets.heard) == 1
    await feed.close()
