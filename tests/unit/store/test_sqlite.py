"""One turn of the thread for each statement, with everything that SQLAlchemy reads of a cursor."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from medianest_core.base.settings import AppSettings
from medianest_core.checkup import stores
from medianest_core.store.engine import Database
from medianest_core.store.sqlite import OneTurnConnection, connecting


@pytest.fixture
async def connection(tmp_path: Path) -> AsyncIterator[OneTurnConnection]:
    made = await connecting(str(tmp_path / "test.db"))()
    yield made
    await made.close()


async def test_a_cursor_tells_what_happened(connection: OneTurnConnection) -> None:
    cursor = await connection.cursor()
    await cursor.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)")
    await cursor.execute("INSERT INTO t (name) VALUES (?)", ("a",))
    assert (cursor.lastrowid, cursor.rowcount, cursor.description) == (1, 1, None)
    await cursor.executemany("INSERT INTO t (name) VALUES (?)", [("b",), ("c",)])
    assert cursor.rowcount == 2
    await cursor.execute("SELECT id, name FROM t ORDER BY id")
    assert [column[0] for column in cursor.description or ()] == ["id", "name"]
    assert await cursor.fetchall() == [(1, "a"), (2, "b"), (3, "c")]
    assert await cursor.fetchall() == []
    with pytest.raises(sqlite3.OperationalError):
        await cursor.execute("SELECT * FROM nothing")


async def test_a_statement_is_one_turn(
    connection: OneTurnConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = 0
    execute = OneTurnConnection._execute

    async def counted(self: OneTurnConnection, *given: Any) -> Any:
        nonlocal turns
        turns += 1
        return await execute(self, *given)  # type: ignore[no-untyped-call]  # aiosqlite's own

    monkeypatch.setattr(OneTurnConnection, "_execute", counted)
    cursor = await connection.cursor()
    await cursor.execute("SELECT 1")
    await cursor.fetchall()
    await cursor.close()
    assert turns == 1


async def test_errors_and_returned_rows_come_through_the_engine(tmp_path: Path) -> None:
    db = Database(f"sqlite+aiosqlite:///{tmp_path / 'engine.db'}")
    await db.start()
    try:
        async with db.begin() as tx:
            await tx.execute(text("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT UNIQUE)"))
            returned = await tx.execute(text("INSERT INTO t (name) VALUES ('a') RETURNING id"))
            assert returned.scalar_one() == 1
        with pytest.raises(IntegrityError):
            async with db.begin() as tx:
                await tx.execute(text("INSERT INTO t (name) VALUES ('a')"))
        async with db.read() as tx:
            assert await tx.scalar(text("SELECT count(*) FROM t")) == 1
    finally:
        await db.close()


async def test_a_cancelled_statement_leaves_the_database_usable(tmp_path: Path) -> None:
    db = Database(f"sqlite+aiosqlite:///{tmp_path / 'engine.db'}")
    await db.start()
    slow = text(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000000) SELECT max(i) FROM n"
    )

    halfway = asyncio.Event()

    async def work() -> None:
        async with db.begin() as tx:
            await tx.execute(text("CREATE TABLE half (id INTEGER)"))
            halfway.set()
            await tx.execute(slow)

    try:
        task = asyncio.ensure_future(work())
        await halfway.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with db.begin() as tx:
            found = await tx.scalar(text("SELECT count(*) FROM sqlite_master WHERE name = 'half'"))
        assert found == 0
    finally:
        await db.close()


async def test_a_transaction_costs_no_turn_of_its_own_to_begin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = Database(f"sqlite+aiosqlite:///{tmp_path / 'engine.db'}")
    await db.start()
    turns = 0
    execute = OneTurnConnection._execute

    async def counted(self: OneTurnConnection, *given: Any) -> Any:
        nonlocal turns
        turns += 1
        return await execute(self, *given)  # type: ignore[no-untyped-call]  # aiosqlite's own

    try:
        async with db.begin() as tx:
            await tx.execute(text("CREATE TABLE t (id INTEGER)"))
        monkeypatch.setattr(OneTurnConnection, "_execute", counted)
        async with db.begin() as tx:
            await tx.execute(text("INSERT INTO t VALUES (1)"))
        assert turns == 2
        async with db.begin():
            pass
        assert turns == 2
        async with db.read() as tx:
            assert await tx.scalar(text("SELECT count(*) FROM t")) == 1
        assert turns == 4
    finally:
        await db.close()


async def test_what_was_given_up_before_its_turn_leaves_no_transaction_behind(
    connection: OneTurnConnection,
) -> None:
    cursor = await connection.cursor()
    await cursor.execute("CREATE TABLE t (id INTEGER)")
    go = threading.Event()
    busy = asyncio.ensure_future(connection._execute(go.wait))  # type: ignore[no-untyped-call]  # aiosqlite's own
    connection.begin("BEGIN IMMEDIATE")
    given_up = asyncio.ensure_future(cursor.execute("INSERT INTO t VALUES (1)"))
    await asyncio.sleep(0)
    given_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given_up
    rolled_back = asyncio.ensure_future(connection.rollback())
    await asyncio.sleep(0)
    go.set()
    await asyncio.gather(busy, rolled_back)
    assert not connection.in_transaction
    await cursor.execute("SELECT count(*) FROM t")
    assert await cursor.fetchall() == [(0,)]


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, str]:
    return {path.name: oct(path.stat().st_mode & 0o777) for path in folder.iterdir() if path.is_file()}


PRIVATE = dict.fromkeys(("medianest.db", "medianest.db-wal", "medianest.db-shm"), "0o600")


@pytest.mark.parametrize("first", ["begin", "glance"])
@pytest.mark.usefixtures("open_umask")
async def test_nobody_else_may_read_the_file(tmp_path: Path, first: str) -> None:
    db = Database(AppSettings(data_dir=tmp_path).database)
    await db.start()
    assert not modes(tmp_path), "looking at it makes none"
    if first == "glance":
        async with db.glance() as tx:
            await tx.execute(text("SELECT 1"))
        assert modes(tmp_path) == {"medianest.db": "0o600"}
    async with db.begin() as tx:
        await tx.execute(text("CREATE TABLE t (id INTEGER PRIMARY KEY)"))
    assert modes(tmp_path) == PRIVATE
    await db.close()


@pytest.mark.usefixtures("open_umask")
async def test_a_file_that_others_could_read_is_taken_from_them(tmp_path: Path) -> None:
    path = tmp_path / "medianest.db"
    with sqlite3.connect(path) as old:
        old.execute("PRAGMA journal_mode = WAL")
        old.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    with sqlite3.connect(path) as reader:
        reader.execute("SELECT * FROM t").fetchall()
        assert set(modes(tmp_path).values()) == {"0o644"}
        db = Database(AppSettings(data_dir=tmp_path).database)
        await db.start()
        assert modes(tmp_path) == PRIVATE
        await db.close()


async def test_one_that_cannot_be_taken_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = AppSettings(data_dir=tmp_path)
    with sqlite3.connect(tmp_path / "medianest.db") as old:
        old.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    (tmp_path / "medianest.db").chmod(0o644)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    with monkeypatch.context() as patch:
        patch.setattr(os, "chmod", refuse)
        db = Database(settings.database)
        told, _ = await stores.database(settings, db)
        await db.close()
    assert told[0].level == "warning" and "other accounts" in told[0].text
    db = Database(settings.database)
    told, _ = await stores.database(settings, db)
    await db.close()
    assert not any("other accounts" in one.text for one in told)
