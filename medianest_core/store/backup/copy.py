"""Moves everything from one database to another, SQLite or PostgreSQL, and counts and compares it there before it counts."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

from medianest_core.base.failpoints import failpoint
from medianest_core.base.texts import N_
from medianest_core.store.backup.errors import BackupFailed, CannotRestore, Damaged
from medianest_core.store.backup.migrating import Step, create
from medianest_core.store.backup.put import replace_database, replace_rows
from medianest_core.store.backup.rows import Digest, encode
from medianest_core.store.backup.scratch import (
    Plugins,
    Told,
    compare,
    folders_of,
    insert_statement,
    raise_sequences,
)
from medianest_core.store.backup.shape import TableShape, left_out, owner_of
from medianest_core.store.backup.source import PostgresSource, Source, open_source, open_sqlite, sqlite_path
from medianest_core.store.engine import Database


@dataclass(frozen=True, slots=True)
class Copied:
    """rows by table, each compared with what was read. left_out: tables whose rows stayed behind → why."""

    rows: Mapping[str, int]
    left_out: Mapping[str, str]


async def copy_database(
    source_db: Database,
    target_db: Database,
    plugins: Plugins,
    *,
    skip_missing: bool = False,
    told: Told = lambda _: None,
) -> Copied:
    """Fill an empty database with everything in another one, in one step: an interrupted copy leaves it empty.

    Both are started and at the newest revisions; nobody writes to either. Raises CannotRestore, Damaged, BackupFailed, DatabaseAway.
    """
    async with open_source(target_db) as target:
        await _check_empty(target)
    async with open_source(source_db) as source:
        behind = left_out("copy", *(one.metadata for one in plugins.values()))
        for shape in source.tables:
            plugin = owner_of(shape.name, source.schemas)
            if plugin and plugin not in plugins:
                if not skip_missing:
                    folders_of(plugin, plugins)
                behind[shape.name] = N_("The plugin {plugin} is not active here.").format(plugin=plugin)
        skip = frozenset(behind)
        if target_db.dialect == "postgresql":
            found = await _into_postgres(source, target_db, skip, told)
        else:
            found = await _into_sqlite(source, target_db, plugins, skip, told)
        present = {shape.name for shape in source.tables}
    return Copied(
        {name: digest.rows for name, digest in found.items()},
        {name: why for name, why in behind.items() if name in present},
    )


async def _check_empty(target: Source) -> None:
    for shape in target.tables:
        if await target.count(shape.name):
            raise CannotRestore(
                N_("The target is not empty: its table {table} has rows. Copy into a fresh database.").format(
                    table=shape.name
                )
            )


def _wanted(source: Source, found: Mapping[str, Digest]) -> dict[str, SimpleNamespace]:
    return {
        shape.name: SimpleNamespace(
            rows=found[shape.name].rows, digest=found[shape.name].value, columns=shape.columns
        )
        for shape in source.tables
        if shape.name in found
    }


async def _into_postgres(
    source: Source, target: Database, skip: frozenset[str], told: Told
) -> dict[str, Digest]:
    async with target.connect() as connection, connection.begin():
        found = await replace_rows(source, connection, told=told, skip=skip)
        there = PostgresSource(connection)
        await there.load()
        await compare(there, _wanted(source, found))
        failpoint("copy.before_commit")
    return found


async def _into_sqlite(
    source: Source, target: Database, plugins: Plugins, skip: frozenset[str], told: Told
) -> dict[str, Digest]:
    path = sqlite_path(target)
    with tempfile.TemporaryDirectory(prefix=".copy-", dir=path.parent) as folder:
        scratch = Path(folder) / "scratch.db"
        steps = [
            Step(plugin, folders_of(plugin, plugins))
            for plugin in sorted(source.schemas)
            if not plugin or plugin in plugins
        ]
        await asyncio.to_thread(create, scratch, steps)
        found: dict[str, Digest] = {}
        connection = sqlite3.connect(scratch, isolation_level=None, check_same_thread=False)
        with contextlib.closing(connection):
            for pragma in ("synchronous = OFF", "journal_mode = OFF", "foreign_keys = OFF"):
                connection.execute(f"PRAGMA {pragma}")
            connection.execute("BEGIN")
            for shape in source.tables:
                if shape.name not in skip:
                    found[shape.name] = await _copy_table(source, shape, connection, told)
            raise_sequences(connection, source.sequences)
            if connection.execute("PRAGMA foreign_key_check").fetchone() is not None:
                raise Damaged(N_("The database holds rows that belong to others which are not there."))
            connection.execute("COMMIT")
        async with open_sqlite(scratch) as there:
            await compare(there, _wanted(source, found))
        failpoint("copy.before_commit")
        await replace_database(scratch, target)
    return found


async def _copy_table(
    source: Source, shape: TableShape, connection: sqlite3.Connection, told: Told
) -> Digest:
    digest, statement = Digest(), insert_statement(shape)

    def put(batch: list[list[object]]) -> None:
        digest.add(encode(shape, batch))
        try:
            connection.executemany(statement, batch)
        except sqlite3.DatabaseError as error:
            raise BackupFailed(
                N_("The table {table} cannot be read: {reason}.").format(table=shape.name, reason=error)
            ) from error

    async with contextlib.aclosing(source.batches(shape)) as batches:
        async for batch in batches:
            await asyncio.to_thread(put, batch)
            told(len(batch))
    return digest
