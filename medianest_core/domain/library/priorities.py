"""The admin's order of sources, per group of fields."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import delete, select

from medianest_core.domain.library.merge import Priorities
from medianest_core.store.engine import Tx
from medianest_core.store.tables.library import source_priorities


async def load_priorities(tx: Tx) -> Priorities:
    order: dict[str, dict[str, int]] = defaultdict(dict)
    for row in await tx.all(select(source_priorities)):
        order[row["field_group"]][row["instance_id"]] = row["priority"]
    return Priorities(dict(order))


async def store_priorities(tx: Tx, group: str, instance_ids: Sequence[str]) -> None:
    """The first has priority 1. An empty list means: no order for this group."""
    await tx.execute(delete(source_priorities).where(source_priorities.c.field_group == group))
    rows = [
        {"field_group": group, "instance_id": instance, "priority": number}
        for number, instance in enumerate(dict.fromkeys(instance_ids), start=1)
    ]
    if rows:
        await tx.execute(source_priorities.insert(), rows)
