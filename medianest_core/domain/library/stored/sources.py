"""Which instances hold media, by number, and the libraries they list."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import delete, select, update

from medianest_core.sdk.media import Library
from medianest_core.store.engine import Tx
from medianest_core.store.tables.decisions import identity_pairs
from medianest_core.store.tables.library import (
    collection_items,
    collections,
    libraries,
    library_sources,
    source_priorities,
)


async def numbers(tx: Tx, instance_ids: Collection[str]) -> dict[str, int]:
    """instance id → number, for all sources ever seen and still kept, and for `instance_ids`."""
    present = await _all(tx)
    missing = [instance for instance in instance_ids if instance not in present]
    for instance in missing:
        await tx.execute(
            tx.insert(library_sources)
            .values(instance_id=instance)
            .on_conflict_do_nothing(index_elements=["instance_id"])
        )
    return await _all(tx) if missing else present


async def _all(tx: Tx) -> dict[str, int]:
    rows = (await tx.execute(select(library_sources.c.instance_id, library_sources.c.id))).all()
    return dict(tuple(row) for row in rows)


async def library_changes(tx: Tx, instance_id: str, found: Sequence[Library]) -> list[dict[str, Any]]:
    """Rows of `libraries` that have to be written so that they say what the source says now."""
    stored = {
        row["key"]: row
        for row in await tx.all(select(libraries).where(libraries.c.instance_id == instance_id))
    }
    changed = []
    for position, library in enumerate(found):
        wanted = {
            "title": library.title,
            "kind": library.kind,
            "locations": list(library.locations),
            "position": position,
            "listed": True,
        }
        row = stored.pop(library.key, None)
        if row is None or any(row[name] != value for name, value in wanted.items()):
            changed.append({"instance_id": instance_id, "key": library.key, **wanted})
    changed += [
        {
            "instance_id": instance_id,
            "key": key,
            "listed": False,
            **{name: row[name] for name in ("title", "kind", "locations", "position")},
        }
        for key, row in stored.items()
        if row["listed"]
    ]
    return changed


async def store_libraries(
    tx: Tx, instance_id: str, changed: Sequence[dict[str, Any]], found: Sequence[Library]
) -> None:
    for values in changed:
        content = {name: value for name, value in values.items() if name not in ("instance_id", "key")}
        await tx.execute(
            tx.insert(libraries)
            .values(**values, held=0, released=False)
            .on_conflict_do_update(index_elements=["instance_id", "key"], set_=content)
        )


async def forget(tx: Tx, instance_id: str) -> None:
    """Everything but the records, which go through the merge. The number stays: records may still be on their way out."""
    for table in (libraries, collections, collection_items, source_priorities):
        await tx.execute(delete(table).where(table.c.instance_id == instance_id))
    await tx.execute(
        delete(identity_pairs).where(
            (identity_pairs.c.instance_a == instance_id) | (identity_pairs.c.instance_b == instance_id)
        )
    )
    await tx.execute(
        update(library_sources)
        .where(library_sources.c.instance_id == instance_id)
        .values(first_complete_at=None)
    )
