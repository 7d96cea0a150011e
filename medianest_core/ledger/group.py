"""Group commit: ledger writes that arrive while another is under way share the next transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from medianest_core.base.tasks import spawn
from medianest_core.store.engine import Database, Tx
from medianest_core.store.errors import DatabaseAway

T = TypeVar("T")
_LARGEST = 64

_Operation = Callable[[Tx], Awaitable[Any]]


class GroupCommit:
    """Short write operations of one process. An operation may run twice, when one that shared its transaction failed."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._waiting: list[tuple[_Operation, asyncio.Future[Any]]] = []
        self._busy = False

    async def run(self, operation: Callable[[Tx], Awaitable[T]]) -> T:
        """The operation's result, once it is durable. Raises what the operation or the database raised."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((operation, future))
        if not self._busy:
            self._busy = True
            spawn(self._drain(), "ledger group commit")
        return await future

    async def _drain(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:_LARGEST], self._waiting[_LARGEST:]
                await self._commit(batch)
        finally:
            self._busy = False

    async def _commit(self, batch: list[tuple[_Operation, asyncio.Future[Any]]]) -> None:
        try:
            async with self._db.begin() as tx:
                results = [await operation(tx) for operation, _ in batch]
        except DatabaseAway as error:
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        except Exception as error:
            if len(batch) > 1:
                # One of them spoiled it for all; alone, only that one fails.
                for entry in batch:
                    await self._commit([entry])
            elif not batch[0][1].done():
                batch[0][1].set_exception(error)
            return
        except BaseException:
            for _, future in batch:
                future.cancel()
            raise
        for (_, future), result in zip(batch, results, strict=True):
            if not future.done():
                future.set_result(result)
