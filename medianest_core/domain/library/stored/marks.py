"""Reads and writes what admins said of titles (`holds.Marks`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import select

from medianest_core.domain.library.holds import Marks, holds_as_json, locks_as_json, marks_of
from medianest_core.domain.library.stored.bulk import select_rows, upsert_rows
from medianest_core.sdk.storage import Transaction
from medianest_core.store.tables.library import title_locks


async def load_marks(tx: Transaction, title_ids: Collection[int]) -> dict[int, Marks]:
    """title id → marks, of those that have any."""
    statement = select(
        title_locks.c.title_id, title_locks.c.locks, title_locks.c.holds, title_locks.c.version
    )
    return {
        title: marks_of(locks, holds, version)
        for title, locks, holds, version in await select_rows(
            tx, statement, title_locks.c.title_id, title_ids
        )
    }


async def store_marks(tx: Transaction, marks: Mapping[int, Marks]) -> None:
    """Overwrites them; each version counts on."""
    await upsert_rows(
        tx,
        title_locks,
        [
            {
                "title_id": title,
                "locks": locks_as_json(one),
                "holds": holds_as_json(one),
                "version": one.version + 1,
            }
            for title, one in marks.items()
        ],
    )
