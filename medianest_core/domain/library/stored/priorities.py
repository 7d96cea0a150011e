"""The admin's order of sources, per group of fields, as it is stored."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import groupby

from sqlalchemy import delete, select

from medianest_core.domain.library.merge import GROUPS, Priorities
from medianest_core.store.engine import Tx
from medianest_core.store.tables.library import source_priorities
from medianest_core.store.tables.plugins import instances

ALL = "*"
"""The group whose order holds where a group has none of its own."""
GROUP_NAMES: Sequence[str] = (ALL, *dict.fromkeys(GROUPS.values()), "other")

Ranks = Sequence[Sequence[str]]
"""Instance ids that count alike, rank by rank, the first rank first."""
Orders = Mapping[str, Ranks]
"""group → ranks. A group without an entry follows `ALL`."""


async def load_priorities(tx: Tx) -> Priorities:
    """Instances that are switched off come after all others: they only fill what nobody else says."""
    off = await tx.execute(select(instances.c.id).where(instances.c.enabled.is_(False)))
    return priorities_of(await load_orders(tx), [row[0] for row in off])


async def load_orders(tx: Tx) -> dict[str, list[list[str]]]:
    found: dict[str, list[list[str]]] = {}
    statement = select(source_priorities).order_by(
        source_priorities.c.field_group, source_priorities.c.priority, source_priorities.c.instance_id
    )
    rows = await tx.all(statement)
    for (group, _), same in groupby(rows, key=lambda row: (row["field_group"], row["priority"])):
        found.setdefault(group, []).append([row["instance_id"] for row in same])
    return found


def priorities_of(orders: Orders, off: Sequence[str] = ()) -> Priorities:
    order: dict[str, dict[str, int]] = defaultdict(dict)
    for group, ranks in orders.items():
        for number, rank in enumerate(ranks, start=1):
            order[group] |= dict.fromkeys(rank, number)
    return Priorities(dict(order), frozenset(off))


async def store_orders(tx: Tx, orders: Orders) -> None:
    """All of them; groups that are not named have no order of their own from now on. The first rank has priority 1. Who stands in a
    group twice counts where it stands first."""
    await tx.execute(delete(source_priorities))
    rows = []
    for group, ranks in orders.items():
        places: dict[str, int] = {}
        for number, rank in enumerate(ranks, start=1):
            for instance in rank:
                places.setdefault(instance, number)
        rows += [
            {"field_group": group, "instance_id": instance, "priority": number}
            for instance, number in places.items()
        ]
    if rows:
        await tx.execute(source_priorities.insert(), rows)
