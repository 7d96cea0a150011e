"""Events: stored with what caused them, sent after the commit, replayed after a gap."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from medianest_core.base.clock import FakeClock
from medianest_core.bus.events import DownloadProgress, LibraryChanged, SystemAlert
from medianest_core.bus.live import Live
from medianest_core.bus.outbox import EventBus
from medianest_core.sdk.events import Audience, Event
from medianest_core.sdk.storage import Transaction
from medianest_core.store.engine import Database
from medianest_core.store.migrate import upgrade
from medianest_core.store.repos.events import EventRepo
from medianest_core.store.tables.events import events
from medianest_core.store.tables.system import audit
from tests.databases import database_url


class HeardLive(Live):
    """Notes what would be sent to browsers."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[tuple[str, str, dict[str, Any]]] = []

    async def emit(self, room: str, name: str, payload: dict[str, Any]) -> None:
        self.sent.append((room, name, payload))


@pytest.fixture
async def db(tmp_path: Path, backend: str) -> AsyncIterator[Database]:
    database = Database(database_url(tmp_path))
    await database.start()
    await upgrade(database)
    yield database
    await database.close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def live() -> HeardLive:
    return HeardLive()


@pytest.fixture
async def bus(db: Database, live: HeardLive, clock: FakeClock) -> AsyncIterator[EventBus]:
    made = EventBus(EventRepo(db), live, clock)
    yield made
    await made.close()


def changed(n: int) -> LibraryChanged:
    return LibraryChanged(run_id="r", added=n)


async def publish(db: Database, bus: EventBus, event: Event, to: Audience) -> int:
    async with db.begin() as tx:
        published = await bus.publish(tx, event, to)
    return published.seq


async def test_sent_after_the_commit_and_not_before(
    db: Database, bus: EventBus, live: HeardLive, clock: FakeClock
) -> None:
    async with db.begin() as tx:
        published = await bus.publish(tx, changed(3), Audience.library())
        assert live.sent == []
    ((room, name, payload),) = live.sent
    assert (room, name) == ("library", "library:changed")
    assert payload["seq"] == published.seq
    assert payload["at"] == clock.now()
    assert payload["data"]["added"] == 3


async def test_a_rollback_takes_its_events_along(db: Database, bus: EventBus, live: HeardLive) -> None:
    heard: list[LibraryChanged] = []

    async def hear(event: LibraryChanged) -> None:
        heard.append(event)

    bus.subscribe(LibraryChanged, hear)
    with pytest.raises(RuntimeError):
        async with db.begin() as tx:
            await bus.publish(tx, changed(1), Audience.library())
            raise RuntimeError
    await bus.drain()
    assert (live.sent, heard) == ([], [])
    assert await bus.rows.last_seq() == 0


async def test_numbers_grow_also_when_many_publish_at_once(db: Database, bus: EventBus) -> None:
    numbers = await asyncio.gather(*(publish(db, bus, changed(n), Audience.library()) for n in range(30)))
    assert sorted(numbers) == list(range(min(numbers), min(numbers) + 30))
    stored, complete = await bus.since(["library"], 0)
    assert complete
    assert [event.seq for event in stored] == sorted(numbers)


async def test_transient_events_are_sent_and_not_kept(bus: EventBus, live: HeardLive) -> None:
    await bus.send(DownloadProgress(download_id="d", percent=5.0), Audience.downloads("u"))
    assert live.sent[0][0] == "downloads:u"
    assert live.sent[0][2]["seq"] is None
    assert await bus.rows.last_seq() == 0


async def test_nobody_is_really_nobody(db: Database, bus: EventBus, live: HeardLive) -> None:
    await publish(db, bus, changed(1), Audience.nobody())
    assert live.sent == []
    assert (await bus.since(["library", "everyone"], 0)) == ([], True)


async def test_replay_is_by_room(db: Database, bus: EventBus) -> None:
    first = await publish(db, bus, changed(1), Audience.library())
    await publish(db, bus, SystemAlert(key="disk"), Audience.admins())
    last = await publish(db, bus, changed(2), Audience.library())
    stored, complete = await bus.since(["library"], first)
    assert complete
    assert [event.payload()["data"]["added"] for event in stored] == [2]
    assert (await bus.since(["library"], last)) == ([], True)
    stored, _ = await bus.since(["library", "admins"], 0)
    assert [event.name for event in stored] == ["library:changed", "system:alert", "library:changed"]


