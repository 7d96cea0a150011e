"""A sync that writes nothing: everything is written as it would be, in one transaction, looked at, and taken back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import orjson
from sqlalchemy import func, select

from medianest_core.domain.library.stored import sources
from medianest_core.domain.library.syncing.work import Work, write
from medianest_core.domain.library.writing.finalize import Applied, Batch
from medianest_core.store.engine import Database, Tx
from medianest_core.store.tables.library import sync_changes, titles
from medianest_core.store.transaction import alone

MOST_RECORDS = 20_000
"""Records that one rehearsal looks at; what comes after them is only counted."""
MOST_SHOWN = 500
_LONGEST = 300


def _rounds(works: Sequence[Work]) -> Iterator[list[Work]]:
    """In the order in which they came, one of each source at a time, as they would be written."""
    now: dict[str, Work] = {}
    for work in works:
        if work.instance_id in now:
            yield list(now.values())
            now = {}
        now[work.instance_id] = work
    if now:
        yield list(now.values())


class _TakenBack(Exception):
    """Leaves the transaction, so that nothing of it is kept."""


class Rehearsal:
    """Keeps what would be written until all of it has come."""

    def __init__(self) -> None:
        self._work: list[Work] = []
        self._size = 0
        self.left_out = 0

    def keep(self, work: Work) -> None:
        size = len(work.incoming) + len(work.gone)
        if self._size + size > MOST_RECORDS:
            self.left_out += size
            return
        self._size += size
        self._work.append(work)

    async def play(self, db: Database, batch: Batch) -> tuple[Applied, dict[str, Any]]:
        """What would be done, and {"changes": [{"title_id", "title", "path", "before", "after", "instance_id", "rule"}], "added":
        [{"kind", "title", "year"}], "count": all changes, "left_out": records that were not looked at}."""
        applied, seen = Applied(), dict[str, Any]()
        try:
            async with db.begin() as tx:
                await alone(tx, "library")
                numbers = await sources.numbers(tx, [work.instance_id for work in self._work])
                batch.sources.update(numbers)
                for works in _rounds(self._work):
                    applied += await write(tx, batch, works)
                seen = await _look(tx, batch.run_id)
                raise _TakenBack
        except _TakenBack:
            pass
        await _name(db, seen["changes"])
        seen["left_out"] = self.left_out
        return applied, seen


async def _look(tx: Tx, run_id: int) -> dict[str, Any]:
    mine = sync_changes.c.run_id == run_id
    rows = await tx.all(
        select(sync_changes, titles.c.title)
        .outerjoin(titles, titles.c.id == sync_changes.c.title_id)
        .where(mine)
        .order_by(sync_changes.c.id)
        .limit(MOST_SHOWN)
    )
    added = await tx.all(
        select(titles.c.kind, titles.c.title, titles.c.year)
        .where(titles.c.created_run == run_id)
        .order_by(titles.c.id)
        .limit(MOST_SHOWN)
    )
    return {
        "changes": [
            {
                "title_id": row["title_id"],
                "title": row["title"],
                "path": list(row["path"]),
                "before": clipped(row["before"]),
                "after": clipped(row["after"]),
                "instance_id": row["instance_id"],
                "rule": row["rule"],
            }
            for row in rows
        ],
        "added": [dict(row) for row in added],
        "count": int(await tx.scalar(select(func.count()).select_from(sync_changes).where(mine)) or 0),
    }


async def _name(db: Database, changes: list[dict[str, Any]]) -> None:
    """Titles that would go have no row any more where the changes were looked at."""
    nameless = {one["title_id"] for one in changes if one["title"] is None}
    if not nameless:
        return
    async with db.read() as tx:
        rows = await tx.all(select(titles.c.id, titles.c.title).where(titles.c.id.in_(sorted(nameless))))
    names = {row["id"]: row["title"] for row in rows}
    for one in changes:
        one["title"] = one["title"] or names.get(one["title_id"], "")


def clipped(value: Any) -> Any:
    """A value as it is shown in lists: long ones cut short, as text."""
    if isinstance(value, str):
        return value if len(value) <= _LONGEST else value[: _LONGEST - 1] + "…"
    if isinstance(value, list | dict):
        text = orjson.dumps(value).decode()
        return value if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    return value
