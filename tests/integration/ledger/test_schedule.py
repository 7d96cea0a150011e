"""Times at which jobs run by themselves."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medianest_core.base.clock import FakeClock
from medianest_core.ledger.enqueue import Ledger
from medianest_core.ledger.schedule import Schedules, next_time
from medianest_core.ledger.states import JobKind
from medianest_core.sdk.jobs import Schedule


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


async def queued(ledger: Ledger) -> int:
    async with ledger.db.read() as tx:
        return (await ledger.counts(tx))["queued"]


def test_cron_is_in_utc() -> None:
    assert next_time(Schedule(cron="0 4 * * *"), at("2026-03-29T03:59:00")) == at("2026-03-29T04:00:00")
    assert next_time(Schedule(cron="0 4 * * *"), at("2026-03-29T04:00:00")) == at("2026-03-30T04:00:00")


@given(st.floats(min_value=1e9, max_value=3e9), st.sampled_from(["*/5 * * * *", "0 4 * * 1", "30 2 1 * *"]))
def test_the_next_time_is_always_later(after: float, cron: str) -> None:
    assert next_time(Schedule(cron=cron), after) > after


@pytest.mark.parametrize(
    "schedule",
    [Schedule(every=0), Schedule(every=-1), Schedule(cron="nonsense"), Schedule(cron="99 * * * *")],
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
