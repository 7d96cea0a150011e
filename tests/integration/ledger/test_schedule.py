"""Times at which jobs run by themselves."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medianest_core.base.clock import FakeClock
from medianest_core.ledger.enqueue import Ledger
from medianest_core.ledger.schedule import LOOK_EVERY, Schedules
from medianest_core.ledger.schedule_choices import ScheduleChoices, UnknownSchedule
from medianest_core.ledger.states import JobKind
from medianest_core.ledger.times import next_time
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.jobs import Schedule
from medianest_core.store.errors import Stale


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


async def queued(ledger: Ledger) -> int:
    async with ledger.db.read() as tx:
        return (await ledger.counts(tx))["queued"]


def test_cron_counts_the_days_of_the_week_from_sunday() -> None:
    assert next_time(Schedule(cron="0 4 * * 1"), at("2026-11-22T00:00:00")) == at("2026-11-23T04:00:00")


@pytest.mark.parametrize(
    ("cron", "day", "times"),
    [
        ("30 2 * * *", "2026-03-28T12:00:00", ["2026-03-29T01:00:00", "2026-03-30T00:30:00"]),
        ("30 2 * * *", "2026-10-24T12:00:00", ["2026-10-25T00:30:00", "2026-10-26T01:30:00"]),
        ("0 4 * * *", "2026-03-28T12:00:00", ["2026-03-29T02:00:00", "2026-03-30T02:00:00"]),
        ("0 * * * *", "2026-03-29T00:00:00", ["2026-03-29T01:00:00", "2026-03-29T02:00:00"]),
    ],
)
def test_when_clocks_change_nothing_is_left_out_and_nothing_comes_twice(
    cron: str, day: str, times: list[str]
) -> None:
    schedule, after, found = Schedule(cron=cron, timezone="Europe/Berlin"), at(day), []
    for _ in times:
        after = next_time(schedule, after)
        found.append(after)
    assert found == [at(text) for text in times]


def test_cron_is_in_utc() -> None:
    assert next_time(Schedule(cron="0 4 * * *"), at("2026-03-29T03:59:00")) == at("2026-03-29T04:00:00")
    assert next_time(Schedule(cron="0 4 * * *"), at("2026-03-29T04:00:00")) == at("2026-03-30T04:00:00")


@given(st.floats(min_value=1e9, max_value=3e9), st.sampled_from(["*/5 * * * *", "0 4 * * 1", "30 2 1 * *"]))
def test_the_next_time_is_always_later(after: float, cron: str) -> None:
    assert next_time(Schedule(cron=cron), after) > after


@pytest.mark.parametrize(
    "schedule",
    [
        Schedule(every=0),
        Schedule(every=-1),
        Schedule(cron="nonsense"),
        Schedule(cron="99 * * * *"),
        Schedule(cron="0 4 * * *", timezone="Nowhere/Atlantis"),
        Schedule(cron="0 4 * * *", timezone="../../etc/passwd"),
    ],
)
def test_schedules_that_make_no_sense_are_refused(schedule: Schedule) -> None:
    with pytest.raises(ValueError, match=r".+"):
        next_time(schedule, 0)


async def test_fires_when_due_and_once(ledger: Ledger, clock: FakeClock) -> None:
    ledger.declare(JobKind("core.test"))
    here, there = Schedules(ledger), Schedules(ledger)
    for schedules in (here, there):
        schedules.declare("core.test", Schedule(every=60), {})
        assert await schedules.tick() == 0
    clock.advance(60)
    assert [await here.tick(), await there.tick()] == [1, 0]
    assert await queued(ledger) == 1
    clock.advance(59)
    assert [await here.tick(), await there.tick()] == [0, 0]


async def test_what_was_missed_is_made_up_for_once(ledger: Ledger, clock: FakeClock) -> None:
    schedules = Schedules(ledger)
    schedules.declare("core.test", Schedule(every=60), {})
    await schedules.tick()
    clock.advance(3600)
    restarted = Schedules(ledger)
    restarted.declare("core.test", Schedule(every=60), {})
    assert await restarted.tick() == 1
    assert await restarted.tick() == 0


async def test_a_changed_schedule_counts_anew(ledger: Ledger, clock: FakeClock) -> None:
    schedules = Schedules(ledger)
    schedules.declare("core.test", Schedule(every=60), {})
    await schedules.tick()
    changed = Schedules(ledger)
    changed.declare("core.test", Schedule(every=3600), {})
    await changed.tick()
    clock.advance(61)
    assert await changed.tick() == 0


async def test_at_start(ledger: Ledger) -> None:
    schedules = Schedules(ledger)
    schedules.declare("core.test", Schedule(at_start=True), {})
    await schedules.start("core.test")
    await schedules.start("core.test")
    assert await schedules.tick() == 0
    assert await queued(ledger) == 1


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_clock_that_was_ahead_and_is_put_right_stops_nothing(
    ledger: Ledger, clock: FakeClock, restarted: bool
) -> None:
    schedules = Schedules(ledger)
    schedules.declare("core.test", Schedule(every=60), {})
    await schedules.tick()
    clock.advance(86_400)
    assert await schedules.tick() == 1
    clock.advance(-86_400)
    if restarted:
        schedules = Schedules(ledger)
        schedules.declare("core.test", Schedule(every=60), {})
    assert await schedules.tick() == 0
    clock.advance(60)
    assert await schedules.tick() == 1


class Processes:
    """Two processes of one portal; admins sit at the first."""

    def __init__(self, ledger: Ledger) -> None:
        ledger.declare(JobKind("core.test"))
        ledger.declare(JobKind("core.other"))
        self.here, self.there = Schedules(ledger), Schedules(ledger)
        for one in (self.here, self.there):
            one.declare("core.test", Schedule(every=60), {})
            one.declare("core.other", None, {"n": 1})
        self.admin = ScheduleChoices(self.here)

    async def tick(self) -> int:
        return await self.there.tick() + await self.here.tick()


@pytest.fixture
async def both(ledger: Ledger) -> Processes:
    processes = Processes(ledger)
    await processes.tick()
    return processes


async def test_a_paused_one_holds_still_everywhere_and_makes_up_for_nothing(
    both: Processes, clock: FakeClock
) -> None:
    await both.admin.pause("core.test", True, 0, "ann")
    shown = await both.admin.find("core.test")
    assert shown.paused_at == clock.now() and shown.next_at is None and shown.version == 1
    clock.advance(600)
    assert await both.tick() == 0
    clock.advance(600)
    assert await both.tick() == 0
    await both.admin.pause("core.test", False, 1, "ann")
    clock.advance(LOOK_EVERY)
    assert await both.tick() == 0
    clock.advance(60)
    assert await both.tick() == 1


async def test_a_pause_that_the_other_process_has_not_noticed_counts(
    both: Processes, clock: FakeClock
) -> None:
    clock.advance(60 - LOOK_EVERY / 2)
    await both.there.look()
    await both.admin.pause("core.test", True, 0, "ann")
    clock.advance(LOOK_EVERY / 2)
    assert await both.there.tick() == 0


async def test_other_times_are_kept_to_everywhere_once(both: Processes, clock: FakeClock) -> None:
    daily = Schedule(cron="0 4 * * *", timezone="Europe/Berlin")
    await both.admin.change("core.test", daily, 0, "ann")
    shown = await both.admin.find("core.test")
    assert (shown.schedule, shown.declared) == (daily, Schedule(every=60))
    assert shown.next_at == next_time(daily, clock.now())
    clock.advance(LOOK_EVERY)
    assert await both.tick() == 0
    clock.advance(shown.next_at - clock.now())
    assert await both.tick() == 1
    assert (await both.admin.find("core.test")).last_at == clock.now()
    await both.admin.change("core.test", None, 1, "ann")
    assert (await both.admin.find("core.test")).schedule == Schedule(every=60)


async def test_one_that_was_added_runs_its_job_until_it_is_removed(
    ledger: Ledger, both: Processes, clock: FakeClock
) -> None:
    assert both.admin.jobs() == ["core.other", "core.test"]
    name = await both.admin.add("core.other", Schedule(every=300), "ann")
    assert (await both.admin.find(name)).own
    clock.advance(LOOK_EVERY)
    await both.tick()
    await both.admin.pause("core.test", True, 0, "ann")
    clock.advance(300)
    assert await both.tick() == 1
    async with ledger.db.read() as tx:
        jobs = await ledger.list_jobs(tx, name="core.other")
    assert [job.args for job in jobs.items] == [{"n": 1}]
    await both.admin.remove(name, 1, "ann")
    clock.advance(600)
    assert await both.tick() == 0
    with pytest.raises(UnknownSchedule):
        await both.admin.find(name)


async def test_now_means_now_and_once(ledger: Ledger, both: Processes) -> None:
    assert await both.admin.run_now("core.test", "ann") == await both.admin.run_now("core.test", "bob")
    assert await queued(ledger) == 1


async def test_two_admins_do_not_overwrite_each_other(both: Processes) -> None:
    await both.admin.change("core.test", Schedule(every=120), 0, "ann")
    with pytest.raises(Stale) as stale:
        await both.admin.change("core.test", Schedule(every=180), 0, "bob")
    assert stale.value.current["every"] == 120
    await both.admin.change("core.test", Schedule(every=180), 1, "bob")


@pytest.mark.parametrize(
    ("schedule", "field"),
    [
        (Schedule(), "cron"),
        (Schedule(cron="0 4 * * *", every=60), "cron"),
        (Schedule(every=1), "every"),
        (Schedule(cron="0 4 31 2 *"), "cron"),
        (Schedule(cron="* * *"), "cron"),
        (Schedule(cron="* * * * * *"), "cron"),
        (Schedule(cron="0 4 * * *", timezone="Nowhere/Atlantis"), "timezone"),
    ],
)
async def test_times_that_make_no_sense_are_told_at_their_field(
    both: Processes, schedule: Schedule, field: str
) -> None:
    with pytest.raises(UserError) as wrong:
        await both.admin.add("core.test", schedule, "ann")
    assert wrong.value.field == field


async def test_what_belongs_to_a_job_is_not_removed(both: Processes) -> None:
    with pytest.raises(UserError):
        await both.admin.remove("core.test", 0, "ann")
    with pytest.raises(UnknownSchedule):
        await both.admin.add("core.nothing", Schedule(every=60), "ann")
