"""Which records a sync of single titles is about: those of the titles, and of all that hangs under them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from medianest_core.domain.library.stored.bulk import select_rows
from medianest_core.store.engine import Tx
from medianest_core.store.tables.library import library_sources, records, titles

_LEVELS = 4


async def keys_of(tx: Tx, title_ids: Sequence[int] | None) -> dict[str, list[str]]:
    """instance id → keys there, parents before children; empty where no titles are named."""
    level = list(dict.fromkeys(title_ids or ()))
    wanted = list(level)
    for _ in range(_LEVELS):
        if not level:
            break
        rows = await select_rows(tx, select(titles.c.id), titles.c.parent_id, level)
        level = sorted({row[0] for row in rows} - set(wanted))
        wanted += level
    statement = select(library_sources.c.instance_id, records.c.key, records.c.title_id).join(
        library_sources, library_sources.c.id == records.c.source
    )
    place = {title: number for number, title in enumerate(wanted)}
    rows = await select_rows(tx, statement, records.c.title_id, wanted)
    found: dict[str, list[str]] = {}
    for instance, key, _ in sorted(rows, key=lambda row: (place[row[2]], row[0], row[1])):
        found.setdefault(instance, []).append(key)
    return found
