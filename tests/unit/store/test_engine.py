from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.exc import OperationalError

from medianest_core.store.engine import Database
from medianest_core.store.errors import DatabaseAway, Stale
from medianest_core.store.migrate import upgrade
from medianest_core.store.repos import portal_settings
from medianest_core.store.repos.audit import record
from medianest_core.store.repos.portal_settings import PortalSettings
from medianest_core.store.tables.system import audit


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/test.db")
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
            before = await tx.scalar(select(func.count()).select_from(audit))
            await asyncio.sleep(0)
            await record(tx, actor=None, action="a.b", target=str(before))

    await asyncio.gather(*(write() for _ in range(30)))
    async with db.read() as tx:
        targets = {row["target"] for row in await tx.all(select(audit.c.target))}
    assert targets == {str(number) for number in range(30)}


async def test_a_reader_is_rolled_back(db: Database) -> None:
    async with db.read() as tx:
        await tx.execute(insert(audit).values(at=0, action="x", target="", details={}))
    assert await _count(db) == 0


async def test_an_sql_mistake_is_not_called_an_outage(db: Database) -> None:
    from sqlalchemy import text

    with pytest.raises(OperationalError):
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
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("medianest_core.store.engine._TURN", 0.05)
    async with db.begin():
        with pytest.raises(DatabaseAway):
            async with db.begin():
                pass
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
    with pytest.raises(OperationalError):
        async with db.glance() as tx:
            await record(tx, actor=None, action="a.b", target="t")
    assert await _count(db) == 1


async def test_a_glance_shows_one_moment(db: Database) -> None:
    async with db.glance() as tx:
        assert await tx.scalar(select(func.count()).select_from(audit)) == 0
        async with db.begin() as writing:
            await record(writing, actor=None, action="a.b", target="t")
        assert await tx.scalar(select(func.count()).select_from(audit)) == 0
    assert await _count(db) == 1
