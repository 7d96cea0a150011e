"""The dispatcher's rounds, on a clock that the test moves."""

from __future__ import annotations

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
        self.dispatcher = Dispatcher(ledger, Schedules(ledger), self.send, self.renew)

    def send(self, job_id: str, name: str) -> None:
        self.sent.append(job_id)

    async def renew(self) -> None:
        await self.ledger.renew([(lease, None) for lease in self.held])

    async def put(self) -> str:
        async with self.ledger.db.begin() as tx:
            return await self.ledger.enqueue(tx, "core.test", Nothing())


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


async def test_messages_go_out_at_once_where_no_limit_is_in_the_way(ledger: Ledger) -> None:
    round = Round(ledger)
    ledger.declare(JobKind("core.test"))
    ledger.on_ready.append(round.dispatcher.ready)
    assert await round.put() in round.sent
    ledger.declare(JobKind("core.test", limit=1))
    assert await round.put() not in round.sent, "for a limited kind the next round looks for a free place"
