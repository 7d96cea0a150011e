"""Writes that share a transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import event, func, select

from medianest_core.ledger.group import GroupCommit
from medianest_core.store.engine import Database, Tx
from medianest_core.store.tables.system import audit


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
