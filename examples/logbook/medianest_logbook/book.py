"""Writing and reading the book."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, insert, select

from medianest_core.sdk import Event, PluginContext
from medianest_core.sdk.storage import Transaction
from medianest_logbook.tables import entries

LONGEST = 2000
"""Letters of what an event told."""


@dataclass(frozen=True, slots=True)
class Entry:
    """at: epoch seconds. event: its name, e.g. "request:update". told: its fields as JSON."""

    id: int
    at: float
    event: str
    told: str


async def note(context: PluginContext, event: Event) -> None:
    """The listener: it hears every event there is, the core's and those of all plugins."""
    if event.transient:
        return  # How far something is, many times a second: nothing that a book should hold.
    told = json.dumps(event.model_dump(mode="json"), ensure_ascii=False)[:LONGEST]
    async with context.begin() as tx:
        await tx.execute(insert(entries).values(at=time.time(), event=event.name, told=told))


async def latest(tx: Transaction, limit: int, before: int | None = None, event: str = "") -> Sequence[Entry]:
    """The newest first. before: only entries older than that one. event: the beginning of its name."""
    wanted = select(entries).order_by(entries.c.id.desc()).limit(limit)
    if before is not None:
        wanted = wanted.where(entries.c.id < before)
    if event:
        wanted = wanted.where(entries.c.event.startswith(event, autoescape=True))
    return [Entry(row.id, row.at, row.event, row.told) for row in (await tx.execute(wanted)).all()]


async def forget(tx: Transaction, before: float) -> int:
    """Tear out what is older than `before` (epoch seconds) → how many entries."""
    return (await tx.execute(delete(entries).where(entries.c.at < before))).rowcount
