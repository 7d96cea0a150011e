"""Puts a finished database in the place of another one: all of it at once, or nothing."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from medianest_core.base.failpoints import failpoint
from medianest_core.base.texts import N_
from medianest_core.store.backup.errors import CannotRestore
from medianest_core.store.backup.rows import Digest, encode, for_postgres
from medianest_core.store.backup.scratch import Told, raise_sequences
from medianest_core.store.backup.shape import TableShape, plugin_of_versions, quoted
from medianest_core.store.backup.source import PostgresSource, Source, open_sqlite, sqlite_path
from medianest_core.store.engine import Database
from medianest_core.store.sqlite import make_private

_PATIENCE = 30.0
_FOREIGN_KEYS = text(
    """
    SELECT c.relname, k.conname, pg_get_constraintdef(k.oid)
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
    WHERE k.contype = 'f' AND c.relnamespace = current_schema()::regnamespace AND k.conparentid = 0
    """
)
_SERIALS = text(
    """
    SELECT t.relname, a.attname, quote_ident(s.relname)
    FROM pg_depend d
    JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
    JOIN pg_class t ON t.oid = d.refobjid
    JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
    WHERE d.deptype IN ('a', 'i') AND t.relnamespace = current_schema()::regnamespace
    """
)


async def replace_database(scratch: Path, db: Database, told: Told = lambda _: None) -> None:
    """Everything in `db` becomes what is in `scratch`, which is at the newest revisions. Raises CannotRestore, DatabaseAway."""
    if db.dialect == "sqlite":
        await asyncio.to_thread(_replace_file, scratch, sqlite_path(db))
        return
    async with open_sqlite(scratch) as source, db.connect() as connection, connection.begin():
        await replace_rows(source, connection, told=told)
        failpoint("restore.before_commit")


def _replace_file(scratch: Path, target: Path) -> None:
    began = time.monotonic()

    def watch(status: int, remaining: int, total: int) -> None:
        if remaining and time.monotonic() - began > _PATIENCE:
            raise CannotRestore(N_("Others keep the database busy."))

    target.parent.mkdir(parents=True, exist_ok=True)
    make_private(target)
    with contextlib.closing(sqlite3.connect(target, timeout=1, isolation_level=None)) as below:
        try:
            below.execute("PRAGMA synchronous = FULL")
            with contextlib.closing(sqlite3.connect(scratch, isolation_level=None)) as made:
                raise_sequences(made, _last_given(below))
                failpoint("restore.before_commit")
                # All pages in one transaction of SQLite's own: after a crash its log gives back the old ones.
                made.backup(below, pages=-1, progress=watch, sleep=0.1)
            below.execute("PRAGMA journal_mode = WAL")
            below.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.DatabaseError as error:
            raise CannotRestore(
                N_("The database could not be replaced: {reason}.").format(reason=error)
            ) from error


def _last_given(connection: sqlite3.Connection) -> Mapping[str, int]:
    """Numbers that were given out here and are not given out again."""
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'").fetchone() is None:
        return {}
    return {
        str(name): int(last) for name, last in connection.execute("SELECT name, seq FROM sqlite_sequence")
    }


async def replace_rows(
    source: Source,
    connection: AsyncConnection,
    *,
    told: Told = lambda _: None,
    skip: frozenset[str] = frozenset(),
) -> dict[str, Digest]:
    """All rows of a PostgreSQL database become those of `source`, in the connection's present transaction, whose tables are at the
    same revisions. skip: tables whose rows are not taken. → count and digest of each table, as they were read.

    Raises CannotRestore.
    """
    # Many rows take as long as they take.
    for name in ("statement_timeout", "idle_in_transaction_session_timeout"):
        await connection.execute(text(f"SET LOCAL {name} = 0"))
    target = PostgresSource(connection)
    await target.load()
    present = {shape.name: shape for shape in target.tables}
    _check_fit(source, present, skip)
    if present:
        await connection.execute(text(f"TRUNCATE {', '.join(map(quoted, present))}"))
    # Without them rows may come in any order; putting them back checks all rows.
    keys = [tuple(row) for row in (await connection.execute(_FOREIGN_KEYS)).all()]
    for table, name, _ in keys:
        await connection.execute(text(f"ALTER TABLE {quoted(table)} DROP CONSTRAINT {quoted(name)}"))
    found: dict[str, Digest] = {}
    for shape in source.tables:
        if shape.name not in skip:
            found[shape.name] = await _copy_table(source, shape, connection, told)
    for table, name, definition in keys:
        statement = f"ALTER TABLE {quoted(table)} ADD CONSTRAINT {quoted(name)} {definition}"
        await connection.exec_driver_sql(statement)
    await _raise_serials(source, connection)
    return found


def _check_fit(source: Source, present: Mapping[str, TableShape], skip: frozenset[str]) -> None:
    for shape in source.tables:
        if shape.name in skip:
            continue
        there = present.get(shape.name)
        if there is None or there.by_name != shape.by_name:
            raise CannotRestore(
                N_(
                    "The table {table} is not the same in both databases: bring both to the same version first."
                ).format(table=shape.name)
            )


async def _copy_table(source: Source, shape: TableShape, connection: AsyncConnection, told: Told) -> Digest:
    digest = Digest()
    driver = (await connection.get_raw_connection()).driver_connection
    assert driver is not None
    columns = [column.name for column in shape.columns]
    async with contextlib.aclosing(source.batches(shape)) as batches:
        async for batch in batches:
            digest.add(await asyncio.to_thread(encode, shape, batch))
            try:
                await driver.copy_records_to_table(
                    shape.name, records=map(tuple, for_postgres(shape, batch)), columns=columns
                )
            except Exception as error:
                if getattr(error, "sqlstate", "08")[:2] not in ("22", "23"):
                    raise
                raise CannotRestore(
                    N_("PostgreSQL does not take a row of {table}: {reason}.").format(
                        table=shape.name, reason=error
                    )
                ) from error
            told(len(batch))
    return digest


async def _raise_serials(source: Source, connection: AsyncConnection) -> None:
    """No number is given out twice, and those that were given out here before are not given out again."""
    for table, column, sequence in (await connection.execute(_SERIALS)).all():
        if plugin_of_versions(table) is not None:
            continue
        await connection.execute(
            text(
                f"SELECT setval(:sequence, greatest(:last, (SELECT last_value FROM {sequence}),"
                f" (SELECT coalesce(max({quoted(column)}), 0) FROM {quoted(table)}), 1))"
            ),
            {"sequence": sequence, "last": source.sequences.get(table, 0)},
        )
