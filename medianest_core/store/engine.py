"""The database connection: one writer interface and one reader interface over SQLite or PostgreSQL."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, CursorResult, Engine, Executable, Table, create_engine, event, select
from sqlalchemy.dialects.postgresql import Insert as PostgresInsert
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import RowMapping, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from medianest_core.base.logging import get_logger
from medianest_core.store.errors import DatabaseAway
from medianest_core.store.sqlite import connecting

_log = get_logger(__name__)
_POOL = 20
_TURN = 15.0
_GLANCES = 4
_GLANCE_BUSY_MS = 100


class Tx:
    """An open transaction; satisfies `medianest_core.sdk.storage.Transaction`."""

    def __init__(self, connection: AsyncConnection, dialect: str) -> None:
        self.connection = connection
        self.dialect = dialect
        self._callbacks: list[Callable[[], Awaitable[None] | None]] = []

    async def execute(
        self, statement: Executable, parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> CursorResult[Any]:
        return await self.connection.execute(statement, parameters)

    async def all(
        self, statement: Executable, parameters: Mapping[str, Any] | None = None
    ) -> list[RowMapping]:
        return list((await self.connection.execute(statement, parameters)).mappings())

    async def first(
        self, statement: Executable, parameters: Mapping[str, Any] | None = None
    ) -> RowMapping | None:
        return (await self.connection.execute(statement, parameters)).mappings().first()

    async def one(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> RowMapping:
        return (await self.connection.execute(statement, parameters)).mappings().one()

    async def scalar(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Any:
        return (await self.connection.execute(statement, parameters)).scalar()

    def insert(self, table: Table) -> PostgresInsert:
        """INSERT with `on_conflict_do_update` and `on_conflict_do_nothing`, which both dialects spell alike."""
        if self.dialect == "postgresql":
            return postgres_insert(table)
        return sqlite_insert(table)  # type: ignore[return-value]  # same methods, no common base class in SQLAlchemy

    def after_commit(self, callback: Callable[[], Awaitable[None] | None]) -> None:
        self._callbacks.append(callback)

    async def run_callbacks(self) -> None:
        """Called by `Database.begin` once the commit is durable; a failing callback cannot undo it."""
        for callback in self._callbacks:
            try:
                result = callback()
                if inspect.isawaitable(result):
                    await result
            except Exception:
                _log.exception("after-commit callback failed")


class _Glance(Tx):
    """A reading transaction whose statements run where they are called."""

    def __init__(self, connection: Connection) -> None:
        self._here = connection
        self.dialect = "sqlite"
        self._callbacks = []

    async def execute(
        self, statement: Executable, parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> CursorResult[Any]:
        return self._here.execute(statement, parameters)

    async def all(
        self, statement: Executable, parameters: Mapping[str, Any] | None = None
    ) -> list[RowMapping]:
        return list(self._here.execute(statement, parameters).mappings())

    async def first(
        self, statement: Executable, parameters: Mapping[str, Any] | None = None
    ) -> RowMapping | None:
        return self._here.execute(statement, parameters).mappings().first()

    async def one(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> RowMapping:
        return self._here.execute(statement, parameters).mappings().one()

    async def scalar(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Any:
        return self._here.execute(statement, parameters).scalar()


class Database:
    """Engine and transactions. `begin()` writes, `read()` only reads, `glance()` reads a few rows."""

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self.dialect = self.url.get_backend_name()
        self._engine: AsyncEngine | None = None
        self._glances: Engine | None = None
        # SQLite has one writer. Waiting here is fair and costs nothing; waiting in its busy handler is a guessing game
        # of sleeps, and holds a connection and a thread meanwhile.
        self._writer = asyncio.Lock() if self.dialect == "sqlite" else None

    @property
    def engine(self) -> AsyncEngine:
        if self._engine is None:
            raise RuntimeError("the database has not been started")
        return self._engine

    async def start(self) -> None:
        """Open the engine; connects lazily."""
        if self.dialect == "sqlite":
            if self.url.database and self.url.database != ":memory:":
                Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
            self._engine = create_async_engine(
                self.url,
                pool_size=8,
                max_overflow=12,
                async_creator=connecting(self.url.database or ":memory:"),
            )
            event.listen(self._engine.sync_engine, "connect", _on_sqlite_connect)
            event.listen(self._engine.sync_engine, "begin", _on_sqlite_begin)
            self._glances = create_engine(
                self.url.set(drivername="sqlite+pysqlite"), pool_size=_GLANCES, max_overflow=100
            )
            event.listen(self._glances, "connect", _on_glance_connect)
            event.listen(self._glances, "begin", _on_glance_begin)
        else:
            self._engine = create_async_engine(
                self.url, pool_size=_POOL, max_overflow=0, pool_pre_ping=True, pool_timeout=5
            )

    async def close(self) -> None:
        if self._glances is not None:
            self._glances.dispose()
            self._glances = None
        if self._engine is not None:
            await self._engine.dispose()
            self._engine = None

    async def ping(self) -> None:
        """Raises DatabaseAway where the database does not answer."""
        async with self.read() as tx:
            await tx.execute(select(1))

    @contextlib.asynccontextmanager
    async def begin(self) -> AsyncIterator[Tx]:
        """A writing transaction: commits at the end of the block, rolls back on any exception. Raises DatabaseAway."""
        with _translated():
            async with self._turn(), self.engine.connect() as connection, connection.begin():
                tx = Tx(connection, self.dialect)
                yield tx
        await tx.run_callbacks()

    @contextlib.asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        if self._writer is None:
            yield
            return
        try:
            async with asyncio.timeout(_TURN):
                await self._writer.acquire()
        except TimeoutError as error:
            raise DatabaseAway("Other writers keep the database busy.") from error
        try:
            yield
        finally:
            self._writer.release()

    @contextlib.asynccontextmanager
    async def glance(self) -> AsyncIterator[Tx]:
        """A reading transaction for a few rows found by an index: what is asked at every request. Raises DatabaseAway.

        On SQLite it reads on the thread it is called on, because handing such a read to another thread and back costs five
        times as much as the read; whatever may look at many rows belongs into `read`.
        """
        if self._glances is None:
            async with self.read() as tx:
                yield tx
            return
        with _translated(), self._glances.connect() as connection:
            yield _Glance(connection)

    @contextlib.asynccontextmanager
    async def read(self) -> AsyncIterator[Tx]:
        """A reading transaction, rolled back at the end. Raises DatabaseAway."""
        with _translated():
            async with self.engine.connect() as connection:
                if self.dialect == "sqlite":
                    connection = await connection.execution_options(medianest_readonly=True)
                    try:
                        yield Tx(connection, self.dialect)
                    finally:
                        await connection.rollback()
                else:
                    connection = await connection.execution_options(postgresql_readonly=True)
                    yield Tx(connection, self.dialect)


@contextlib.contextmanager
def _translated() -> Any:
    try:
        yield
    except (InterfaceError, OperationalError, ConnectionError) as error:
        if (
            isinstance(error, DBAPIError)
            and not error.connection_invalidated
            and "locked" not in str(error.orig)
        ):
            raise
        raise DatabaseAway("The database does not answer.") from error


def _on_glance_connect(connection: sqlite3.Connection, _: Any) -> None:
    connection.isolation_level = None
    # Readers of a write-ahead log wait for nobody, but for moments after a crash: the loop must not wait longer than moments.
    for pragma in (f"busy_timeout={_GLANCE_BUSY_MS}", "query_only=ON", "cache_size=-4000"):
        connection.execute(f"PRAGMA {pragma}")


def _on_glance_begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _on_sqlite_connect(connection: Any, _: Any) -> None:
    raw: sqlite3.Connection = connection.driver_connection._conn
    # The driver's own implicit BEGIN is switched off: `_on_sqlite_begin` decides which kind of BEGIN is sent.
    raw.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "busy_timeout=10000",
        "foreign_keys=ON",
        "temp_store=MEMORY",
        "cache_size=-16000",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _on_sqlite_begin(connection: Any) -> None:
    readonly = connection.get_execution_options().get("medianest_readonly")
    # A reader that later wants to write would fail at once with "database is locked": writers queue up from the start.
    connection.exec_driver_sql("BEGIN" if readonly else "BEGIN IMMEDIATE")
