"""Collections: a stored copy of what servers have, and writes that go to the server and are then read again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import delete, select

from medianest_core.host.instances import Handle
from medianest_core.sdk.media import Collection, MediaCapability, MediaSource
from medianest_core.sdk.storage import Transaction
from medianest_core.store.engine import Database, Tx
from medianest_core.store.tables.library import collection_items, collections

Begin = Callable[[], AbstractAsyncContextManager[Transaction]]
_AT_ONCE = 3


@dataclass(frozen=True, slots=True)
class StoredCollection:
    instance_id: str
    key: str
    library: str
    title: str
    summary: str
    count: int
    image: str | None
    smart: bool


class CollectionReader:
    """Reads a source's collections and stores real differences."""

    def __init__(self, db: Database, begin: Begin, handle: Handle[MediaSource]) -> None:
        self._db = db
        self._begin = begin
        self._handle = handle
        self._instance = handle.instance.id

    async def library(self, library: str) -> int:
        """All collections of one library; returns how many changed. Without the capability there are none."""
        if not self._handle.can(MediaCapability.COLLECTIONS):
            return 0
        found = await self._handle.api.collections(library)
        slots = asyncio.Semaphore(_AT_ONCE)

        async def read(one: Collection) -> tuple[Collection, Sequence[str]]:
            async with slots:
                return one, await self._handle.api.collection_items(one.key)

        return await self._store(library, await asyncio.gather(*(read(one) for one in found)), whole=True)

    async def one(self, found: Collection) -> None:
        """One collection, as the server has it now."""
        items = await self._handle.api.collection_items(found.key)
        await self._store(found.library, [(found, items)], whole=False)

    async def _store(
        self, library: str, found: Sequence[tuple[Collection, Sequence[str]]], *, whole: bool
    ) -> int:
        async with self._db.read() as reading:
            rows = {
                row["key"]: dict(row)
                for row in await reading.all(
                    select(collections).where(
                        collections.c.instance_id == self._instance, collections.c.library == library
                    )
                )
            }
            items = await _items(reading, self._instance, [one.key for one, _ in found])
        changed = [
            (one, keys)
            for one, keys in found
            if rows.get(one.key) != self._row(one) or items.get(one.key, []) != list(keys)
        ]
        gone = rows.keys() - {one.key for one, _ in found} if whole else set()
        if not changed and not gone:
            return 0
        async with self._begin() as transaction:
            tx = cast(Tx, transaction)
            for one, keys in changed:
                row = self._row(one)
                await tx.execute(
                    tx.insert(collections)
                    .values(**row)
                    .on_conflict_do_update(index_elements=["instance_id", "key"], set_=row)
                )
                await self._drop_items(tx, one.key)
                if keys:
                    await tx.execute(
                        collection_items.insert(),
                        [
                            {
                                "instance_id": self._instance,
                                "collection": one.key,
                                "position": position,
                                "key": key,
                            }
                            for position, key in enumerate(keys)
                        ],
                    )
            for key in gone:
                await tx.execute(
                    delete(collections).where(
                        collections.c.instance_id == self._instance, collections.c.key == key
                    )
                )
                await self._drop_items(tx, key)
        return len(changed) + len(gone)

    async def _drop_items(self, tx: Tx, key: str) -> None:
        await tx.execute(
            delete(collection_items).where(
                collection_items.c.instance_id == self._instance, collection_items.c.collection == key
            )
        )

    def _row(self, one: Collection) -> dict[str, Any]:
        return {
            "instance_id": self._instance,
            "key": one.key,
            "library": one.library,
            "title": one.title,
            "summary": one.summary,
            "count": one.count,
            "image": one.image,
            "smart": one.smart,
        }


async def _items(tx: Tx, instance_id: str, keys: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for start in range(0, len(keys), 500):
        rows = await tx.all(
            select(collection_items.c.collection, collection_items.c.key)
            .where(
                collection_items.c.instance_id == instance_id,
                collection_items.c.collection.in_(keys[start : start + 500]),
            )
            .order_by(collection_items.c.collection, collection_items.c.position)
        )
        for row in rows:
            found.setdefault(row["collection"], []).append(row["key"])
    return found
