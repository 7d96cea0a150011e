"""What a run changed: its rows of `sync_changes`, page by page, with the titles they are about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, literal, select, tuple_

from medianest_core.domain.library.syncing.rehearsal import clipped
from medianest_core.domain.library.syncing.runs import Run
from medianest_core.store.engine import Database
from medianest_core.store.tables.library import sync_changes, titles


@dataclass(frozen=True, slots=True)
class RunChange:
    """A value that a run changed, or would change. title: as it is called now; empty where it is gone. path: field, or field and leaf;
    empty where the title itself came or went. Long values are cut short. id: None in a rehearsal."""

    id: int | None
    title_id: int
    title: str
    kind: str
    path: Sequence[str]
    before: Any
    after: Any
    instance_id: str | None
    rule: str


@dataclass(frozen=True, slots=True)
class RunChanges:
    """after: give it for the next page; None at the end."""

    items: Sequence[RunChange]
    after: int | None


async def run_changes(db: Database, run: Run, after: int = 0, limit: int = 100) -> RunChanges:
    """Title by title, of each in the order in which they were written; of a rehearsal what would be, at once."""
    if (would := run.counts.get("would")) is not None:
        return RunChanges(_would_change(would), None)
    async with db.read() as tx:
        rows = await tx.all(page_of(run.id, after, limit + 1))
    items = [
        RunChange(
            row["id"],
            row["title_id"],
            row["title"] or "",
            row["kind"] or "",
            tuple(row["path"]),
            clipped(row["before"]),
            clipped(row["after"]),
            row["instance_id"],
            row["rule"],
        )
        for row in rows[:limit]
    ]
    return RunChanges(items, items[-1].id if len(rows) > limit else None)


def page_of(run_id: int, after: int, limit: int) -> Select[Any]:
    """The rows after that one, as the index `ix_sync_changes_run` has them: however far on, no more than a page is read."""
    statement = (
        select(sync_changes, titles.c.title, titles.c.kind)
        .outerjoin(titles, titles.c.id == sync_changes.c.title_id)
        .where(sync_changes.c.run_id == run_id)
        .order_by(sync_changes.c.title_id, sync_changes.c.id)
        .limit(limit)
    )
    if not after:
        return statement
    title = select(sync_changes.c.title_id).where(sync_changes.c.id == after).scalar_subquery()
    return statement.where(tuple_(sync_changes.c.title_id, sync_changes.c.id) > tuple_(title, literal(after)))


def _would_change(would: dict[str, Any]) -> list[RunChange]:
    """Of a rehearsal's `counts`."""
    return [
        RunChange(
            None,
            one["title_id"],
            one["title"] or "",
            "",
            tuple(one["path"]),
            one["before"],
            one["after"],
            one["instance_id"],
            one["rule"],
        )
        for one in would["changes"]
    ]
