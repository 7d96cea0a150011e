"""The dispatcher's rounds, on a clock that the test moves."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

from medianest_core.base.clock import FakeClock
from medianest_core.jobs.dispatch import Dispatcher
from medianest_core.ledger.enqueue import Ledger
from medianest_core.ledger.lease import Lease
from medianest_core.ledger.schedule import Schedules
from medianest_core.ledger.states import JobKind


class Nothing(BaseModel):
    """No arguments."""


class Round:
    """A dispatcher whose messages and renewals are noted."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.sent: list[str] = []
        self.held: list[Lease] = []
        self.delivers = True
        # Time that passes between two rounds would count as a jump of the clock, which is put forward by hand.
        self.dispatcher = Dispatcher(ledger, Schedules(ledger), self, self.renew, timer=lambda: 1000.0)

    def send(self, job_id: str, name: str, suspect: bool = False) -> None:
        self.sent.append(job_id)

    async def renew(self) -> None:
        await self.ledger.renew([(lease, None) for lease in self.held])

    async def put(self, delay: float = 0.0) -> str:
        async with self.ledger.db.begin() as tx:
            return await self.ledger.enqueue(tx, "core.test", Nothing(), delay=delay)


async def test_what_nobody_heard_of_is_sent_again(ledger: Ledger, clock: FakeClock) -> None:
    round = Round(ledger)
    ledger.declare(JobKind("core.test"))
    job_id = await round.put()
    for _ in range(3):
        clock.advance(0.5)
        await round.dispatcher.tick()
    assert round.sent == []
    for _ in range(11):
        clock.advance(1)
        await round.dispatcher.tick()
    assert round.sent == [job_id, job_id]


async def test_a_clock_that_jumps_takes_no_job_from_the_living(ledger: Ledger, clock: FakeClock) -> None:
    round = Round(ledger)
    ledger.declare(JobKind("core.test"))
    living, dead = await round.put(), await round.put()
    leases = [await ledger.claim(job_id, "core.test", "w") for job_id in (living, dead)]
    assert leases[0] is not None and leases[1] is not None
    round.held = [leases[0]]
    clock.advance(3600)
    await round.dispatcher.tick()
    async with ledger.db.read() as tx:
        counts = await ledger.counts(tx)
    assert counts["leased"] == 2, "by the new time both leases have ended, and one of them is renewed first"
    await round.dispatcher.tick()
    async with ledger.db.read() as tx:
        jobs = {job_id: await ledger.get_job(tx, job_id) for job_id in (living, dead)}
    assert {job_id: job.state for job_id, job in jobs.items() if job} == {living: "leased", dead: "queued"}


@pytest.mark.parametrize("restarted", [False, True])
async def test_what_was_planned_while_the_clock_was_ahead_comes_when_it_would_have(
    ledger: Ledger, clock: FakeClock, restarted: bool
) -> None:
    round = Round(ledger)
    ledger.declare(JobKind("core.test"))
    before = await round.put(delay=7200)
    await round.dispatcher.tick()
    clock.advance(86_400)
    await round.dispatcher.tick()
    later, at_once = await round.put(delay=600), await round.put()
    again, killed = await round.put(), await round.put()
    lease, lost = [await ledger.claim(job_id, "core.test", "w") for job_id in (again, killed)]
    assert lease is not None and lost is not None
    async with ledger.db.begin() as tx:
        await ledger.hand_back(tx, lease, delay=300, reason="It is away.")
    clock.advance(-86_400)
    if restarted:
        round = Round(ledger)
    await round.dispatcher.tick()
    now = clock.now()
    async with ledger.db.read() as tx:
        found = [await ledger.get_job(tx, one) for one in (before, later, at_once, again)]
    due = {job.id: job.due_at - now for job in found if job is not None}
    assert due == {
        one: pytest.approx(wait, abs=60)
        for one, wait in {before: 7200, later: 600, at_once: 0, again: 300}.items()
    }
    clock.advance(20)
    for _ in range(2):
        await round.dispatcher.tick()
    assert {at_once, killed} <= set(round.sent) and not {before, later, again} & set(round.sent)
    clock.advance(300)
    for _ in range(2):
        await round.dispatcher.tick()
    assert again in round.sent and later not in round.sent


async def test_messages_go_out_at_once_where_no_limit_is_in_the_way(ledger: Ledger) -> None:
    round = Round(ledger)
    ledger.declare(JobKind("core.test"))
    ledger.on_ready.append(round.dispatcher.ready)
    assert await round.put() in round.sent
    ledger.declare(JobKind("core.test", limit=1))
    assert await round.put() not in round.sent, "for a limited kind the next round looks for a free place"
