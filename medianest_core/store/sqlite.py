"""SQLite connections whose statements take one turn of their thread each.

aiosqlite's own cursor goes to the connection's thread and back to be made, to execute, to fetch and to be closed. Most of our
statements take less time than one such turn.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

import aiosqlite


class OneTurnCursor:
    """Made for one statement: executes it, reads all its rows and is done. What SQLAlchemy's adapter asks of a cursor."""

    def __init__(self, connection: OneTurnConnection) -> None:
        self._connection = connection
        self._rows: list[Any] = []
        self.description: Sequence[Any] | None = None
        self.lastrowid: int | None = None
        self.rowcount = -1

    async def execute(self, operation: str, parameters: Any = ()) -> None:
        """Run a statement and keep its rows."""
        await self._turn("execute", operation, parameters)

    async def executemany(self, operation: str, parameters: Iterable[Any]) -> None:
        """Run a statement for each of the parameters."""
        await self._turn("executemany", operation, parameters)

    async def fetchall(self) -> list[Any]:
        """The rows, once."""
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        """Nothing is left to close."""

    async def _turn(self, method: str, operation: str, parameters: Any) -> None:
        found = await self._connection.turn(method, operation, parameters)
        self.description, self.lastrowid, self.rowcount, self._rows = found


class OneTurnConnection(aiosqlite.Connection):
    async def cursor(self) -> OneTurnCursor:  # type: ignore[override]  # less than aiosqlite's own, and enough
        return OneTurnCursor(self)

    async def turn(self, method: str, operation: str, parameters: Any) -> tuple[Any, Any, int, list[Any]]:
        """Description, id of the last row, count and rows of a statement."""
        turn = self._execute(_run, self._conn, method, operation, parameters)  # type: ignore[no-untyped-call]  # its own
        found: tuple[Any, Any, int, list[Any]] = await turn
        return found


def _run(connection: sqlite3.Connection, method: str, operation: str, parameters: Any) -> Any:
    cursor = connection.cursor()
    try:
        getattr(cursor, method)(operation, parameters)
        rows = cursor.fetchall() if cursor.description else []
        return cursor.description, cursor.lastrowid, cursor.rowcount, rows
    finally:
        cursor.close()


def connecting(path: str) -> Callable[[], Awaitable[OneTurnConnection]]:
    """What makes a connection to the file at `path`, for `create_async_engine(async_creator=…)`."""

    async def connect() -> OneTurnConnection:
        # The engine sets up a new connection from the loop's thread; afterwards only its own thread uses it.
        made = OneTurnConnection(lambda: sqlite3.connect(path, check_same_thread=False), iter_chunk_size=64)
        made._thread.daemon = True
        await made
        return made

    return connect
