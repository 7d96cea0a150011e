from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import DBAPIError

from medianest_core.store.engine import Database, Tx
from medianest_core.store.errors import Clashed, DatabaseAway, Stale
from medianest_core.store.migrate import upgrade
from medianest_core.store.repos import portal_settings
from medianest_core.store.repos.audit import record
from medianest_core.store.repos.portal_settings import PortalSettings
from medianest_core.store.tables.system import audit
from tests.databases import POSTGRESQL, database_url


@pytest.fixture
async def db(tmp_path: Path, backend: str) -> AsyncIterator[Database]:
    database = Database(database_url(tmp_path))
    await database.start()
    await upgrade(database)
    yield database
    await database.close()


async def _count(db: Database) -> int:
    async with db.read() as tx:
        return int(await tx.scalar(select(func.count()).select_from(audit)))


async def test_an_exception_rolls_back_and_runs_no_callback(db: Database) -> None:
    called: list[str] = []
    with pytest.raises(RuntimeError):
        async with db.begin() as tx:
            tx.after_commit(lambda: called.append("x"))
            await record(tx, actor=None, action="a.b", target="t")
            raise RuntimeError
    assert (await _count(db), called) == (0, [])


async def test_callbacks_see_the_committed_row_and_cannot_undo_it(db: Database) -> None:
    seen: list[int] = []

    async def look() -> None:
        seen.append(await _count(db))
        raise ValueError("a callback's failure stays its own")

    async with db.begin() as tx:
        tx.after_commit(look)
        await record(tx, actor=None, action="a.b", target="t")
    assert seen == [1] == [await _count(db)]


async def test_many_writers_wait_for_each_other(db: Database) -> None:
    async def write() -> None:
        async with db.begin() as tx:
            await tx.alone("audit")
            before = await tx.scalar(select(func.count()).select_from(audit))
            await asyncio.sleep(0)
            await record(tx, actor=None, action="a.b", target=str(before))

    await asyncio.gather(*(write() for _ in range(30)))
    async with db.read() as tx:
        targets = {row["target"] for row in await tx.all(select(audit.c.target))}
    assert targets == {str(number) for number in range(30)}


async def test_a_reader_writes_nothing(db: Database, backend: str) -> None:
    refused = pytest.raises(DBAPIError) if backend == POSTGRESQL else contextlib.nullcontext()
    with refused:
        async with db.read() as tx:
            await tx.execute(insert(audit).values(at=0, action="x", target="", details={}))
    assert await _count(db) == 0


async def test_an_sql_mistake_is_not_called_an_outage(db: Database) -> None:
    with pytest.raises(DBAPIError):
        async with db.read() as tx:
            await tx.execute(text("SELECT * FROM no_such_table"))


async def test_settings_are_versioned(db: Database) -> None:
    settings, version = await portal_settings.load(db)
    assert version == 0
    async with db.begin() as tx:
        version = await portal_settings.save(
            tx, settings.model_copy(update={"site_name": "Home"}), version=version, actor=None
        )
    with pytest.raises(Stale) as caught:
        async with db.begin() as tx:
            await portal_settings.save(tx, PortalSettings(site_name="Other"), version=0, actor=None)
    assert caught.value.current["site_name"] == "Home"
    assert (await portal_settings.load(db))[0].site_name == "Home"


async def test_upgrading_twice_does_nothing_the_second_time(db: Database) -> None:
    assert await upgrade(db) is False


async def test_a_writer_that_never_gets_its_turn_is_told(
    db: Database, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("medianest_core.store.engine._TURN", 0.05)
    if backend == POSTGRESQL:
        async with db.begin() as first:
            await first.alone("the only key")
            with pytest.raises(DatabaseAway, match="too long"):
                async with db.begin() as second:
                    await second.execute(text("SET LOCAL lock_timeout = 50"))
                    await second.alone("the only key")
    else:
        async with db.begin() as first:
            await first.connected()
            with pytest.raises(DatabaseAway):
                async with db.begin() as second:
                    await record(second, actor=None, action="a.b", target="second")
    async with db.begin() as tx:
        await record(tx, actor=None, action="a.b", target="t")
    assert await _count(db) == 1


async def test_a_glance_sees_what_is_committed_and_cannot_write(db: Database) -> None:
    async with db.begin() as tx:
        await record(tx, actor=None, action="a.b", target="t")
        async with db.glance() as before:
            assert await before.scalar(select(func.count()).select_from(audit)) == 0
    async with db.glance() as tx:
        assert (await tx.one(select(audit)))["target"] == "t"
        assert (await tx.first(select(audit)))["action"] == "a.b"  # type: ignore[index]  # there is one
        assert len(await tx.all(select(audit))) == 1
        assert len((await tx.execute(select(audit))).all()) == 1
    with pytest.raises((DBAPIError, RuntimeError)):
        async with db.glance() as tx:
            await record(tx, actor=None, action="a.b", target="t")
    assert await _count(db) == 1


async def test_a_glance_shows_one_moment_where_that_is_asked(db: Database) -> None:
    async with db.glance(one_moment=True) as tx:
        assert await tx.scalar(select(func.count()).select_from(audit)) == 0
        async with db.begin() as writing:
            await record(writing, actor=None, action="a.b", target="t")
        assert await tx.scalar(select(func.count()).select_from(audit)) == 0
    assert await _count(db) == 1


async def test_work_that_clashes_is_done_again(db: Database) -> None:
    tries: list[int] = []

    async def work(tx: Tx) -> str:
        tries.append(1)
        await record(tx, actor=None, action="a.b", target=str(len(tries)))
        if len(tries) < 3:
            raise Clashed("Two changes got in each other's way.")
        return "done"

    assert await db.run(work) == "done"
    assert (len(tries), await _count(db)) == (3, 1)

    async def never(tx: Tx) -> None:
        raise Clashed("Two changes got in each other's way.")

    with pytest.raises(Clashed):
        await db.run(never)


async def test_the_last_work_of_a_transaction_is_part_of_it(db: Database) -> None:
    async def last(tx: Tx, name: str) -> None:
        await record(tx, actor=None, action="a.b", target=name)

    async with db.begin() as tx:
        tx.before_commit(lambda: last(tx, "one"))
        tx.before_commit(lambda: last(tx, "two"))
        await last(tx, "zero")
    async with db.read() as tx:
        found = [row["target"] for row in await tx.all(select(audit.c.target).order_by(audit.c.id))]
    assert found == ["zero", "one", "two"]
    with pytest.raises(RuntimeError):
        async with db.begin() as tx:
            tx.before_commit(lambda: last(tx, "three"))
            raise RuntimeError
    assert await _count(db) == 3


async def test_the_pool_tells_what_it_does(db: Database) -> None:
    async with db.begin() as tx:
        await tx.connected()
        figures = db.pool_figures
    assert (figures.in_use, figures.waiting) == (1, 0)
    assert 1 <= figures.open <= figures.limit
    assert db.pool_figures.in_use == 0
