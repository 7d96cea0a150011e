"""Transactions all of whose statements are known at their end: sent in one go, without a conversation.

On SQLite those that wait are handed over to a connection's thread together, each a transaction of its own: a turn of that thread
costs about as much as the transaction. On PostgreSQL a single statement is one way to the server and back instead of three.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, cast

from medianest_core.base.tasks import spawn
from medianest_core.store.asyncio_only import AsyncConnection
from medianest_core.store.errors import DatabaseAway
from medianest_core.store.sqlite import OneTurnConnection
from medianest_core.store.written import Said

_TOGETHER = 16
"""Transactions that a turn of SQLite's thread holds at most: the first of them is told of its end with the last."""
_LANES = 8
"""Connections to PostgreSQL that are used at once: what they commit at the same time shares the disk's turn."""
_HELD_FOR = 64
"""Transactions after which a connection goes back to the pool, where others may wait for it."""

Shot = Sequence[Said]
_Entry = tuple[Shot, "asyncio.Future[bool]"]


class Shots:
    def __init__(
        self,
        dialect: str,
        connecting: Callable[[], AbstractAsyncContextManager[AsyncConnection]],
        turn: Callable[[], AbstractAsyncContextManager[None]],
        answered: Callable[[], None] = lambda: None,
    ) -> None:
        """turn: SQLite's one writer's. answered: is told that PostgreSQL did."""
        self._postgres = dialect == "postgresql"
        self._connecting = connecting
        self._turn = turn
        self._answered = answered
        self._waiting: deque[_Entry] = deque()
        self._open = 0

    async def fire(self, shot: Shot) -> bool:
        """Returns once it is durable. False: nothing of it was written, and who says it in a transaction learns why.

        Raises DatabaseAway, also where it is not known whether it was written.
        """
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((shot, future))
        if self._open < (_LANES if self._postgres else 1):
            self._open += 1
            spawn(self._lane(), "transactions in one go")
        return await future

    async def _lane(self) -> None:
        try:
            while self._waiting:
                if self._postgres:
                    await self._to_postgres()
                else:
                    await self._to_sqlite()
        except Exception as error:
            # Whoever waits is refused, as whoever would open a transaction now.
            away = error if isinstance(error, DatabaseAway) else DatabaseAway("The database does not answer.")
            while self._waiting:
                _tell(self._waiting.popleft()[1], away)
            if away is not error:
                raise
        finally:
            self._open -= 1

    def _next(self) -> _Entry | None:
        while self._waiting:
            entry = self._waiting.popleft()
            if not entry[1].done():
                return entry
        return None

    async def _to_sqlite(self) -> None:
        async with self._turn(), self._connecting() as connection:
            raw = cast(OneTurnConnection, _driver(connection))
            for _ in range(_HELD_FOR // _TOGETHER):
                batch: list[_Entry] = []
                while len(batch) < _TOGETHER and (entry := self._next()) is not None:
                    batch.append(entry)
                if not batch:
                    return
                try:
                    ends = await raw.shoot([shot for shot, _ in batch])
                except BaseException:
                    for _, future in batch:
                        _tell(future, DatabaseAway("The database does not answer."))
                    raise
                for (_, future), written in zip(batch, ends, strict=True):
                    _tell(future, written)

    async def _to_postgres(self) -> None:
        async with self._connecting() as connection:
            raw = _driver(connection)
            for _ in range(_HELD_FOR):
                entry = self._next()
                if entry is None:
                    return
                shot, future = entry
                try:
                    _tell(future, await self._said(raw, shot))
                except BaseException:
                    _tell(future, DatabaseAway("The database does not answer."))
                    raise

    async def _said(self, raw: Any, shot: Shot) -> bool:
        try:
            if len(shot) == 1 and len(shot[0][1]) == 1:
                await raw.execute(shot[0][0], *shot[0][1][0])
            else:
                async with raw.transaction():
                    for text, rows in shot:
                        await raw.executemany(text, rows)
        except Exception:
            # While the connection lives it is the server, or the driver before it, that refused.
            if raw.is_closed():
                raise
            return False
        self._answered()
        return True


def _driver(connection: AsyncConnection) -> Any:
    assert connection.sync_connection is not None
    return connection.sync_connection.connection.driver_connection


def _tell(future: asyncio.Future[bool], end: bool | Exception) -> None:
    if future.done():
        return
    if isinstance(end, Exception):
        future.set_exception(end)
    else:
        future.set_result(end)
