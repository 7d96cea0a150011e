"""The database connection: one writer interface and one reader interface over SQLite or PostgreSQL."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

from medianest_core.store.asyncio_only import AsyncConnection, AsyncEngine, create_async_engine
from medianest_core.store.errors import Clashed, DatabaseAway
from medianest_core.store.outages import reason_of, translated
from medianest_core.store.shots import Shots
from medianest_core.store.sqlite import connecting, correct_modes, make_private
from medianest_core.store.transaction import Glance, Reads
from medianest_core.store.transaction import Tx as Tx

if TYPE_CHECKING:
    from medianest_core.store.postgres import Pulse

T = TypeVar("T")
POOL = 20
STATEMENT_TIMEOUT = 30.0
_TRIES = 4
_SQLITE_POOL = 8
_SQLITE_OVERFLOW = 12
_TURN = 15.0
_LOOK_AGAIN = 0.2
_ANSWER = 3.0
_GLANCES = 4
_GLANCE_BUSY_MS = 100


@dataclass(frozen=True, slots=True)
class PoolFigures:
    """Connections: at most `limit`; `open` of them are made, `in_use` belong to a transaction. waiting: transactions without one."""

    limit: int
    open: int
    in_use: int
    waiting: int


class Database:
    """Engine and transactions. `begin()` writes, `read()` only reads, `glance()` reads a few rows."""

    def __init__(self, url: str, *, pool: int = POOL, statement_timeout: float = STATEMENT_TIMEOUT) -> None:
        """url: SQLAlchemy's, or "postgres://…" as others write it. pool: connections to PostgreSQL at most. statement_timeout:
        seconds after which PostgreSQL gives up a statement; 0 is never."""
        # SQLAlchemy knows only the longer of the two names.
        self.url = make_url(f"postgresql{url[8:]}" if url.startswith("postgres:") else url)
        self.dialect = self.url.get_backend_name()
        self._pool = pool
        self._statement_timeout = statement_timeout
        self._engine: AsyncEngine | None = None
        self._glances: Engine | None = None
        self._pulse: Pulse | None = None
        self._connect_errors: tuple[type[Exception], ...] = (OSError,)
        self._lost_errors: tuple[type[Exception], ...] = ()
        self._waiting = 0
        self.written: Counter[str] = Counter()
        """Table → how many transactions of this process have changed it; what was read before is no older where it stayed the same."""
        # SQLite has one writer. Waiting here is fair and costs nothing; waiting in its busy handler is a guessing game
        # of sleeps, and holds a connection and a thread meanwhile.
        self._writer = asyncio.Lock() if self.dialect == "sqlite" else None
        self._shots = Shots(self.dialect, self.connect, self._turn, self._answered)

    @property
    def engine(self) -> AsyncEngine:
        if self._engine is None:
            raise RuntimeError("the database has not been started")
        return self._engine

    @property
    def away(self) -> bool:
        """True while PostgreSQL is known not to answer; transactions are refused then without a wait."""
        return self._pulse is not None and self._pulse.away

    @property
    def pool_figures(self) -> PoolFigures:
        """As they are now, for those who look after the portal."""
        pool = self.engine.sync_engine.pool
        assert isinstance(pool, QueuePool)
        limit = self._pool if self.dialect == "postgresql" else _SQLITE_POOL + _SQLITE_OVERFLOW
        return PoolFigures(limit, pool.checkedin() + pool.checkedout(), pool.checkedout(), self._waiting)

    async def start(self) -> None:
        """Open the engine; connects lazily."""
        if self.dialect == "postgresql":
            self._start_postgres()
        else:
            self._start_sqlite()

    def _start_postgres(self) -> None:
        from medianest_core.store import postgres

        connections = postgres.Connections()
        self._connect_errors = postgres.CONNECT_ERRORS
        self._lost_errors = (SQLAlchemyError, EOFError, *postgres.CONNECT_ERRORS)
        self._engine = postgres.make_engine(
            postgres.asyncpg_url(self.url),
            connections,
            pool=self._pool,
            statement_timeout=self._statement_timeout,
        )
        self._pulse = postgres.Pulse(self._engine, connections)
        self._pulse.start()

    def _start_sqlite(self) -> None:
        path = self.url.database or ":memory:"
        if path != ":memory:":
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            correct_modes(path)
        self._engine = create_async_engine(
            self.url,
            pool_size=_SQLITE_POOL,
            max_overflow=_SQLITE_OVERFLOW,
            # Each connection keeps what it has read: the one that was used last knows most, and the others need no memory.
            pool_use_lifo=True,
            async_creator=connecting(path),
        )
        event.listen(self._engine.sync_engine, "connect", _on_sqlite_connect)
        event.listen(self._engine.sync_engine, "begin", _on_sqlite_begin)
        self._glances = create_engine(
            self.url.set(drivername="sqlite+pysqlite"), pool_size=_GLANCES, max_overflow=100
        )
        event.listen(self._glances, "do_connect", lambda *_: make_private(path))
        event.listen(self._glances, "connect", _on_glance_connect)
        event.listen(self._glances, "begin", _on_glance_begin)

    async def close(self) -> None:
        if self._pulse is not None:
            await self._pulse.stop()
            self._pulse = None
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

    async def wait(self, patience: float | None, told: Callable[[str], None] = lambda _: None) -> None:
        """Returns once the database answers; raises DatabaseAway after `patience` seconds, None: never. A file is simply there.

        told: is given the reason each time the database was asked in vain.
        """
        if self.dialect == "sqlite":
            return
        given_up_at = None if patience is None else time.monotonic() + patience
        while True:
            try:
                async with asyncio.timeout(_ANSWER):
                    await self.ping()
            except (DatabaseAway, TimeoutError) as error:
                told((self._pulse.reason if self._pulse is not None else "") or reason_of(error))
                if given_up_at is not None and time.monotonic() >= given_up_at:
                    raise DatabaseAway("The database does not answer.") from error
                await asyncio.sleep(_LOOK_AGAIN)
            else:
                return

    @property
    def place(self) -> str:
        """Where the database is, for people: without names and passwords."""
        if self.dialect == "sqlite":
            return str(self.url.database or ":memory:")
        return f"{self.url.host or 'localhost'}:{self.url.port or 5432}/{self.url.database or ''}"

    @contextlib.asynccontextmanager
    async def connect(self, *, writing: bool = True) -> AsyncIterator[AsyncConnection]:
        """A connection without a transaction. Raises DatabaseAway for every outage until the end of the block."""
        with self._outages(writing=writing):
            self._waiting += 1
            try:
                connection = await self._take()
            finally:
                self._waiting -= 1
            try:
                yield connection
            except self._lost_errors as error:
                if isinstance(error, DBAPIError) or not _is_lost(connection):
                    raise
                # What a driver says of a connection that broke in the middle depends on where it was just then.
                raise DatabaseAway("The database does not answer.") from error
            finally:
                # Its way of closing that goes on when the caller is cancelled.
                await connection.__aexit__(None, None, None)

    async def _take(self) -> AsyncConnection:
        if self.away:
            raise DatabaseAway("The database does not answer.")
        try:
            return await self.engine.connect()
        except self._connect_errors as error:
            raise DatabaseAway("The database does not answer.") from error

    def _answered(self) -> None:
        if self._pulse is not None:
            self._pulse.answered()

    @contextlib.contextmanager
    def _outages(self, *, writing: bool) -> Any:
        try:
            with translated(writing=writing):
                yield
        except DatabaseAway:
            if self._pulse is not None:
                self._pulse.doubt()
            raise

    async def run(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        """What `work` returns, in a writing transaction that is tried again where it got into another one's way.

        `work` may run several times. Raises DatabaseAway, and Clashed where that happened every time.
        """
        for tried in range(1, _TRIES + 1):
            try:
                async with self.begin() as tx:
                    return await work(tx)
            except Clashed:
                if tried == _TRIES:
                    raise
        raise AssertionError("unreachable")

    @contextlib.asynccontextmanager
    async def begin(self) -> AsyncIterator[Tx]:
        """A writing transaction: commits at the end of the block, rolls back on any exception. Raises DatabaseAway.

        It begins with its first statement; one that only has rows to insert later is sent in one go at its end.
        """
        if self.away:
            raise DatabaseAway("The database does not answer.")
        async with contextlib.AsyncExitStack() as stack:

            async def opening() -> AsyncConnection:
                await stack.enter_async_context(self._turn())
                connection = await stack.enter_async_context(self.connect())
                await stack.enter_async_context(connection.begin())
                return connection

            tx = Tx(None, self.dialect, opening)
            yield tx
            await tx.run_last()
            if tx.deferred and (tx.begun or not await self._shots.fire(tx.deferred)):
                await tx.connected()
        self.written.update(tx.written)
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
            raise DatabaseAway("Others keep the database busy.") from error
        try:
            yield
        finally:
            self._writer.release()

    @contextlib.asynccontextmanager
    async def glance(self, *, one_moment: bool = False) -> AsyncIterator[Tx]:
        """Reads a few rows found by an index: what is asked at every request. Raises DatabaseAway.

        On SQLite it reads on the thread it is called on, because handing such a read to another thread and back costs five
        times as much as the read; whatever may look at many rows belongs into `read`. On PostgreSQL each statement is a
        transaction of its own, for the same reason: beginning and ending one costs two more ways to the server and back.
        one_moment: all statements see the same one.
        """
        if self._glances is None:
            async with self.read(one_moment=one_moment) as tx:
                yield tx
            return
        with translated(writing=False), self._glances.connect() as connection:
            yield Glance(connection)

    @contextlib.asynccontextmanager
    async def read(self, *, one_moment: bool = True) -> AsyncIterator[Tx]:
        """A reading transaction that shows one moment, rolled back at the end. Raises DatabaseAway.

        one_moment: False where one statement is asked, or where it does not matter that the next one may see what was changed
        meanwhile; see `glance`.
        """
        async with self.connect(writing=False) as connection:
            if self.dialect == "postgresql" and not one_moment:
                await connection.execution_options(isolation_level="AUTOCOMMIT")
                yield Reads(connection, self.dialect)
                return
            if self.dialect == "sqlite":
                await connection.execution_options(medianest_readonly=True)
            else:
                await connection.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            try:
                yield Tx(connection, self.dialect)
            finally:
                await connection.rollback()


def _is_lost(connection: AsyncConnection) -> bool:
    """Whether there is no server behind it any more."""
    if connection.closed or connection.invalidated:
        return True
    raw: Any = connection.sync_connection.connection.driver_connection if connection.sync_connection else None
    return raw is None or bool(raw.is_closed())


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


def _on_sqlite_begin(connection: Connection) -> None:
    readonly = connection.get_execution_options().get("medianest_readonly")
    raw: Any = connection.connection.driver_connection
    # A reader that later wants to write would fail at once with "database is locked": writers queue up from the start.
    raw.begin("BEGIN" if readonly else "BEGIN IMMEDIATE")
