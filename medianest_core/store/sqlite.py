"""SQLite connections whose statements take one turn of their thread each.

aiosqlite's own cursor goes to the connection's thread and back to be made, to execute, to fetch and to be closed. Most of our
statements take less time than one such turn. So a transaction begins in the turn of its first statement, and what would end none
takes no turn at all.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import stat
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
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
    _begin: str | None = None
    _abandoned = False
    """Whoever waited for a turn went away; the thread may still be at it, or about to begin."""

    def begin(self, how: str) -> None:
        """Begin a transaction by this statement, before the next one. Raises nothing: that one does, where another writes."""
        self._begin = how

    async def commit(self) -> None:
        if self._open():
            await super().commit()

    async def rollback(self) -> None:
        if self._open():
            await super().rollback()

    def _open(self) -> bool:
        self._begin = None
        abandoned, self._abandoned = self._abandoned, False
        return abandoned or self._conn.in_transaction

    async def cursor(self) -> OneTurnCursor:  # type: ignore[override]  # less than aiosqlite's own, and enough
        return OneTurnCursor(self)

    async def turn(self, method: str, operation: str, parameters: Any) -> tuple[Any, Any, int, list[Any]]:
        """Description, id of the last row, count and rows of a statement."""
        begin, self._begin = self._begin, None
        turn = self._execute(_run, self._conn, begin, method, operation, parameters)  # type: ignore[no-untyped-call]  # its own
        try:
            found: tuple[Any, Any, int, list[Any]] = await turn
        except asyncio.CancelledError:
            self._abandoned = True
            raise
        return found

    async def shoot(self, shots: Sequence[Sequence[tuple[str, list[tuple[Any, ...]]]]]) -> list[bool]:
        """Each of them (texts with the rows they are said for) in a transaction of its own. Was it written?"""
        turn = self._execute(_shoot, self._conn, shots)  # type: ignore[no-untyped-call]  # its own
        try:
            ends: list[bool] = await turn
        except asyncio.CancelledError:
            self._abandoned = True
            raise
        return ends


def _shoot(
    connection: sqlite3.Connection, shots: Sequence[Sequence[tuple[str, list[tuple[Any, ...]]]]]
) -> list[bool]:
    ends: list[bool] = []
    cursor = connection.cursor()
    for shot in shots:
        try:
            cursor.execute("BEGIN IMMEDIATE")
            for operation, rows in shot:
                if len(rows) == 1:
                    cursor.execute(operation, rows[0])
                else:
                    cursor.executemany(operation, rows)
            cursor.execute("COMMIT")
        except Exception:
            # Whatever it was: whoever says it again, alone, is told.
            if connection.in_transaction:
                cursor.execute("ROLLBACK")
            ends.append(False)
        else:
            ends.append(True)
    cursor.close()
    return ends


def _run(
    connection: sqlite3.Connection, begin: str | None, method: str, operation: str, parameters: Any
) -> Any:
    cursor = connection.cursor()
    try:
        if begin is not None:
            cursor.execute(begin)
        getattr(cursor, method)(operation, parameters)
        rows = cursor.fetchall() if cursor.description else []
        return cursor.description, cursor.lastrowid, cursor.rowcount, rows
    finally:
        cursor.close()


def make_private(path: str | Path) -> None:
    """Make the file where it is missing, for this account alone: it will hold people's names and what was asked for.

    SQLite gives the files that it makes beside it the same mode.
    """
    if str(path) == ":memory:":
        return
    # Where it cannot be made, SQLite says so.
    with contextlib.suppress(OSError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def correct_modes(path: str | Path) -> None:
    """Take the file, those that SQLite made beside it and its copy from before a migration from other accounts, as far as they are ours.

    By their names: closing a file gives up the locks that this process has on it.
    """
    for name in (path, f"{path}-wal", f"{path}-shm", copied_to(path)):
        with contextlib.suppress(OSError):
            if others_read(name):
                Path(name).chmod(0o600)


def copied_to(path: str | Path) -> Path:
    """Where the copy of the database goes that is made before a migration."""
    return Path(path).with_suffix(".before-migration.db")


def others_read(path: str | Path) -> bool:
    """Whether other accounts may read or write it. Raises FileNotFoundError."""
    return bool(Path(path).stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))


def connecting(path: str) -> Callable[[], Awaitable[OneTurnConnection]]:
    """What makes a connection to the file at `path`, for `create_async_engine(async_creator=…)`."""

    def opened() -> sqlite3.Connection:
        make_private(path)
        return sqlite3.connect(path, check_same_thread=False)

    async def connect() -> OneTurnConnection:
        # The engine sets up a new connection from the loop's thread; afterwards only its own thread uses it.
        made = OneTurnConnection(opened, iter_chunk_size=64)
        made._thread.daemon = True
        await made
        return made

    return connect
