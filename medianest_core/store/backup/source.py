"""Reads a whole database at one moment, in batches: what is written meanwhile is not seen, and nobody waits for us."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from medianest_core.base.texts import N_
from medianest_core.store.backup.errors import BackupFailed
from medianest_core.store.backup.rows import from_database
from medianest_core.store.backup.shape import (
    Column,
    TableShape,
    kind_of,
    plugin_of_versions,
    quoted,
)
from medianest_core.store.engine import Database

BATCH = 500
Batch = list[list[Any]]


class Source(ABC):
    """A database as it was at one moment."""

    schemas: dict[str, list[str]]
    """Plugin ("" is the core) → revisions of its schema."""
    tables: list[TableShape]
    """All tables with rows of ours, by name."""
    sequences: dict[str, int]
    """Table → the last number it gave out, where that may be more than the highest one still there."""

    @abstractmethod
    async def load(self) -> None:
        """Find out what there is."""

    @abstractmethod
    def batches(self, shape: TableShape) -> AsyncGenerator[Batch, None]:
        """The rows of a table, ordered by its key. Raises BackupFailed for what a column cannot hold."""

    @abstractmethod
    async def count(self, table: str) -> int:
        """How many rows a table has."""


class SqliteSource(Source):
    """One read transaction of a connection of its own."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def load(self) -> None:
        await asyncio.to_thread(self._look)

    def _look(self) -> None:
        def ask(statement: str) -> list[tuple[Any, ...]]:
            return self._connection.execute(statement).fetchall()

        names = sorted(
            name
            for _, name, kind, *_ in ask("PRAGMA main.table_list")
            if kind == "table" and not name.startswith("sqlite_")
        )
        self.schemas = {}
        self.tables = []
        for name in names:
            plugin = plugin_of_versions(name)
            if plugin is not None:
                rows = ask(f"SELECT version_num FROM {quoted(name)} ORDER BY version_num")
                self.schemas[plugin] = [str(row[0]) for row in rows]
                continue
            facts = ask(f"PRAGMA main.table_info({quoted(name)})")
            self.tables.append(
                TableShape(
                    name,
                    tuple(Column(fact[1], kind_of(name, fact[1], fact[2])) for fact in facts),
                    tuple(fact[1] for fact in sorted(facts, key=lambda fact: fact[5]) if fact[5]),
                )
            )
        self.sequences = {}
        if ask("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'"):
            self.sequences = {
                str(name): int(seq) for name, seq in ask("SELECT name, seq FROM sqlite_sequence")
            }

    async def batches(self, shape: TableShape) -> AsyncGenerator[Batch, None]:
        columns = ", ".join(quoted(column.name) for column in shape.columns)
        order = f" ORDER BY {', '.join(map(quoted, shape.key))}" if shape.key else ""
        cursor = await asyncio.to_thread(
            self._connection.execute, f"SELECT {columns} FROM {quoted(shape.name)}{order}"
        )

        def following() -> Batch:
            try:
                return from_database(shape, cursor.fetchmany(BATCH))
            except sqlite3.OperationalError as error:
                raise BackupFailed(
                    N_("The table {table} cannot be read: {reason}.").format(table=shape.name, reason=error)
                ) from error

        while batch := await asyncio.to_thread(following):
            yield batch

    async def count(self, table: str) -> int:
        found = await asyncio.to_thread(
            lambda: self._connection.execute(f"SELECT count(*) FROM {quoted(table)}").fetchone()
        )
        return int(found[0])


_PG_TABLES = text(
    """
    SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
           array_position(i.indkey::int2[], a.attnum)
    FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
    WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace
    ORDER BY c.relname COLLATE "C", a.attnum
    """
)
_PG_SEQUENCES = text(
    """
    SELECT t.relname, s.last_value
    FROM pg_depend d
    JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S'
    JOIN pg_class t ON t.oid = d.refobjid
    JOIN pg_sequences s ON s.schemaname = current_schema() AND s.sequencename = c.relname
    WHERE d.deptype IN ('a', 'i') AND t.relnamespace = current_schema()::regnamespace
    """
)


