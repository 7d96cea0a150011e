"""Rows that are inserted at the end of a transaction, in one go where there is nothing else in it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from medianest_core.store.engine import Database
from medianest_core.store.errors import DatabaseAway
from medianest_core.store.migrate import upgrade
from medianest_core.store.tables.system import audit
from medianest_core.store.written import Insertion, Worded
from tests.databases import database_url

ROW = Insertion(audit, ("id", "at", "action", "target", "details"))


def row(number: int, **values: Any) -> dict[str, Any]:
    return {"id": number, "at": 0.0, "action": "a", "target": str(number), "details": {"n": number}} | values


@pytest.fixture
async def db(tmp_path: Path, backend: str) -> AsyncIterator[Database]:
    database = Database(database_url(tmp_path))
    await database.start()
    await upgrade(database)
    yield database
    await database.close()


async def targets(db: Database) -> list[str]:
    async with db.read(one_moment=False) as tx:
        return [found["target"] for found in await tx.all(select(audit.c.target).order_by(audit.c.id))]


async def test_rows_are_there_when_the_transaction_has_ended(db: Database) -> None:
    told: list[list[str]] = []

    async def tell() -> None:
        told.append(await targets(db))

    async with db.begin() as tx:
        tx.after_commit(tell)
        tx.insert_later(ROW, [row(1)])
        assert not tx.begun
    async with db.begin() as tx:
        tx.insert_later(ROW, [row(2)])
        tx.insert_later(ROW, [row(3), row(4)])
    assert told == [["1"]]
    assert await targets(db) == ["1", "2", "3", "4"]
    assert db.written["audit"] == 2


async def test_an_exception_leaves_nothing(db: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        async with db.begin() as tx:
            tx.insert_later(ROW, [row(1)])
            raise ZeroDivisionError
    assert await targets(db) == []


async def test_the_next_statement_sees_them(db: Database) -> None:
    async with db.begin() as tx:
        tx.insert_later(ROW, [row(1)])
        await tx.execute(update(audit).values(target="seen"))
        tx.insert_later(ROW, [row(2)])
    assert await targets(db) == ["seen", "2"]


async def test_each_of_many_stands_for_itself(db: Database) -> None:
    async def one(number: int) -> None:
        async with db.begin() as tx:
            tx.insert_later(ROW, [row(number // 2)])

    ends = await asyncio.gather(*(one(number) for number in range(40)), return_exceptions=True)
    assert sum(isinstance(end, IntegrityError) for end in ends) == 20
    assert sum(end is None for end in ends) == 20
    assert await targets(db) == [str(number) for number in range(20)]


async def test_rows_of_one_transaction_come_together_or_not_at_all(db: Database) -> None:
    with pytest.raises(IntegrityError):
        async with db.begin() as tx:
            tx.insert_later(ROW, [row(1), row(2), row(1)])
    assert await targets(db) == []


async def test_what_is_stored_reads_as_what_sqlalchemy_stores(db: Database) -> None:
    told = {"text": 'a "quoted" \N{SNOWMAN}', "none": None, "list": [1, 2.5]}
    async with db.begin() as tx:
        tx.insert_later(ROW, [row(1, details=told, target="\N{SNOWMAN}")])
    async with db.read() as tx:
        found = await tx.one(select(audit))
    assert (found["details"], found["target"], found["actor"]) == (told, "\N{SNOWMAN}", None)


async def test_what_postgresql_cannot_keep_is_replaced(db: Database) -> None:
    async with db.begin() as tx:
        tx.insert_later(ROW, [row(1, details={"a": "b\0c"}, target="b\0c")])
    kept = "b\0c" if db.dialect == "sqlite" else "b\N{REPLACEMENT CHARACTER}c"
    async with db.read() as tx:
        found = await tx.one(select(audit))
    assert (found["details"], found["target"]) == ({"a": kept}, kept)


async def test_who_is_cancelled_while_it_waits_writes_nothing_by_halves(db: Database) -> None:
    async def one() -> None:
        async with db.begin() as tx:
            tx.insert_later(ROW, [row(1), row(2)])

    task = asyncio.create_task(one())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})
    async with db.begin() as tx:
        tx.insert_later(ROW, [row(3)])
    assert await targets(db) in (["3"], ["1", "2", "3"])


async def test_without_a_connection_everybody_who_waits_is_told(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse() -> AsyncConnection:
        raise DatabaseAway("no way there")

    async def one(number: int) -> None:
        async with db.begin() as tx:
            tx.insert_later(ROW, [row(number)])

    with monkeypatch.context() as broken:
        broken.setattr(db, "_take", refuse)
        ends = await asyncio.gather(*(one(number) for number in range(20)), return_exceptions=True)
    assert all(isinstance(end, DatabaseAway) for end in ends)
    await one(1)
    assert await targets(db) == ["1"]


ADD = Worded(
    "INSERT INTO audit (id, at, action, target, details, correlation_id) VALUES ({0}, 0, 'a', {1}, '{{}}', '') RETURNING id, target",
    parameters=2,
)


async def test_statements_in_the_drivers_words_belong_to_the_transaction(db: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        async with db.begin() as tx:
            await tx.ask(ADD, (1, "one"))
            raise ZeroDivisionError
    async with db.begin() as tx:
        tx.insert_later(ROW, [row(1)])
        found = [tuple(one) for one in await tx.ask(ADD, (2, "two"))]
        found += [tuple(one) for one in await tx.ask(ADD, (3, "three\0"))]
        await tx.execute(update(audit).where(audit.c.id == 1).values(target="seen"))
    kept = "three\0" if db.dialect == "sqlite" else "three\N{REPLACEMENT CHARACTER}"
    assert found == [(2, "two"), (3, kept)]
    assert await targets(db) == ["seen", "two", kept]


async def test_what_the_database_refuses_is_told_as_ever(db: Database) -> None:
    for before in ([], [2]):
        with pytest.raises(DBAPIError):
            async with db.begin() as tx:
                for number in (*before, 1, 1):
                    await tx.ask(ADD, (number, "x"))
    assert await targets(db) == []
