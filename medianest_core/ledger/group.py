"""Group commit: ledger writes that arrive while another is under way share the next transaction.

Writes of the same kind can share their statements as well: see `merged`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from medianest_core.base.tasks import spawn
from medianest_core.store.engine import Database, Tx
from medianest_core.store.errors import DatabaseAway

T = TypeVar("T")
I = TypeVar("I")  # noqa: E741  # an item
_LARGEST = 128
_TURNS = 8
"""Turns of the loop that a transaction waits for company: those whom the last one woke come one after another, but soon."""

Work = Callable[[Tx, Sequence[I]], Awaitable[Sequence[T]]]


@dataclass(slots=True, eq=False)
class _Entry:
    work: Work[Any, Any]
    item: Any
    future: asyncio.Future[Any]


class GroupCommit:
    """Short write operations of one process. An operation may run twice, when one that shared its transaction failed."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._waiting: list[_Entry] = []
        self._busy = False

    async def run(self, operation: Callable[[Tx], Awaitable[T]]) -> T:
        """The operation's result, once it is durable. Raises what the operation or the database raised."""
        return await self.merged(_singly, operation)

    def merged(self, work: Work[I, T], item: I) -> asyncio.Future[T]:
        """`work(tx, items)` is called once for all items that came for it meanwhile; this is the item's share of the result.

        Kinds of work are done in the order in which they first came. Takes its place in the queue at once, also before it is
        awaited.
        """
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Entry(work, item, future))
        if not self._busy:
            self._busy = True
            spawn(self._drain(), "ledger group commit")
        return future

    async def _drain(self) -> None:
        try:
            while self._waiting:
                for _ in range(_TURNS):
                    await asyncio.sleep(0)
                batch, self._waiting = self._waiting[:_LARGEST], self._waiting[_LARGEST:]
                await self._commit(batch)
        finally:
            self._busy = False

    async def _commit(self, batch: list[_Entry]) -> None:
        together: dict[Any, list[_Entry]] = {}
        for entry in batch:
            together.setdefault(entry.work, []).append(entry)

        async def write(tx: Tx) -> list[tuple[_Entry, Any]]:
            settled: list[tuple[_Entry, Any]] = []
            for work, entries in together.items():
                results = await work(tx, [entry.item for entry in entries])
                settled += zip(entries, results, strict=True)
            return settled

        try:
            settled = await self._db.run(write)
        except DatabaseAway as error:
            _refuse(batch, error)
            return
        except Exception as error:
            if len(batch) > 1:
                # One of them spoiled it for all; alone, only that one fails.
                for entry in batch:
                    await self._commit([entry])
            else:
                _refuse(batch, error)
            return
        except BaseException:
            for entry in batch:
                entry.future.cancel()
            raise
        for entry, result in settled:
            if not entry.future.done():
                entry.future.set_result(result)


async def _singly(tx: Tx, operations: Sequence[Callable[[Tx], Awaitable[Any]]]) -> Sequence[Any]:
    return [await operation(tx) for operation in operations]


def _refuse(batch: list[_Entry], error: Exception) -> None:
    for entry in batch:
        if not entry.future.done():
            entry.future.set_exception(error)
