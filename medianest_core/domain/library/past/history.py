"""What changed in the library, when, why and by whom: of a title, in pages; and how long all changes are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from sqlalchemy import Select, delete, select
from sqlalchemy.engine import RowMapping

from medianest_core.base.clock import Clock
from medianest_core.base.texts import N_
from medianest_core.domain.library.merge import Path
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.jobs import Job, JobContext, Retry, Schedule
from medianest_core.store.engine import Database
from medianest_core.store.tables.library import sync_changes, sync_runs, titles
from medianest_core.store.transaction import alone

JOB = "library.history"
DAY = 86400.0
KEEP_DAYS = 365
_EVERY = 6 * 3600.0
_PART = 5000


class HistoryArgs(BaseModel):
    """Everything that is too old."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A value that changed. path: empty for the title itself, ("holdings",) for the servers that have it, ("origins",) for values that
    only come from elsewhere. source, before_from: instance ids, or `merge.LOCK`. actor: user id of who wanted it, None for a sync that ran by
    itself. title: its present name, "" where it is gone. rule: see `changes.Rule`."""

    id: int
    run_id: int
    title_id: int
    title: str
    at: float
    path: Path
    before: Any
    after: Any
    source: str | None
    before_from: str | None
    rule: str
    actor: str | None


@dataclass(frozen=True, slots=True)
class Entries:
    """cursor: what the next page is asked for with; None on the last."""

    items: Sequence[Entry]
    cursor: str | None


class History:
    """keep_days: how long changes are kept; 0 for ever."""

    def __init__(self, db: Database, clock: Clock, *, keep_days: float = KEEP_DAYS) -> None:
        self._db = db
        self._clock = clock
        self._keep = keep_days * DAY

    def jobs(self) -> list[Job[Any]]:
        return [
            Job(
                JOB,
                self._prune,
                HistoryArgs,
                title=N_("Forget old changes of the library"),
                limit=1,
                retry=Retry(attempts=1),
                schedule=Schedule(every=_EVERY),
                unique_by=lambda args: "all",
            )
        ]

    async def of_title(
        self, title_id: int, *, path: Path | None = None, cursor: str | None = None, limit: int = 50
    ) -> Entries:
        """Newest first. path: only what concerns this value. Raises UserError for a cursor that is not ours."""
        statement = _entries().where(sync_changes.c.title_id == title_id).order_by(sync_changes.c.id.desc())
        found: list[Entry] = []
        before = _number(cursor) if cursor else None
        async with self._db.read() as tx:
            while len(found) <= limit:
                part = statement if before is None else statement.where(sync_changes.c.id < before)
                rows = await tx.all(part.limit(limit + 1))
                entries = [_entry(row) for row in rows]
                found += [one for one in entries if path is None or one.path == path]
                if len(rows) <= limit:
                    break
                before = rows[-1]["id"]
        more = len(found) > limit
        return Entries(found[:limit], str(found[limit - 1].id) if more else None)

    async def _prune(self, ctx: JobContext, args: HistoryArgs) -> dict[str, int]:
        removed = 0
        before = self._clock.now() - self._keep
        while self._keep > 0:
            # Numbers grow with time: the oldest are the first.
            async with ctx.begin() as tx:
                await alone(tx, "library")
                oldest = select(sync_changes.c.id, sync_changes.c.at).order_by(sync_changes.c.id).limit(_PART)
                rows = (await tx.execute(oldest)).all()
                old = [row[0] for row in rows if row[1] < before]
                if not old:
                    break
                await tx.execute(delete(sync_changes).where(sync_changes.c.id <= old[-1]))
            removed += len(old)
            ctx.check_cancelled()
            if len(old) < _PART:
                break
        return {"removed": removed}


def _entries() -> Select[Any]:
    return select(sync_changes, sync_runs.c.requested_by, titles.c.title).select_from(
        sync_changes.outerjoin(sync_runs, sync_runs.c.id == sync_changes.c.run_id).outerjoin(
            titles, titles.c.id == sync_changes.c.title_id
        )
    )


def _entry(row: RowMapping) -> Entry:
    return Entry(
        id=row["id"],
        run_id=row["run_id"],
        title_id=row["title_id"],
        title=row["title"] or "",
        at=row["at"],
        path=tuple(row["path"]),
        before=row["before"],
        after=row["after"],
        source="lock" if row["rule"] == "lock" else row["instance_id"],
        before_from=row["before_from"],
        rule=row["rule"],
        actor=row["actor"] or row["requested_by"],
    )


def _number(cursor: str) -> int:
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) < 16):
        raise UserError(N_("This place in the list is not known; start again."), "cursor")
    return int(cursor)