async def test_a_replay_that_cannot_be_complete_says_so(
    db: Database, bus: EventBus, clock: FakeClock
) -> None:
    numbers = []
    for n in range(6):
        numbers.append(await publish(db, bus, changed(n), Audience.library()))
        clock.advance(10)
    stored, complete = await bus.since(["library"], 0, limit=5)
    assert (len(stored), complete) == (5, False)
    assert await bus.rows.prune(clock.now() - 25) == 4
    assert not (await bus.since(["library"], numbers[1]))[1], "some of what it missed is gone"
    assert (await bus.since(["library"], numbers[3]))[1]
    assert not (await bus.since(["library"], numbers[-1] + 5))[1], "it knows of events that never were"


async def test_pruning_keeps_the_newest_and_numbers_are_not_given_again(
    db: Database, bus: EventBus, clock: FakeClock
) -> None:
    await publish(db, bus, changed(1), Audience.library())
    last = await publish(db, bus, changed(2), Audience.library())
    clock.advance(10**6)
    await bus.rows.prune(clock.now())
    async with db.read() as tx:
        assert [row["seq"] for row in await tx.all(select(events))] == [last]
    async with db.begin() as tx:
        await tx.execute(events.delete())
    assert await publish(db, bus, changed(3), Audience.library()) > last


async def test_a_listener_sees_events_in_order_and_its_failure_is_its_own(
    db: Database, bus: EventBus
) -> None:
    heard: list[int] = []
    others: list[int] = []

    async def hear(event: LibraryChanged) -> None:
        await asyncio.sleep(0.001 * (5 - event.added))
        heard.append(event.added)
        if event.added == 1:
            raise RuntimeError("a listener's bug")

    async def other(event: LibraryChanged) -> None:
        others.append(event.added)

    bus.subscribe(LibraryChanged, hear)
    end = bus.subscribe(LibraryChanged, other)
    for n in range(5):
        await publish(db, bus, changed(n), Audience.library())
        if n == 2:
            await bus.drain()
            end()
    await bus.drain()
    assert heard == [0, 1, 2, 3, 4]
    assert others == [0, 1, 2]


async def test_a_listener_may_publish_itself(db: Database, bus: EventBus, live: HeardLive) -> None:
    async def react(event: LibraryChanged) -> None:
        await publish(db, bus, SystemAlert(key=f"after-{event.added}"), Audience.admins())

    bus.subscribe(LibraryChanged, react)
    await publish(db, bus, changed(7), Audience.library())
    await bus.drain()
    assert [payload["data"].get("key") for _, _, payload in live.sent] == [None, "after-7"]


async def test_a_durable_listener_writes_in_the_same_transaction(db: Database, bus: EventBus) -> None:
    async def remember(tx: Transaction, event: LibraryChanged) -> None:
        await tx.execute(audit.insert().values(at=0, action="heard", target=str(event.added), details={}))

    bus.subscribe_durable(LibraryChanged, remember)
    await publish(db, bus, changed(1), Audience.library())
    with pytest.raises(RuntimeError):
        async with db.begin() as tx:
            await bus.publish(tx, changed(2), Audience.library())
            raise RuntimeError
    async with db.read() as tx:
        assert [row["target"] for row in await tx.all(select(audit))] == ["1"]


async def test_what_a_durable_listener_publishes_is_told_after_its_cause(
    db: Database, bus: EventBus, live: HeardLive
) -> None:
    async def react(tx: Transaction, event: LibraryChanged) -> None:
        await bus.publish(tx, SystemAlert(key="heard"), Audience.admins())

    bus.subscribe_durable(LibraryChanged, react)
    await publish(db, bus, changed(1), Audience.library())
    await bus.drain()
    assert [name for _, name, _ in live.sent] == [LibraryChanged.name, SystemAlert.name]
    assert [payload["seq"] for *_, payload in live.sent] == [1, 2]


async def test_browsers_are_reached_through_the_manager() -> None:
    import socketio

    live = Live()
    await live.emit("library", "x", {})
    server = socketio.AsyncServer(client_manager=live.manager, async_mode="asgi")
    sent: list[tuple[str, str]] = []

    async def send(eio_sid: str, packet: Any) -> None:
        sent.append((eio_sid, packet.encode()))

    server._send_eio_packet = send
    sid = await live.manager.connect("eio-1", "/")
    live.manager.basic_enter_room(sid, "/", "library")
    await live.emit("library", "library:changed", {"seq": 1})
    await live.emit("admins", "system:alert", {"seq": 2})
    await live.manager.emit("other", None, "/", room="nobody is there")
    assert sent == [("eio-1", '42["library:changed",{"seq":1}]')]
