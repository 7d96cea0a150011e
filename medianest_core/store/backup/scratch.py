"""A scratch database: where an archive is restored to first, to see whether it can be, and to bring it up to date.

A SQLite file in a folder of its own, whatever the portal's database is.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from medianest_core.base.texts import N_
from medianest_core.sdk.storage import TableSet
from medianest_core.store.backup.archive import Archive
from medianest_core.store.backup.errors import CannotRestore, Damaged, Stopped
from medianest_core.store.backup.migrating import CORE, Step, create, known, migrate
from medianest_core.store.backup.rows import Digest, encode
from medianest_core.store.backup.shape import TableShape, quoted
from medianest_core.store.backup.source import Source, open_sqlite
from medianest_core.store.migrate import newest
from medianest_core.store.steps import revision_folders

Told = Callable[[int], None]
"""Called from a thread with how many rows more are done."""
Plugins = Mapping[str, TableSet]
"""The tables of the plugins that are installed here, by plugin."""


def folders_of(plugin: str, plugins: Plugins) -> list[str]:
    """Where the revisions of a plugin's tables are kept ("" is the core). Raises CannotRestore where it is not installed."""
    if not plugin:
        return list(CORE)
    tables = plugins.get(plugin)
    if tables is None:
        raise CannotRestore(
            N_(
                "The archive holds tables of the plugin {plugin}, which is not installed or not active here. Install it, or leave its tables out."
            ).format(plugin=plugin)
        )
    return [str(folder) for folder in revision_folders(tables)]


def steps_of(schemas: Mapping[str, Sequence[str]], plugins: Plugins) -> list[Step]:
    """What makes tables of these revisions. Raises CannotRestore for what this version does not know."""
    steps = []
    for plugin in sorted(schemas):
        folders = folders_of(plugin, plugins)
        if not set(schemas[plugin]) <= known(folders):
            if plugin:
                raise CannotRestore(
                    N_(
                        "The archive was made with a newer version of the plugin {plugin}. Update it here first."
                    ).format(plugin=plugin)
                )
            raise CannotRestore(N_("The archive was made by a newer MediaNest. Update this one first."))
        steps.append(Step(plugin, folders, list(schemas[plugin])))
    return steps


async def fill(
    path: Path,
    archive: Archive,
    plugins: Plugins,
    *,
    skip: Collection[str] = (),
    told: Told = lambda _: None,
) -> None:
    """Make a database at `path` with what the archive holds, at the archive's own revisions, and compare it row by row.

    skip: plugins whose tables are left out. Raises Damaged, CannotRestore.
    """
    manifest = archive.manifest
    if "" not in manifest.schemas:
        raise Damaged(N_("The archive is damaged, cut off, or no MediaNest backup."))
    schemas = {plugin: found for plugin, found in manifest.schemas.items() if plugin not in skip}
    await asyncio.to_thread(lambda: create(path, steps_of(schemas, plugins)))
    async with open_sqlite(path) as source:
        present = {shape.name: shape for shape in source.tables}
    tables = [name for name, entry in manifest.tables.items() if entry.plugin not in skip]
    for name in tables:
        _check_shape(archive.shape(name), present.get(name))
    stop = threading.Event()
    work = asyncio.ensure_future(asyncio.to_thread(_fill, path, archive, tables, stop, told))
    try:
        await asyncio.shield(work)
    except asyncio.CancelledError:
        stop.set()
        with contextlib.suppress(Exception):
            await work
        raise
    async with open_sqlite(path) as source:
        await compare(source, {name: manifest.tables[name] for name in tables})


def _check_shape(ours: TableShape, theirs: TableShape | None) -> None:
    if theirs is None:
        raise Damaged(N_("The archive holds a table {table} that no version has.").format(table=ours.name))
    # The order of columns may differ after a migration.
    if ours.by_name != theirs.by_name:
        raise Damaged(N_("The archive's table {table} has other columns than ours.").format(table=ours.name))


def _fill(path: Path, archive: Archive, tables: Sequence[str], stop: threading.Event, told: Told) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        for pragma in ("synchronous = OFF", "journal_mode = OFF", "foreign_keys = OFF"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("BEGIN")
        # Revisions may have put rows of their own there.
        for (name,) in _own_tables(connection):
            if not name.endswith("_versions"):
                connection.execute(f"DELETE FROM {quoted(name)}")
        for table in tables:
            shape = archive.shape(table)
            statement = insert_statement(shape)
            for rows in archive.rows(table):
                if stop.is_set():
                    raise Stopped(N_("The job was cancelled."))
                connection.executemany(statement, rows)
                told(len(rows))
        raise_sequences(connection, archive.manifest.sequences)
        if connection.execute("PRAGMA foreign_key_check").fetchone() is not None:
            raise Damaged(N_("The archive holds rows that belong to others which it does not hold."))
        connection.execute("COMMIT")
    except (sqlite3.IntegrityError, sqlite3.DataError, OverflowError, UnicodeEncodeError) as error:
        raise Damaged(
            N_("The archive holds rows that its tables do not take: {reason}.").format(reason=error)
        ) from error
    finally:
        connection.close()


def _own_tables(connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
    found = connection.execute("PRAGMA main.table_list").fetchall()
    return [(row[1],) for row in found if row[2] == "table" and not row[1].startswith("sqlite_")]


def insert_statement(shape: TableShape) -> str:
    columns = ", ".join(quoted(column.name) for column in shape.columns)
    return f"INSERT INTO {quoted(shape.name)} ({columns}) VALUES ({', '.join('?' * len(shape.columns))})"


def raise_sequences(connection: sqlite3.Connection, sequences: Mapping[str, int]) -> None:
    """Let tables that never give out a number twice go on after these."""
    for table, last in sequences.items():
        found = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).fetchone()
        if found is None or "AUTOINCREMENT" not in str(found[0]).upper():
            continue
        present = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
        if present is None:
            connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, last))
        elif present[0] < last:
            connection.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = ?", (last, table))


async def digests(source: Source, tables: Collection[TableShape]) -> AsyncIterator[tuple[str, Digest]]:
    """(table, count and digest of its rows), one after the other."""
    for shape in tables:
        digest = Digest()
        async for batch in source.batches(shape):
            lines = await asyncio.to_thread(encode, shape, batch)
            digest.add(lines)
        yield shape.name, digest


async def compare(source: Source, wanted: Mapping[str, Any]) -> None:
    """Hold every table to the count and digest in `wanted` (each with `rows`, `digest` and `columns`). Raises Damaged."""
    shapes = {shape.name: shape for shape in source.tables}
    asked = []
    for name, entry in wanted.items():
        # In the order in which they were written.
        kinds = shapes[name].by_name
        ordered = [column.name for column in entry.columns]
        columns = {column.name: column for column in shapes[name].columns}
        assert set(ordered) == set(kinds)
        asked.append(TableShape(name, tuple(columns[one] for one in ordered), shapes[name].key))
    async for name, digest in digests(source, asked):
        entry = wanted[name]
        if (digest.rows, digest.value) != (entry.rows, entry.digest):
            raise Damaged(
                N_("The restored table {table} differs from the one that was backed up.").format(table=name)
            )


async def upgrade(path: Path, plugins: Plugins, present: Mapping[str, Sequence[str]]) -> None:
    """Bring a scratch database to the newest revisions. present: plugin ("" is the core) → the revisions it is at."""
    steps = []
    for plugin in sorted(present):
        folders = folders_of(plugin, plugins)
        if newest([Path(folder) for folder in folders]) != set(present[plugin]):
            steps.append(Step(plugin, folders))
    if steps:
        await asyncio.to_thread(migrate, path, steps)
