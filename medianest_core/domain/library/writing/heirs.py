"""What pointed to a title that went into another points to that one: locks, whatever names titles, and addresses.

A column that names a title is found by its `info`, so that the library need not know who names them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Table, delete, select, update

from medianest_core.store.engine import Tx
from medianest_core.store.tables.all import core_metadata
from medianest_core.store.tables.base import NAMES_A_TITLE
from medianest_core.store.tables.decisions import title_aliases
from medianest_core.store.tables.library import title_locks


def heirs_of(empty: Sequence[int], went: Mapping[int, Sequence[int]]) -> dict[int, int]:
    """Title without records → the title most of its records went to. went: title → where each of its records went."""
    found: dict[int, int] = {}
    for title in empty:
        counts = Counter(went.get(title, ()))
        if counts:
            found[title] = min(counts, key=lambda one: (-counts[one], one))
    return found


async def follow(tx: Tx, heirs: Mapping[int, int], now: float) -> None:
    """In the caller's transaction, before the old titles are deleted and the new ones merged."""
    for old, title in sorted(heirs.items()):
        await _inherit_locks(tx, old, title)
        for table, column, _ in naming():
            await tx.execute(update(table).where(table.c[column] == old).values({column: title}))
        await tx.execute(
            update(title_aliases).where(title_aliases.c.title_id == old).values(title_id=title, at=now)
        )
        await tx.execute(
            tx.insert(title_aliases)
            .values(old_id=old, title_id=title, at=now)
            .on_conflict_do_update(index_elements=["old_id"], set_={"title_id": title, "at": now})
        )


async def _inherit_locks(tx: Tx, old: int, title: int) -> None:
    """A lock of the remaining title stands; what it does not lock, the other's locks do."""
    rows = {
        row["title_id"]: row
        for row in await tx.all(select(title_locks).where(title_locks.c.title_id.in_((old, title))))
    }
    if old not in rows:
        return
    left = rows[old]["locks"]
    if title not in rows:
        await tx.execute(update(title_locks).where(title_locks.c.title_id == old).values(title_id=title))
        return
    locked = {tuple(one[0]) for one in rows[title]["locks"]}
    more = [one for one in left if tuple(one[0]) not in locked]
    if more:
        await tx.execute(
            update(title_locks)
            .where(title_locks.c.title_id == title)
            .values(locks=[*rows[title]["locks"], *more], version=title_locks.c.version + 1)
        )
    await tx.execute(delete(title_locks).where(title_locks.c.title_id == old))


@cache
def naming() -> list[tuple[Table, str, str]]:
    """(table, column with the id of a title, primary key) of whatever names titles."""
    return [
        (table, column.name, next(iter(table.primary_key)).name)
        for table in core_metadata().sorted_tables
        for column in table.columns
        if column.info.get(NAMES_A_TITLE)
    ]


async def living(tx: Tx, title_id: int) -> int | None:
    """The title that one which is gone went into."""
    found: Any = await tx.scalar(select(title_aliases.c.title_id).where(title_aliases.c.old_id == title_id))
    return None if found is None else int(found)
