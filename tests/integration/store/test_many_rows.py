"""Statements over many rows at once find what statements over each of them would find."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import select

from medianest_core.domain.library.stored.bulk import CHUNK, delete_rows, insert_rows, select_rows
from medianest_core.store.engine import Database
from medianest_core.store.tables.library import records, title_docs
from tests.databases import POSTGRESQL, database_url, migrated

ODD = ["7", "07", "7 ", "ü\u2028", "it's", 'a"b', "\\", "", "🎬", "x" * 180]


@pytest.fixture
async def db(tmp_path: Path, backend: str) -> AsyncIterator[Database]:
    database = Database(database_url(tmp_path))
    await database.start()
    await migrated(database)
    yield database
    await database.close()


def _row(key: str, title: int) -> dict[str, object]:
    return {
        "source": 1,
        "key": key,
        "library": "1",
        "kind": "movie",
        "digest": "0",
        "parent": None,
        "title_id": title,
        "missing": 0,
    }


async def _found(db: Database, keys: list[str]) -> set[str]:
    async with db.read() as tx:
        statement = select(records.c.key).where(records.c.source == 1)
        return {row[0] for row in await select_rows(tx, statement, records.c.key, keys)}


async def test_texts_are_told_apart_sign_by_sign(db: Database) -> None:
    async with db.begin() as tx:
        await insert_rows(tx, records, [_row(key, number) for number, key in enumerate(ODD)])
    for key in ODD:
        assert await _found(db, [key, "nobody has this"]) == {key}
    assert await _found(db, ODD) == set(ODD)
    assert await _found(db, ["x" * 180 + "y"]) == set()
    assert await _found(db, []) == set()


async def test_what_is_too_long_to_be_stored_is_not_found(db: Database) -> None:
    async with db.begin() as tx:
        await insert_rows(tx, records, [_row("x" * 190, 1)])
    assert await _found(db, ["x" * 191]) == set()
    assert await _found(db, ["x" * 190]) == {"x" * 190}


async def test_a_nul_is_part_of_a_text(db: Database, backend: str) -> None:
    keys = ["a", "a\0b", "a\0c"]
    async with db.begin() as tx:
        await insert_rows(tx, records, [_row(key, number) for number, key in enumerate(keys[:2])])
    # PostgreSQL keeps another character in its place, in what is stored and in what is asked for.
    kept = "a\ufffdb" if backend == POSTGRESQL else "a\0b"
    assert await _found(db, keys[1:]) == {kept}
    assert await _found(db, ["a", "a\\u0000b"]) == {"a"}


async def test_more_numbers_than_a_statement_takes(db: Database) -> None:
    count = 2 * CHUNK + 5
    async with db.begin() as tx:
        await insert_rows(tx, title_docs, [{"id": number, "doc": b"{}"} for number in range(count)])
        await delete_rows(tx, title_docs, title_docs.c.id, range(0, count, 2))
        left = await select_rows(tx, select(title_docs.c.id), title_docs.c.id, range(count + 10))
    assert [row[0] for row in left] == list(range(1, count, 2))
