"""What is PostgreSQL's own: addresses, the schema, sessions and where the words of a search are looked up."""

from __future__ import annotations

import re

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, insert, select, text
from sqlalchemy.engine import make_url

from medianest_core.domain.library.reading.query import LibraryQuery, conditions_of
from medianest_core.domain.library.stored.bulk import COPY_FROM, insert_rows, upsert_rows
from medianest_core.sdk.errors import UserError
from medianest_core.store.engine import Database, Tx
from medianest_core.store.migrate import CORE_VERSIONS
from medianest_core.store.postgres import asyncpg_url
from medianest_core.store.tables.all import core_metadata
from medianest_core.store.tables.library import records, titles
from medianest_core.store.tables.system import audit


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg"])
async def test_addresses_as_others_write_them(postgres_url: str, scheme: str) -> None:
    database = Database(postgres_url.replace("postgresql+asyncpg", scheme), pool=3)
    await database.start()
    try:
        await database.ping()
        assert database.pool_figures.limit == 3
    finally:
        await database.close()


def test_sslmode_is_understood() -> None:
    url = asyncpg_url(make_url("postgresql://u:p@db/medianest?sslmode=require&target_session_attrs=primary"))
    assert url.drivername == "postgresql+asyncpg"
    assert dict(url.query) == {"ssl": "require", "target_session_attrs": "primary"}


async def test_the_migrations_make_the_tables_that_the_code_declares(postgres_url: str) -> None:
    def differences(connection: Connection) -> list[str]:
        def ours(_: object, name: str | None, kind: str, *__: object) -> bool:
            return kind != "table" or name != CORE_VERSIONS

        context = MigrationContext.configure(connection, opts={"include_object": ours, "compare_type": True})
        # An index over an expression is not compared: the test below looks whether it is used.
        found = [str(one) for one in compare_metadata(context, core_metadata())]
        return [one for one in found if "ix_titles_search" not in one]

    database = Database(postgres_url)
    await database.start()
    try:
        async with database.read() as tx:
            assert await tx.connection.run_sync(differences) == []
    finally:
        await database.close()


async def test_words_are_looked_up_in_their_index(postgres_url: str) -> None:
    database = Database(postgres_url)
    await database.start()
    try:
        # Not committed: of an empty table every other index is as good.
        async with database.connect() as connection:
            tx = Tx(connection, database.dialect)
            await tx.execute(text("SET LOCAL enable_seqscan = off"))
            for row in await tx.all(
                text(
                    "SELECT indexname FROM pg_indexes WHERE tablename = 'titles' "
                    "AND indexname NOT IN ('ix_titles_search', 'pk_titles')"
                )
            ):
                await tx.execute(text(f"DROP INDEX {row['indexname']}"))
            search = select(titles.c.id).where(*conditions_of(LibraryQuery(text="Star wa"), database.dialect))
            words = search.compile(
                database.engine.sync_engine,
                compile_kwargs={"literal_binds": True, "render_postcompile": True},
            )
            plan = (await connection.exec_driver_sql(f"EXPLAIN {words}")).mappings()
        assert "ix_titles_search" in " ".join(str(row["QUERY PLAN"]) for row in plan)
    finally:
        await database.close()


async def test_a_session_has_limits_and_a_name(postgres_url: str) -> None:
    database = Database(postgres_url, statement_timeout=7)
    await database.start()
    try:
        async with database.read() as tx:
            found = {
                name: await tx.scalar(text(f"SHOW {name}"))
                for name in (
                    "statement_timeout",
                    "lock_timeout",
                    "idle_in_transaction_session_timeout",
                    "application_name",
                    "transaction_read_only",
                    "transaction_isolation",
                )
            }
    finally:
        await database.close()
    assert found["statement_timeout"] == "7s"
    assert found["application_name"] == "medianest"
    assert (found["transaction_read_only"], found["transaction_isolation"]) == ("on", "repeatable read")
    assert all(re.fullmatch(r"[1-9]\d*(s|min)", found[name]) for name in list(found)[:3])


async def test_many_rows_at_once(postgres_url: str) -> None:
    database = Database(postgres_url)
    await database.start()
    details: dict[str, object] = {"text": 'Ü"\\\t\n', "list": [1, None]}
    rows = [
        {
            "at": float(n),
            "actor": None,
            "action": "a",
            "target": str(n),
            "details": details,
            "correlation_id": "",
        }
        for n in range(COPY_FROM)
    ]
    record = {"library": "l", "kind": "movie", "digest": "d", "parent": None, "title_id": 1, "missing": 0}
    try:
        async with database.begin() as tx:
            await insert_rows(tx, audit, rows)
            keys = [{"source": 1, "key": f"k{n}", **record} for n in range(COPY_FROM)]
            await upsert_rows(tx, records, keys)
            changed = [{**row, "digest": "e"} for row in keys[:-1]] + [{**keys[-1], "key": "new"}]
            await upsert_rows(tx, records, changed)
            # Of several for one key the last counts.
            await upsert_rows(tx, records, [*changed, {**changed[0], "digest": "f"}])
        async with database.read() as tx:
            stored = await tx.all(select(audit).order_by(audit.c.id))
            digests = {row["key"]: row["digest"] for row in await tx.all(select(records))}
        assert [dict(row) | {"id": 0} for row in stored] == [row | {"id": 0} for row in rows]
        assert len(digests) == COPY_FROM + 1
        assert (digests["k0"], digests["k1"], digests[f"k{COPY_FROM - 1}"], digests["new"]) == (
            "f",
            "e",
            "d",
            "d",
        )
        with pytest.raises(RuntimeError):
            async with database.begin() as tx:
                await insert_rows(tx, audit, rows)
                raise RuntimeError
        async with database.read() as tx:
            assert len(await tx.all(select(audit))) == COPY_FROM
    finally:
        await database.close()


async def test_a_character_that_postgresql_cannot_keep(postgres_url: str) -> None:
    """Searched for it is simply not found; kept it is replaced, wherever it comes from."""
    database = Database(postgres_url)
    await database.start()
    row = {"at": 0.0, "actor": None, "action": "a", "correlation_id": ""}
    spoiled = {**row, "target": "a\0b", "details": {"k\0": "\\\0", "plain": "\\u0000"}}
    try:
        async with database.begin() as tx:
            await tx.execute(insert(audit), spoiled)
            await tx.execute(insert(audit), [spoiled, spoiled])
            await insert_rows(tx, audit, [spoiled] * COPY_FROM)
        async with database.read() as tx:
            stored = await tx.all(select(audit))
            assert not await tx.all(select(audit).where(audit.c.action == "a\0"))
        assert len(stored) == COPY_FROM + 3
        assert {row["target"] for row in stored} == {"a\ufffdb"}
        assert all(row["details"] == {"k\ufffd": "\\\ufffd", "plain": "\\u0000"} for row in stored)
    finally:
        await database.close()


async def test_a_number_that_no_column_holds_is_the_askers_mistake(postgres_url: str) -> None:
    database = Database(postgres_url)
    await database.start()
    try:
        with pytest.raises(UserError, match="too large"):
            async with database.read() as tx:
                await tx.all(select(audit).where(audit.c.id < 2**53))
    finally:
        await database.close()