class PostgresSource(Source):
    """One REPEATABLE READ transaction, read through a cursor of the server."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def load(self) -> None:
        columns: dict[str, list[Column]] = {}
        keys: dict[str, list[tuple[int, str]]] = {}
        versions = []
        for table, column, declared, position in (await self._connection.execute(_PG_TABLES)).all():
            if plugin_of_versions(table) is not None:
                versions.append(table)
                continue
            columns.setdefault(table, []).append(Column(column, kind_of(table, column, declared)))
            if position is not None:
                keys.setdefault(table, []).append((position, column))
        self.tables = [
            TableShape(name, tuple(found), tuple(column for _, column in sorted(keys.get(name, ()))))
            for name, found in columns.items()
        ]
        self.schemas = {}
        for table in dict.fromkeys(versions):
            rows = await self._connection.execute(
                text(f"SELECT version_num FROM {quoted(table)} ORDER BY version_num")
            )
            plugin = plugin_of_versions(table)
            assert plugin is not None
            self.schemas[plugin] = [str(row) for row in rows.scalars()]
        found = await self._connection.execute(_PG_SEQUENCES)
        self.sequences = {str(table): int(last) for table, last in found.all() if last is not None}

    async def batches(self, shape: TableShape) -> AsyncGenerator[Batch, None]:
        kinds = shape.by_name
        # As text, so that what is null in JSON differs from what is not there.
        columns = ", ".join(
            quoted(name) + ("::text" if kind == "json" else "") for name, kind in kinds.items()
        )
        # By its bytes, as SQLite orders text.
        keys = [quoted(key) + (' COLLATE "C"' if kinds[key] == "text" else "") for key in shape.key]
        order = f" ORDER BY {', '.join(keys)}" if keys else ""
        result = await self._connection.stream(text(f"SELECT {columns} FROM {quoted(shape.name)}{order}"))
        try:
            async for part in result.partitions(BATCH):
                yield await asyncio.to_thread(from_database, shape, [tuple(row) for row in part])
        finally:
            await result.close()

    async def count(self, table: str) -> int:
        found = await self._connection.execute(text(f"SELECT count(*) FROM {quoted(table)}"))
        return int(found.scalar_one())


@contextlib.asynccontextmanager
async def open_sqlite(path: Path) -> AsyncIterator[SqliteSource]:
    """A file at the moment of opening. Raises BackupFailed where it is no database."""
    if not path.is_file():
        raise BackupFailed(N_("There is no database at {path}.").format(path=path.name))
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
    try:
        try:
            connection.execute("PRAGMA query_only = ON")
            connection.execute("PRAGMA temp_store = MEMORY")
            connection.execute("BEGIN")
            source = SqliteSource(connection)
            await source.load()
        except sqlite3.DatabaseError as error:
            raise BackupFailed(N_("The database cannot be read: {reason}.").format(reason=error)) from error
        yield source
    finally:
        connection.close()


@contextlib.asynccontextmanager
async def open_source(db: Database) -> AsyncIterator[Source]:
    """The database at the moment of opening. Raises BackupFailed, DatabaseAway."""
    if db.dialect == "sqlite":
        async with open_sqlite(sqlite_path(db)) as found:
            yield found
        return
    async with db.read() as tx:
        source = PostgresSource(tx.connection)
        await source.load()
        yield source


def sqlite_path(db: Database) -> Path:
    """The file of a SQLite database. Raises BackupFailed for one in memory."""
    if not db.url.database or db.url.database == ":memory:":
        raise BackupFailed(N_("A database in memory cannot be backed up."))
    return Path(db.url.database)


def missing_schema(source: Source) -> bool:
    """Whether the database was never set up by us."""
    return not source.schemas.get("") or not source.tables
