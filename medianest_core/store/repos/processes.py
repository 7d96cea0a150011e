"""The processes of the portal, as the states of plugins in them say that they are there."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from medianest_core.store.engine import Database
from medianest_core.store.tables.plugins import plugin_states


@dataclass(frozen=True, slots=True)
class ProcessSeen:
    """process: machine and number. seen_at: when it last said something of itself. plugins: how many it has loaded."""

    process: str
    seen_at: float
    plugins: int


async def processes_seen(db: Database) -> list[ProcessSeen]:
    """By name."""
    statement = (
        select(plugin_states.c.process, func.max(plugin_states.c.seen_at), func.count())
        .group_by(plugin_states.c.process)
        .order_by(plugin_states.c.process)
    )
    async with db.read() as tx:
        return [ProcessSeen(*row) for row in (await tx.execute(statement)).all()]
