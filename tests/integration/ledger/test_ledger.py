"""The life of a job's row, step by step, on a clock that the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from pydantic import BaseModel
from sqlalchemy import select

from medianest_core.base.clock import FakeClock
from medianest_core.bus.events import JobChanged
from medianest_core.bus.outbox import EventBus
from medianest_core.ledger.enqueue import Ledger
from medianest_core.ledger.lease import Lease, LeaseLost, Progress
from medianest_core.ledger.states import JobInfo, JobKind, JobState
from medianest_core.sdk.jobs import Retry
from medianest_core.store.tables.system import audit


class Args(BaseModel):
    key: str = "a"


async def put(ledger: Ledger, name: str = "core.test", key: str = "a", **options: Any) -> str:
    async with ledger.db.begin() as tx:
        return await ledger.enqueue(tx, name, Args(key=key), **options)


async def take(ledger: Ledger, job_id: str, name: str = "core.test", **options: Any) -> Lease:
    lease = await ledger.claim(job_id, name, "worker", **options)
    assert lease is not None
    return lease


async def finish(ledger: Ledger, lease: Lease, result: Any = None) -> bool:
    async with ledger.db.begin() as tx:
        return await ledger.finish(tx, lease, result)


async def fail(ledger: Ledger, lease: Lease, retry_in: float | None = 1.0) -> bool:
    async with ledger.db.begin() as tx:
        return await ledger.fail(tx, lease, "broken", retry_in=retry_in)


async def look(ledger: Ledger, job_id: str) -> JobInfo:
    async with ledger.db.read() as tx:
        info = await ledger.get_job(tx, job_id)
    assert info is not None
    return info


async def state(ledger: Ledger, job_id: str) -> str:
    return (await look(ledger, job_id)).state.value


async def test_from_enqueue_to_done(ledger: Ledger, clock: FakeClock) -> None:
    ledger.declare(JobKind("core.test", title="A test", queue="fast", retry=Retry(attempts=4)))
    job_id = await put(ledger, owner="u1", correlation_id="corr")
    info = await look(ledger, job_id)
    assert (info.state, info.title, info.queue, info.max_attempts) == (JobState.QUEUED, "A test", "fast", 4)
    lease = await take(ledger, job_id)
    assert (lease.attempt, lease.args, lease.owner, lease.correlation_id) == (1, {"key": "a"}, "u1", "corr")
    clock.advance(3)
    async with ledger.db.begin() as tx:
        assert await ledger.finish(tx, lease, {"n": 1}, Progress(5, 10, "half", {"files": 2}))
    info = await look(ledger, job_id)
    assert (info.state, info.result, info.done, info.percent, info.facts) == (
        "done",
        {"n": 1},
        5,
        50.0,
        {"files": 2},
    )
    assert info.finished_at == clock.now()


async def test_a_job_belongs_to_the_asking_transaction(ledger: Ledger) -> None:
    told: list[str] = []
    ledger.on_ready.append(lambda job_id, name: told.append(job_id))
    with pytest.raises(RuntimeError):
        async with ledger.db.begin() as tx:
            await ledger.enqueue(tx, "core.test", Args())
            raise RuntimeError("the request failed")
    async with ledger.db.read() as tx:
        assert (await ledger.counts(tx))["queued"] == 0
    assert told == []
    job_id = await put(ledger)
    assert told == [job_id]


async def test_only_one_claim_wins(ledger: Ledger) -> None:
    job_id = await put(ledger)
    leases = await asyncio.gather(*(ledger.claim(job_id, "core.test", f"w{n}") for n in range(12)))
    assert sum(lease is not None for lease in leases) == 1


async def test_a_job_waits_for_its_time(ledger: Ledger, clock: FakeClock) -> None:
    ledger.declare(JobKind("core.test"))
    job_id = await put(ledger, delay=10)
    assert await ledger.claim(job_id, "core.test", "w") is None
    assert await ledger.due() == []
    clock.advance(10)
    assert [item.id for item in await ledger.due()] == [job_id]
    assert await ledger.due() == [], "it is not named twice at once"
    clock.advance(5)
    assert [item.id for item in await ledger.due()] == [job_id], "a message may get lost"
    await take(ledger, job_id)
    clock.advance(5)
    assert await ledger.due() == []


async def test_jobs_of_unknown_kinds_wait(ledger: Ledger, clock: FakeClock) -> None:
    job_id = await put(ledger, "gone.job")
    clock.advance(60)
    assert await ledger.due() == []
    ledger.declare(JobKind("gone.job"))
    assert [item.id for item in await ledger.due()] == [job_id]


async def test_a_failure_is_tried_again_later_and_then_final(ledger: Ledger, clock: FakeClock) -> None:
    job_id = await put(ledger, max_attempts=2)
    assert await fail(ledger, await take(ledger, job_id), retry_in=30)
    info = await look(ledger, job_id)
    assert (info.state, info.error, info.due_at) == ("queued", "broken", clock.now() + 30)
    assert await ledger.claim(job_id, "core.test", "w") is None
    clock.advance(30)
    assert await fail(ledger, await take(ledger, job_id), retry_in=30)
    assert await state(ledger, job_id) == "failed"


async def test_a_hopeless_failure_is_final_at_once(ledger: Ledger) -> None:
    job_id = await put(ledger)
    assert await fail(ledger, await take(ledger, job_id), retry_in=None)
    assert await state(ledger, job_id) == "failed"


async def test_what_is_handed_back_is_not_charged(ledger: Ledger) -> None:
    job_id = await put(ledger)
    for _ in range(5):
        lease = await take(ledger, job_id)
        assert lease.attempt == 1
        async with ledger.db.begin() as tx:
            assert await ledger.hand_back(tx, lease)
        assert not await finish(ledger, lease), "the handed back lease is no longer good"


async def test_retry_later_waits_with_its_reason(ledger: Ledger, clock: FakeClock) -> None:
    job_id = await put(ledger)
    lease = await take(ledger, job_id)
    async with ledger.db.begin() as tx:
        await ledger.hand_back(tx, lease, delay=60, reason="The disk is full.")
    info = await look(ledger, job_id)
    assert (info.state, info.reason, info.due_at, info.attempt) == (
        "queued",
        "The disk is full.",
        clock.now() + 60,
        0,
    )


async def test_a_lost_lease_is_taken_back_and_its_zombie_refused(ledger: Ledger, clock: FakeClock) -> None:
    job_id = await put(ledger)
    zombie = await take(ledger, job_id)
    clock.advance(ledger.lease_seconds - 1)
    assert await ledger.recover() == 0
    clock.advance(2)
    assert await ledger.recover() == 1
    info = await look(ledger, job_id)
    assert (info.state, info.crashes, info.attempt) == ("queued", 1, 1)
    for what in (finish(ledger, zombie), fail(ledger, zombie)):
        assert await what is False
    with pytest.raises(LeaseLost):
        async with ledger.guarded(zombie):
            pass
    assert await ledger.renew([(zombie, None)]) == {}
    heir = await take(ledger, job_id)
    assert heir.attempt == 2
    assert await finish(ledger, heir)
    assert await finish(ledger, zombie) is False


async def test_effects_of_a_zombie_are_rolled_back(ledger: Ledger, clock: FakeClock) -> None:
    job_id = await put(ledger)
    zombie = await take(ledger, job_id)
    async with ledger.guarded(zombie) as tx:
        await tx.execute(audit.insert().values(at=0, action="x", target="kept", details={}))
    clock.advance(60)
    await ledger.recover()
    with pytest.raises(LeaseLost):
        async with ledger.guarded(zombie) as tx:
            await tx.execute(audit.insert().values(at=0, action="x", target="lost", details={}))
    async with ledger.db.read() as tx:
        assert [row["target"] for row in await tx.all(select(audit))] == ["kept"]


async def test_renewing_keeps_the_lease_and_stores_progress(ledger: Ledger, clock: FakeClock) -> None:
    job_id = await put(ledger)
    lease = await take(ledger, job_id)
    for _ in range(5):
        clock.advance(ledger.lease_seconds - 1)
        assert await ledger.renew([(lease, Progress(3, 4, "going"))]) == {job_id: False}
        assert await ledger.recover() == 0
    info = await look(ledger, job_id)
    assert (info.done, info.total, info.message) == (3, 4, "going")


async def test_a_job_that_kills_its_process_stops_after_three(ledger: Ledger, clock: FakeClock) -> None:
    job_id = await put(ledger, max_attempts=10)
    for _ in range(3):
        await take(ledger, job_id)
        clock.advance(60)
        assert await ledger.recover() == 1
    info = await look(ledger, job_id)
    assert info.state == "failed"
    assert info.error is not None and "3 times" in info.error


async def test_crashes_do_not_use_up_attempts(ledger: Ledger, clock: FakeClock) -> None:
    job_id = await put(ledger, max_attempts=2)
    for _ in range(2):
        await take(ledger, job_id)
        clock.advance(60)
        await ledger.recover()
    lease = await take(ledger, job_id)
    assert not lease.last
    await fail(ledger, lease, retry_in=0)
    lease = await take(ledger, job_id)
    assert lease.last
    await fail(ledger, lease, retry_in=0)
    assert await state(ledger, job_id) == "failed"


async def test_suspects_can_be_left_out(ledger: Ledger, clock: FakeClock) -> None:
    job_id = await put(ledger)
    await take(ledger, job_id)
    clock.advance(60)
    await ledger.recover()
    assert await ledger.claim(job_id, "core.test", "w", suspects=False) is None
    await take(ledger, job_id, suspects=True)


async def test_jobs_of_a_dead_process_need_not_wait(ledger: Ledger) -> None:
    job_id = await put(ledger)
    await take(ledger, job_id)
    assert await ledger.leasing_workers() == {"worker"}
    assert await ledger.recover_workers({"somebody else"}) == 0
    assert await ledger.recover_workers({"worker"}) == 1
    assert await state(ledger, job_id) == "queued"


async def test_the_same_text_is_one_job_while_queued(ledger: Ledger, clock: FakeClock) -> None:
    ledger.declare(JobKind("core.test", unique_by=lambda args: args.key))
    first = await put(ledger, delay=60)
    assert await put(ledger, key="b") != first
    assert await put(ledger, delay=90) == first
    assert (await look(ledger, first)).due_at == clock.now() + 60
    assert await put(ledger) == first, "an earlier wish brings it forward"
    lease = await take(ledger, first)
    follow_up = await put(ledger)
    assert follow_up != first, "what is running may have looked already"
    async with ledger.db.begin() as tx:
        assert await ledger.hand_back(tx, lease), "going back beside the follow-up must not collide"
    assert await put(ledger) == follow_up


async def test_unique_jobs_asked_for_at_once(ledger: Ledger) -> None:
    found = await asyncio.gather(*(put(ledger, unique="one") for _ in range(20)))
    assert len(set(found)) == 1


async def test_a_limit_holds(ledger: Ledger) -> None:
    ledger.declare(JobKind("core.test", limit=2))
    ids = [await put(ledger) for _ in range(5)]
    assert len(await ledger.due()) == 2, "no more are sent than can run"
    leases = [
        lease for lease in await asyncio.gather(*(ledger.claim(i, "core.test", "w") for i in ids)) if lease
    ]
    assert len(leases) == 2
    told: list[str] = []
    ledger.on_ready.append(lambda job_id, name: told.append(name))
    await finish(ledger, leases[0])
    assert told == ["core.test"], "a free place is announced"
    assert len(await ledger.due()) == 1


async def family(ledger: Ledger, count: int = 2) -> tuple[str, Sequence[str]]:
    parent = await put(ledger)
    lease = await take(ledger, parent)
    children = [await put(ledger, parent=parent) for _ in range(count)]
    assert await finish(ledger, lease, "listed")
    return parent, children


async def test_a_parent_is_done_when_its_children_are(ledger: Ledger) -> None:
    parent, children = await family(ledger)
    assert await state(ledger, parent) == "waiting"
    for child in children:
        assert await state(ledger, parent) == "waiting"
        await finish(ledger, await take(ledger, child))
    info = await look(ledger, parent)
    assert (info.state, info.result) == ("done", "listed")


async def test_grandchildren_hold_up_everyone_above(ledger: Ledger) -> None:
    parent, (child,) = await family(ledger, 1)
    lease = await take(ledger, child)
    grandchild = await put(ledger, parent=child)
    await finish(ledger, lease)
    assert await state(ledger, child) == "waiting"
    await finish(ledger, await take(ledger, grandchild))
    assert [await state(ledger, job) for job in (child, parent)] == ["done", "done"]


async def test_a_failed_part_fails_the_whole_and_only_it_is_run_again(ledger: Ledger) -> None:
    parent, (good, bad) = await family(ledger)
    await fail(ledger, await take(ledger, bad), retry_in=None)
    assert await state(ledger, parent) == "waiting"
    await finish(ledger, await take(ledger, good))
    info = await look(ledger, parent)
    assert (info.state, info.error) == ("failed", "Not all of its parts succeeded.")
    async with ledger.db.begin() as tx:
        assert await ledger.retry(tx, parent)
    assert [await state(ledger, job) for job in (parent, good, bad)] == ["waiting", "done", "queued"]
    await finish(ledger, await take(ledger, bad))
    assert await state(ledger, parent) == "done"


async def test_retrying_a_child_reopens_its_parent(ledger: Ledger) -> None:
    parent, (child,) = await family(ledger, 1)
    await fail(ledger, await take(ledger, child), retry_in=None)
    async with ledger.db.begin() as tx:
        assert await ledger.retry(tx, child, actor="admin")
    assert [await state(ledger, job) for job in (parent, child)] == ["waiting", "queued"]
    async with ledger.db.read() as tx:
        assert [row["action"] for row in await tx.all(select(audit))] == ["jobs.retried"]


async def test_cancelling_reaches_children(ledger: Ledger) -> None:
    told: list[str] = []
    ledger.on_cancel.append(told.append)
    parent, (queued, running) = await family(ledger)
    lease = await take(ledger, running)
    async with ledger.db.begin() as tx:
        assert await ledger.cancel(tx, parent, "admin")
    assert [await state(ledger, job) for job in (parent, queued, running)] == [
        "cancelled",
        "cancelled",
        "leased",
    ]
    assert told == [running]
    assert await ledger.renew([(lease, None)]) == {running: True}, "its worker learns it also by renewing"
    async with ledger.db.begin() as tx:
        assert await ledger.finish_cancelled(tx, lease)
    assert await state(ledger, running) == "cancelled"
    async with ledger.db.begin() as tx:
        assert not await ledger.cancel(tx, parent)
        assert not await ledger.cancel(tx, "unknown")


@pytest.mark.parametrize("how", ["handed back", "failed"])
async def test_a_job_that_is_cancelled_while_it_ends_is_not_run_again(ledger: Ledger, how: str) -> None:
    job_id = await put(ledger)
    lease = await ledger.claim(job_id, "core.test", "w")
    assert lease is not None
    async with ledger.db.begin() as tx:
        assert await ledger.cancel(tx, job_id, "admin")
    async with ledger.db.begin() as tx:
        if how == "failed":
            assert await ledger.fail(tx, lease, "It is away.", retry_in=1.0)
        else:
            assert await ledger.hand_back(tx, lease, delay=1.0, reason="Later.")
    assert await state(ledger, job_id) == "cancelled"
    async with ledger.db.begin() as tx:
        assert not await ledger.hand_back(tx, lease), "nobody holds it any more"


async def test_a_cancelled_job_of_a_dead_worker_is_not_run_again(ledger: Ledger, clock: FakeClock) -> None:
    job_id = await put(ledger)
    await take(ledger, job_id)
    async with ledger.db.begin() as tx:
        await ledger.cancel(tx, job_id)
    clock.advance(60)
    await ledger.recover()
    assert await state(ledger, job_id) == "cancelled"


async def test_a_retried_job_starts_afresh(ledger: Ledger) -> None:
    job_id = await put(ledger, max_attempts=1)
    await fail(ledger, await take(ledger, job_id))
    async with ledger.db.begin() as tx:
        assert await ledger.retry(tx, job_id)
        assert not await ledger.retry(tx, job_id)
    lease = await take(ledger, job_id)
    assert (lease.attempt, lease.crashes) == (1, 0)


async def test_pages_of_jobs(ledger: Ledger, clock: FakeClock) -> None:
    ids = []
    for number in range(7):
        ids.append(await put(ledger, owner="u1" if number % 2 else "u2"))
        clock.advance(number % 2)
    seen: list[str] = []
    cursor = None
    async with ledger.db.read() as tx:
        while True:
            page = await ledger.list_jobs(tx, cursor=cursor, limit=3)
            seen += [item.id for item in page.items]
            if (cursor := page.next_cursor) is None:
                break
        assert sorted(seen) == sorted(ids) and len(seen) == 7
        mine = await ledger.list_jobs(tx, owner="u1", states=["queued"])
        assert {item.id for item in mine.items} == set(ids[1::2])
        assert not (await ledger.list_jobs(tx, states=["done"])).items


async def test_old_jobs_are_forgotten_children_with_their_parents(ledger: Ledger, clock: FakeClock) -> None:
    _, (child,) = await family(ledger, 1)
    await finish(ledger, await take(ledger, child))
    failed = await put(ledger)
    await fail(ledger, await take(ledger, failed), retry_in=None)
    queued = await put(ledger)
    clock.advance(100)
    now = clock.now()
    assert await ledger.prune(done_before=now, failed_before=now - 200) == 1
    assert await ledger.prune(done_before=now, failed_before=now - 200) == 1
    async with ledger.db.read() as tx:
        assert {item.id for item in (await ledger.list_jobs(tx)).items} == {failed, queued}


async def test_what_happens_is_told_to_owner_and_admins(ledger: Ledger, bus: EventBus) -> None:
    heard: list[JobChanged] = []

    async def hear(event: JobChanged) -> None:
        heard.append(event)

    bus.subscribe(JobChanged, hear)
    job_id = await put(ledger, owner="u1")
    await finish(ledger, await take(ledger, job_id))
    await bus.drain()
    assert {(event.job_id, event.state) for event in heard} == {(job_id, "done")}
    events, complete = await bus.since(["admins"], 0)
    assert complete and [event.data["state"] for event in events] == ["done"]
    events, _ = await bus.since(["owner:u1"], 0)
    assert len(events) == 1
