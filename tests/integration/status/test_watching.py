"""What services report becomes rows, histories, incidents and events, once, and survives outages and restarts."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from medianest_core.bus.events import ServiceStatus, ServiceTrouble, StatusHint, SystemAlert
from medianest_core.domain.status import announced
from medianest_core.domain.status.recorder import Recorder
from medianest_core.domain.status.rings import Span
from medianest_core.domain.status.service import Status
from medianest_core.domain.status.states import State
from medianest_core.host.states import InstanceState
from medianest_core.sdk.errors import NotFound
from medianest_core.sdk.events import Audience
from medianest_core.sdk.status import Beat, Incident, Item
from medianest_core.store.tables.status import incidents, monitor_history, monitors
from tests.fakes.portal import Writes
from tests.fakes.status import AWAY, FakeWatch, Polled, Watching

from .conftest import ADMIN, PERSON, START, World, person, until


async def _states(status: Status, viewer: Any = ADMIN) -> dict[str, State]:
    shown = await status.read.monitors(viewer, limit=200)
    return {one.name: one.state for one in shown.page.items}


async def test_services_and_what_they_watch_are_listed(world: World) -> None:
    fake = FakeWatch()
    await fake.say(
        Item("Web", True, response_ms=20.0, group="Public", url="http://nas/"),
        Item("Mail", False, "refused", group="Public"),
        Item("Old", None),
        Item("Backup", False, maintenance=True),
    )
    await world.host.add(world.db, "kuma", Watching(fake), "Watchdog")
    await world.host.add(world.db, "plex", title="Plex")
    async with world.running() as status:

        async def listed() -> bool:
            return len(await _states(status)) == 6

        await until(listed)
        shown = await status.read.monitors(ADMIN)
        assert [(one.group, one.name, one.state.value, one.own) for one in shown.page.items] == [
            ("", "Plex", "up", True),
            ("", "Watchdog", "up", True),
            ("Public", "Mail", "down", False),
            ("Public", "Web", "up", False),
            ("Watchdog", "Backup", "maintenance", False),
            ("Watchdog", "Old", "paused", False),
        ]
        assert [one.message for one in shown.page.items if one.name == "Mail"] == ["refused"]
        seen = (await status.read.monitors(PERSON)).page.items
        assert all(one.url is None and one.message == "" for one in seen)
        assert await status.read.counts(PERSON) == {
            State.UP: 3,
            State.DOWN: 1,
            State.PAUSED: 1,
            State.MAINTENANCE: 1,
        }


@pytest.mark.full
async def test_a_service_that_is_well_but_not_understood_says_so_in_its_row(world: World) -> None:
    fake = FakeWatch()
    await fake.say(Item("Web", True))
    await world.host.add(world.db, "kuma", Polled(fake), "Watchdog")
    async with world.running() as status:

        async def row() -> tuple[State, str] | None:
            # What is not urgent is written now and then.
            world.clock.at += 31
            shown = (await status.read.monitors(ADMIN)).page.items
            return next(((one.state, one.message) for one in shown if one.own), None)

        async def is_well() -> bool:
            return await row() == (State.UP, "") and "Web" in await _states(status)

        async def says_why() -> bool:
            return await row() == (
                State.UP,
                "It answers, but how its things are cannot be read: There is no /api/things.",
            )

        await until(is_well)
        await fake.end(NotFound("There is no /api/things."))
        await until(says_why)
        assert status.collector.unread == {"kuma": "There is no /api/things."}
        assert (await status.read.monitors(PERSON)).page.items[0].message == ""
        await fake.end(None)
        await until(is_well)
        assert status.collector.unread == {}


async def test_down_and_recovery_are_told_at_once_and_once(world: World) -> None:
    ada = await person(world, "ada", "admin")
    await person(world, "pat", "user")
    fake = FakeWatch()
    await fake.say(Item("Web", True))
    await world.host.add(world.db, "kuma", Watching(fake))
    async with world.running() as status:

        async def web() -> State | None:
            return (await _states(status)).get("Web")

        async def is_up() -> bool:
            return await web() is State.UP

        async def is_down() -> bool:
            return await web() is State.DOWN

        await until(is_up)
        assert world.of(ServiceTrouble) == [] and world.of(SystemAlert) == []
        world.clock.at += 60
        await fake.say(Item("Web", False, "refused"))
        await until(is_down)
        outage = (await status.read.incidents(ADMIN)).items[0]
        assert (outage.kind, outage.title, outage.started_at, outage.ended_at) == (
            "outage",
            "Web",
            START + 60,
            None,
        )
        world.clock.at += 60
        await fake.say(Item("Web", True))
        await until(is_up)
        assert (await status.read.incidents(ADMIN)).items[0].ended_at == START + 120

        # Rows can be read a moment before events are told.
        async def told() -> bool:
            troubles = [one.told for one in world.of(ServiceTrouble)]
            return troubles == ["down", "up"] and len(world.of(SystemAlert)) == 2

        await until(told)
        await world.bus.drain()
        assert [(one.key[:7], one.active) for one in world.of(SystemAlert)] == [
            ("status:", True),
            ("status:", False),
        ]
        live = [one for one in world.of(ServiceStatus) if one.title == "Web"]
        assert [one.state for one in live] == ["up", "down", "up"] and {one.reason for one in live} == {""}
        inbox = (await world.notify.inbox(ada)).items
        assert [one.title for one in inbox] == ["Web answers again", "Web does not answer"]


async def test_what_comes_and_goes_all_the_time_is_one_outage_and_few_words(world: World) -> None:
    recorder, info = Recorder(world.db, world.bus, world.clock), await world.host.add(world.db, "kuma")
    await recorder.observe(info, [Item("Web", True)])
    for turn in range(40):
        world.clock.at += 20
        await recorder.observe(info, [Item("Web", turn % 2 == 1)])
    await world.bus.drain()
    assert [one.told for one in world.of(ServiceTrouble)] == ["down", "up", "down", "up", "flapping"]
    async with world.db.read() as tx:
        rows = await tx.all(select(incidents))
    assert len(rows) == 1 and rows[0]["times"] == 20
    for _ in range(16):
        world.clock.at += 60
        await recorder.flush()
    await world.bus.drain()
    assert [one.told for one in world.of(ServiceTrouble)][-1] == "up"


async def test_many_at_once_are_told_together(world: World) -> None:
    recorder, info = Recorder(world.db, world.bus, world.clock), await world.host.add(world.db, "kuma")
    names = [f"Web {number:03}" for number in range(200)]
    await recorder.observe(info, [Item(name, True) for name in names])
    world.clock.at += 30
    await recorder.observe(info, [Item(name, False) for name in names])
    await world.bus.drain()
    (told,) = world.of(ServiceTrouble)
    assert (told.count, told.told, told.monitor_id) == (200, "down", "")


async def test_a_thousand_take_few_statements_and_no_more_rows(world: World) -> None:
    recorder, info = Recorder(world.db, world.bus, world.clock), await world.host.add(world.db, "kuma")
    items = [Item(f"Web {number:04}", True, response_ms=10.0 + number) for number in range(1000)]
    await recorder.observe(info, items)
    with Writes(world.db) as writes:
        for _ in range(15):
            world.clock.at += 20
            await recorder.observe(info, items)
    assert writes.tables == {}, "what stays as it is writes nothing"
    for _ in range(8):
        world.clock.at += 300
        await recorder.flush(histories=True)
    async with world.db.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(monitor_history)) == 1000
        largest = await tx.scalar(select(func.max(func.length(monitor_history.c.day))))
    assert largest == 8 + 48 * 20


async def test_histories_go_on_after_a_restart_and_gaps_stay_unknown(world: World) -> None:
    info = await world.host.add(world.db, "kuma")
    recorder = Recorder(world.db, world.bus, world.clock)
    await recorder.observe(info, [Item("Web", True)])
    for _ in range(30):
        world.clock.at += 60
        await recorder.flush(histories=True)
    world.clock.at += 3600
    again = Recorder(world.db, world.bus, world.clock)
    await again.load()
    await again.observe(info, [Item("Web", False)])
    for _ in range(30):
        world.clock.at += 60
        await again.flush(histories=True)
    status = world.status()
    shown = await status.read.monitors(ADMIN, spans=[Span.DAY])
    (past,) = shown.pasts.values()
    assert past[Span.DAY].uptime == pytest.approx(0.5, abs=0.01)
    assert sum(one.up + one.down for one in past[Span.DAY].buckets) == pytest.approx(3600, rel=0.01)


async def test_a_service_fills_in_what_it_remembers(world: World) -> None:
    fake = FakeWatch(beats=[Beat("Web", START - 7200 + 60 * n, n >= 60, 5.0) for n in range(120)])
    await fake.say(Item("Web", True))
    await world.host.add(world.db, "kuma", Watching(fake))
    async with world.running() as status:

        async def filled() -> Any:
            shown = await status.read.monitors(ADMIN, text="web")
            return [one.uptime[Span.WEEK] for one in shown.page.items if one.uptime[Span.WEEK] is not None]

        assert await until(filled) == [pytest.approx(0.5, abs=0.02)]


@pytest.mark.parametrize("provider", [Polled, Watching])
async def test_a_hint_is_followed_long_before_the_next_turn(world: World, provider: type[Polled]) -> None:
    fake = FakeWatch()
    await fake.say(Item("Web", True))
    await world.host.add(world.db, "kuma", provider(fake))
    async with world.running(poll=3600.0) as status:

        async def known() -> bool:
            return (await _states(status)).get("Web") is State.UP

        await until(known)
        # Neither its stream nor a turn tells.
        fake.items["Web"] = Item("Web", False)

        async def told() -> bool:
            async with world.db.begin() as tx:
                await world.bus.publish(tx, StatusHint(instance_id="kuma"), Audience.nobody())
            return (await _states(status)).get("Web") is State.DOWN

        assert await until(told)


async def test_a_service_that_is_away_keeps_what_was_known(world: World) -> None:
    fake = FakeWatch()
    await fake.say(Item("Web", True))
    await world.host.add(world.db, "kuma", Polled(fake))
    async with world.running() as status:

        async def known() -> bool:
            return (await _states(status)).get("Web") is State.UP

        await until(known)
        await fake.end(AWAY)
        world.clock.at += 40
        world.host.become("kuma", InstanceState.RETRYING, "It does not answer.", START + 40)
        await status.collector.look()
        assert await _states(status) == {"Kuma": State.DOWN, "Web": State.UP}
        assert status.is_down("kuma") and status.is_down("nothing")
        assert [one.title for one in status.trouble(PERSON)] == ["Kuma"]
        await fake.end(None)
        world.host.become("kuma", InstanceState.READY, "", START + 50)
        await fake.say(Item("Web", False))

        async def down() -> bool:
            return (await _states(status)).get("Web") is State.DOWN

        await until(down)
        assert not status.is_down("kuma") and status.trouble(PERSON) == []


async def test_one_odd_answer_removes_nothing(world: World) -> None:
    recorder, info = Recorder(world.db, world.bus, world.clock), await world.host.add(world.db, "kuma")
    status = world.status()
    await recorder.observe(info, [Item("Web", False), Item("Mail", True)])
    world.clock.at += 30
    await recorder.observe(info, [])
    assert set(await _states(status)) == {"Web", "Mail"}
    world.clock.at += 61
    await recorder.observe(info, [Item("Mail", True)])
    assert set(await _states(status)) == {"Mail"}
    assert (await status.read.incidents(ADMIN)).items[0].ended_at is not None
    world.clock.at += 30
    await recorder.observe(info, [Item("Web", True), Item("Mail", True)])
    assert set(await _states(status)) == {"Web", "Mail"}
    async with world.db.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(monitors)) == 2


async def test_incidents_of_a_service_come_change_and_end(world: World) -> None:
    fake = FakeWatch()
    await fake.say(Item("Web", True))
    fake.announced = [
        Incident("Slow", START - 100, message="We look at it.", key="1"),
        Incident("New disks", START + 1000, START + 2000, key="2", planned=True),
    ]
    await world.host.add(world.db, "kuma", Watching(fake))
    await announced.take(world.db, world.bus, "kuma", fake.announced, START)
    read = world.status().read
    found = (await read.incidents(PERSON)).items
    assert [(one.kind, one.title, one.ended_at) for one in found] == [
        ("maintenance", "New disks", START + 2000),
        ("incident", "Slow", None),
    ]
    await announced.take(world.db, world.bus, "kuma", fake.announced, START)
    assert [one.version for one in (await read.incidents(ADMIN)).items] == [1, 1]
    await announced.take(world.db, world.bus, "kuma", fake.announced[1:], START + 50)
    assert [one.ended_at for one in (await read.incidents(ADMIN)).items] == [START + 2000, START + 50]


async def test_only_the_leading_process_collects(world: World) -> None:
    fake, leads = FakeWatch(), [False, True]
    await fake.say(Item("Web", True))
    await world.host.add(world.db, "kuma", Watching(fake))
    async with world.running(leads=lambda: leads[0]) as one, world.running(leads=lambda: leads[1]) as two:

        async def listed() -> bool:
            return "Web" in await _states(one)

        await until(listed)
        assert fake.asked == 1
        leads[:] = [True, False]
        await two.collector.look()
        await one.collector.look()
        await fake.say(Item("Web", False))

        async def down() -> bool:
            return (await _states(two))["Web"] is State.DOWN

        await until(down)

        async def told() -> bool:
            return [item.told for item in world.of(ServiceTrouble)] == ["down"]

        await until(told)
        await world.bus.drain()
    assert [item.told for item in world.of(ServiceTrouble)] == ["down"]


@pytest.mark.full
async def test_what_another_process_stored_meanwhile_is_read_again(world: World) -> None:
    fake = FakeWatch()
    await fake.say(Item("Web", True))
    await world.host.add(world.db, "kuma", Watching(fake))
    async with world.running() as status:

        async def listed() -> bool:
            return "Web" in await _states(status)

        await until(listed)
        other = Recorder(world.db, world.bus, world.clock)
        await other.load()
        await other.observe(world.host.info("kuma"), [Item("Web", True), Item("Mail", True)])
        await fake.say(Item("Mail", False))

        async def healed() -> bool:
            await status.collector.look()
            return (await _states(status)).get("Mail") is State.DOWN

        await until(healed)
