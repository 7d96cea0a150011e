"""Writes that share a transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from pydantic import BaseModel
from sqlalchemy import event, func, select

from medianest_core.ledger.enqueue import Ledger
from medianest_core.ledger.group import GroupCommit
from medianest_core.ledger.lease import Progress
from medianest_core.ledger.rounds import Ended, Wanted
from medianest_core.ledger.states import JobKind
from medianest_core.store.engine import Database, Tx
from medianest_core.store.tables.system import audit


class Args(BaseModel):
    n: int = 0


def writing(n: int, error: Exception | None = None) -> Callable[[Tx], Awaitable[int]]:
    async def operation(tx: Tx) -> int:
        await tx.execute(audit.insert().values(at=0, action="x", target=str(n), details={}))
        if error is not None:
            raise error
        return n

    return operation


async def count(db: Database) -> int:
    async with db.read() as tx:
        return int(await tx.scalar(select(func.count()).select_from(audit)))


async def test_many_share_few_commits(db: Database) -> None:
    group, commits = GroupCommit(db), 0

    def on_commit(connection: object) -> None:
        nonlocal commits
        commits += 1

    event.listen(db.engine.sync_engine, "commit", on_commit)
    results = await asyncio.gather(*(group.run(writing(n)) for n in range(100)))
    event.remove(db.engine.sync_engine, "commit", on_commit)
    assert results == list(range(100))
    assert await count(db) == 100
    assert commits <= 4


async def test_one_that_fails_fails_alone(db: Database) -> None:
    group = GroupCommit(db)
    error = RuntimeError("mine")
    results = await asyncio.gather(
        *(group.run(writing(n, error if n == 5 else None)) for n in range(10)),
        return_exceptions=True,
    )
    assert [n for n, result in enumerate(results) if isinstance(result, RuntimeError)] == [5]
    assert await count(db) == 9


async def test_a_result_is_given_only_when_it_is_durable(db: Database) -> None:
    group = GroupCommit(db)
    assert await group.run(writing(1)) == 1
    assert await count(db) == 1
    with pytest.raises(RuntimeError):
        await group.run(writing(2, RuntimeError()))
    assert await count(db) == 1


async def test_jobs_that_are_submitted_together(ledger: Ledger) -> None:
    told: list[str] = []
    ledger.on_ready.append(lambda job_id, name: told.append(job_id))
    ledger.declare(JobKind("core.once", unique_by=lambda args: "same"))
    plain = await asyncio.gather(*(ledger.submit("core.test", Args(n=n), owner=f"u{n}") for n in range(30)))
    once = await asyncio.gather(*(ledger.submit("core.once", Args(n=n)) for n in range(5)))
    later = await ledger.submit("core.test", Args(), delay=60)
    assert len(set(plain)) == 30 and len(set(once)) == 1
    assert set(told) == {*plain, *once}, "one that is due later is told later"
    async with ledger.db.read() as tx:
        found = {one.id: one for one in (await ledger.list_jobs(tx, limit=100)).items}
    assert set(found) == {*plain, *once, later}
    assert [found[one].owner for one in plain] == [f"u{n}" for n in range(30)]
    assert [found[one].args["n"] for one in plain] == list(range(30))


async def test_ending_and_taking_share_statements(ledger: Ledger) -> None:
    ledger.declare(JobKind("core.test"))
    ledger.declare(JobKind("core.other"))
    ids = [await ledger.submit("core.test", Args(n=n)) for n in range(6)]
    await ledger.submit("core.other", Args())
    wanted = Wanted(("core.test",), "w", 2)
    first = await asyncio.gather(*(ledger.take(wanted) for _ in range(2)))
    leases = [lease for several in first for lease in several]
    assert len({lease.id for lease in leases}) == 4, "nobody gets what another one got"
    results = await asyncio.gather(
        *(ledger.end_and_take(Ended(lease, {"n": lease.args["n"]}, None), wanted) for lease in leases[:3])
    )
    assert [kept for kept, _ in results] == [True] * 3
    assert sum(len(taken) for _, taken in results) == 2, "no more are left, and those of other kinds stay"
    assert not await ledger.end(Ended(leases[0], None, None)), "it has ended"
    assert await ledger.end(Ended(leases[3], None, Progress(3, 4, "nearly", {"a": 1})))
    async with ledger.db.read() as tx:
        jobs = [job for one in ids if (job := await ledger.get_job(tx, one)) is not None]
    assert sorted(job.state for job in jobs) == ["done"] * 4 + ["leased"] * 2
    (told,) = [job for job in jobs if job.id == leases[3].id]
    assert (told.done, told.total, told.message, told.facts) == (3, 4, "nearly", {"a": 1})
    assert [job.result for job in jobs if job.id == leases[0].id] == [{"n": leases[0].args["n"]}]


async def test_a_result_may_hold_what_postgresql_cannot_keep(ledger: Ledger) -> None:
    ledger.declare(JobKind("core.test"))
    job = await ledger.submit("core.test", Args(n=1))
    (lease,) = await ledger.take(Wanted(("core.test",), "w", 1))
    assert await ledger.end(Ended(lease, {"text": "a\0b"}, Progress(1, 1, "c\0d")))
    async with ledger.db.read() as tx:
        told = await ledger.get_job(tx, job)
    assert told is not None and told.state == "done"
    assert told.result["text"] in ("a\0b", "a\N{REPLACEMENT CHARACTER}b")
