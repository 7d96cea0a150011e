"""An open transaction, and the small differences between the two databases that its users need not know."""

from __future__ import annotations

import inspect
import sqlite3
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, cast

from sqlalchemy import Connection, CursorResult, Executable, Table, UpdateBase, text
from sqlalchemy.dialects.postgresql import Insert as PostgresInsert
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import RowMapping
from sqlalchemy.exc import DBAPIError

from medianest_core.base.logging import get_logger
from medianest_core.sdk.storage import Transaction
from medianest_core.store.asyncio_only import AsyncConnection
from medianest_core.store.written import Insertion, Said, Worded, without_nul

_log = get_logger(__name__)
_ALONE = text("SELECT pg_advisory_xact_lock(7130003, hashtext(:key))")


class Tx:
    """An open transaction; satisfies `medianest_core.sdk.storage.Transaction`."""

    def __init__(
        self,
        connection: AsyncConnection | None,
        dialect: str,
        opening: Callable[[], Awaitable[AsyncConnection]] | None = None,
    ) -> None:
        """opening: begins it, before its first statement that wants an answer; needed where there is no connection yet."""
        self._connection = connection
        self._opening = opening
        self.dialect = dialect
        self.deferred: list[Said] = []
        """What was written down, but not yet said to the database."""
        self._last: list[Callable[[], Awaitable[None]]] = []
        self._callbacks: list[Callable[[], Awaitable[None] | None]] = []
        self.written: set[str] = set()
        """Names of the tables that were written to, as far as statements were not given as text."""

    @property
    def connection(self) -> AsyncConnection:
        """Its connection, once it is `connected`."""
        if self._connection is None:
            raise RuntimeError("This transaction has not begun yet: await tx.connected() first.")
        return self._connection

    @property
    def begun(self) -> bool:
        """Has it said anything to the database?"""
        return self._connection is not None

    async def connected(self) -> AsyncConnection:
        """Its connection, with everything said that was written down before."""
        if self._connection is None:
            assert self._opening is not None
            self._connection = await self._opening()
        if self.deferred:
            deferred, self.deferred = self.deferred, []
            for operation, rows in deferred:
                await self._connection.exec_driver_sql(operation, rows if len(rows) > 1 else rows[0])
        return self._connection

    def insert_later(self, insertion: Insertion, rows: Iterable[Mapping[str, Any]]) -> None:
        """Insert at the latest before the next statement, or at the end; only then is a mistake in the rows known."""
        operation = insertion.text(self.dialect)
        made = [insertion.row(self.dialect, row) for row in rows]
        self.written.add(insertion.table)
        if self.deferred and self.deferred[-1][0] == operation:
            self.deferred[-1][1].extend(made)
        elif made:
            self.deferred.append((operation, made))

    async def ask(self, statement: Worded, values: tuple[Any, ...]) -> Sequence[Sequence[Any]]:
        """The rows that a statement in the driver's own words returns. JSON comes as text."""
        connection = await self.connected()
        operation = statement.text(self.dialect)
        assert connection.sync_connection is not None
        raw: Any = connection.sync_connection.connection.driver_connection
        if self.dialect == "postgresql":
            values = tuple(map(without_nul, values))
            if not raw.is_in_transaction():
                # SQLAlchemy begins it, with its first statement.
                return (await connection.exec_driver_sql(operation, values)).all()
            return await _asked(raw, operation, values)
        try:
            _, _, _, rows = await raw.turn("execute", operation, values)
        except sqlite3.Error as error:
            # As SQLAlchemy would have raised it.
            raise DBAPIError.instance(operation, values, error, sqlite3.Error) from error
        return cast(list[Sequence[Any]], rows)

    async def execute(
        self, statement: Executable, parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> CursorResult[Any]:
        if isinstance(statement, UpdateBase):
            self.written.add(cast(Table, statement.table).name)
        connection = self._connection
        if connection is None or self.deferred:
            connection = await self.connected()
        return await connection.execute(statement, parameters)

    async def all(
        self, statement: Executable, parameters: Mapping[str, Any] | None = None
    ) -> list[RowMapping]:
        return list((await self.execute(statement, parameters)).mappings())

    async def first(
        self, statement: Executable, parameters: Mapping[str, Any] | None = None
    ) -> RowMapping | None:
        return (await self.execute(statement, parameters)).mappings().first()

    async def one(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> RowMapping:
        return (await self.execute(statement, parameters)).mappings().one()

    async def scalar(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Any:
        return (await self.execute(statement, parameters)).scalar()

    def insert(self, table: Table) -> PostgresInsert:
        """INSERT with `on_conflict_do_update` and `on_conflict_do_nothing`, which both dialects spell alike."""
        if self.dialect == "postgresql":
            return postgres_insert(table)
        return sqlite_insert(table)  # type: ignore[return-value]  # same methods, no common base class in SQLAlchemy

    async def alone(self, key: str) -> None:
        """Until the end of this transaction no other one that asked for the same key goes on.

        For decisions that rest on many rows, or on there being none. On SQLite every writing transaction is alone anyway.
        """
        if self.dialect == "postgresql":
            await (await self.connected()).execute(_ALONE, {"key": key})

    def before_commit(self, callback: Callable[[], Awaitable[None]]) -> None:
        """Call as the last of this transaction's work, in the order they were given."""
        self._last.append(callback)

    def after_commit(self, callback: Callable[[], Awaitable[None] | None]) -> None:
        self._callbacks.append(callback)

    async def run_last(self) -> None:
        """Called by `Database.begin` at the end of the block. What one of them adds comes last."""
        while self._last:
            await self._last.pop(0)()

    async def run_callbacks(self) -> None:
        """Called by `Database.begin` once the commit is durable; a failing callback cannot undo it."""
        for callback in self._callbacks:
            try:
                result = callback()
                if inspect.isawaitable(result):
                    await result
            except Exception:
                _log.exception("after-commit callback failed")


async def _asked(raw: Any, operation: str, values: tuple[Any, ...]) -> Sequence[Sequence[Any]]:
    """Rows from PostgreSQL's driver; what it raises is told as SQLAlchemy would."""
    from asyncpg import PostgresError

    try:
        return cast(Sequence[Sequence[Any]], await raw.fetch(operation, *values))
    except PostgresError as error:
        raise DBAPIError.instance(operation, values, error, PostgresError) from error


class Reads(Tx):
    """Reading statements on PostgreSQL, each a transaction of its own."""

    async def execute(
        self, statement: Executable, parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> CursorResult[Any]:
        """RuntimeError for what writes: it would be committed at once, also where the caller fails afterwards."""
        if getattr(statement, "is_dml", False):
            raise RuntimeError("This is for reading; write in Database.begin().")
        return await super().execute(statement, parameters)


class Glance(Tx):
    """A reading transaction on SQLite whose statements run where they are called."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(None, "sqlite")
        self._here = connection

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


async def alone(tx: Transaction, key: str) -> None:
    """`Tx.alone` for those who were handed a transaction of the SDK's."""
    await cast(Tx, tx).alone(key)
