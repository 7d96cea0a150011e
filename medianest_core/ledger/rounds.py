"""Many jobs in few statements: all attempts that ended meanwhile are written down at once, and as many new ones taken.

With one job a statement the database's round trips, not the jobs, would fill a worker's time.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import to_json

from medianest_core.base.texts import N_
from medianest_core.ledger.core import SEND_AGAIN_AFTER
from medianest_core.ledger.lease import Lease, Leases, Progress
from medianest_core.store.engine import Tx
from medianest_core.store.written import Worded, without_escaped_nul

_PARTS_FAILED = N_("Not all of its parts succeeded.")
_AT_MOST = 100
_CHILD = "EXISTS (SELECT 1 FROM jobs AS child WHERE child.parent_id = jobs.id AND child.state"
_UNFINISHED = f"{_CHILD} IN ('queued', 'leased', 'waiting'))"
_FAILED_PART = f"{_CHILD} = 'failed')"
_LEASE = tuple(Lease.__dataclass_fields__)
_OVER = ("id", "name", "title", "owner", "state", "error", "parent_id")


def _columns(names: Sequence[str]) -> str:
    return ", ".join(f"jobs.{name}" for name in names)


# States are written out: as parameters they would keep the database from using the indexes that cover queued jobs only.
_TAKE = f"""
    UPDATE jobs SET state = 'leased', attempt = attempt + 1, fence = fence + 1, worker = {{0}},
        lease_until = {{1}}, started_at = coalesce(started_at, {{2}}), send_at = NULL, unique_key = NULL, reason = NULL
    WHERE id IN (
        SELECT id FROM jobs
        WHERE state = 'queued' AND send_at <= {{3}} AND due_at <= {{2}} AND crashes = 0 AND name %s
        ORDER BY send_at LIMIT {{5}} %s
    ) RETURNING {_columns(_LEASE)}
"""
TAKE = Worded(
    _TAKE % ("IN (SELECT value FROM json_each({4}))", ""),
    _TAKE % ("= ANY({4})", "FOR UPDATE SKIP LOCKED"),
    parameters=6,
)
"""Parameters: worker, until, now, horizon, names, count."""
_FINISH = f"""
    UPDATE jobs SET
        state = CASE WHEN {_UNFINISHED} THEN 'waiting' WHEN {_FAILED_PART} THEN 'failed' ELSE 'done' END,
        error = CASE WHEN {_UNFINISHED} THEN NULL WHEN {_FAILED_PART} THEN CAST({{2}} AS text) ELSE NULL END,
        finished_at = CASE WHEN {_UNFINISHED} THEN NULL ELSE CAST({{1}} AS double precision) END,
        handled_at = CAST({{1}} AS double precision), unique_key = NULL, lease_until = NULL, reason = NULL, worker = NULL,
        result = ended.result,
        done = CASE WHEN ended.told THEN ended.done ELSE jobs.done END,
        total = CASE WHEN ended.told THEN ended.total ELSE jobs.total END,
        message = CASE WHEN ended.told THEN ended.message ELSE jobs.message END,
        facts = CASE WHEN ended.told THEN ended.facts ELSE jobs.facts END
    FROM %s
    WHERE jobs.id = ended.id AND jobs.fence = ended.fence AND jobs.state = 'leased'
    RETURNING {_columns(_OVER)}
"""
FINISH = Worded(
    _FINISH
    % """(SELECT value ->> 'id' AS id, value ->> 'fence' AS fence, value -> 'result' AS result,
        value ->> 'told' AS told, value ->> 'done' AS done, value ->> 'total' AS total, value ->> 'message' AS message,
        value -> 'facts' AS facts FROM json_each({0})) AS ended""",
    _FINISH
    % """jsonb_to_recordset(CAST(CAST({0} AS text) AS jsonb)) AS ended(
        id text, fence int, result jsonb, told bool, done float8, total float8, message text, facts jsonb)""",
    parameters=3,
)
"""Parameters: what ended as JSON, now, the error of those whose parts did not all succeed."""
_LOCK = Worded(
    "SELECT id FROM jobs WHERE id = ANY({0}) AND state = 'leased' ORDER BY id FOR UPDATE", parameters=1
)


@dataclass(frozen=True, slots=True)
class Ended:
    """An attempt that succeeded. result: JSON types. progress: what the row does not hold yet."""

    lease: Lease
    result: Any
    progress: Progress | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Up to `count` due jobs of any of these kinds, which have no limit, for this worker."""

    names: tuple[str, ...]
    worker: str
    count: int


class Rounds(Leases):
    """What a worker does all the time. Both take part in the group commit."""

    async def take(self, wanted: Wanted) -> Sequence[Lease]:
        """Claim what is due, longest waiting first. Jobs during which a process has died are left to `claim`."""
        return await self.group.merged(self._take_all, wanted)

    async def end(self, ended: Ended) -> bool:
        """`finish`, in a transaction that others share. False where the lease is lost."""
        return await self.group.merged(self._end_all, ended)

    async def end_and_take(self, ended: Ended, wanted: Wanted) -> tuple[bool, Sequence[Lease]]:
        """Both in one transaction."""
        kept, leases = await asyncio.gather(
            self.group.merged(self._end_all, ended),
            self.group.merged(self._take_all, wanted),
            return_exceptions=True,
        )
        if isinstance(leases, BaseException):
            leases = ()
        if isinstance(kept, BaseException):
            # They may have got into different transactions after all.
            for lease in leases:
                await self._let_go(lease)
            raise kept
        return kept, leases

    async def _let_go(self, lease: Lease) -> None:
        await self.group.run(lambda tx: self.hand_back(tx, lease))

    async def _take_all(self, tx: Tx, items: Sequence[Wanted]) -> Sequence[Sequence[Lease]]:
        found: list[list[Lease]] = [[] for _ in items]
        alike: dict[tuple[tuple[str, ...], str], list[int]] = {}
        for number, item in enumerate(items):
            alike.setdefault((item.names, item.worker), []).append(number)
        for (names, worker), numbers in alike.items():
            now = self.clock.now()
            rows = await tx.ask(
                TAKE,
                (
                    worker,
                    now + self.lease_seconds,
                    now,
                    now + SEND_AGAIN_AFTER,
                    list(names) if tx.dialect == "postgresql" else json.dumps(names),
                    min(_AT_MOST, sum(items[number].count for number in numbers)),
                ),
            )
            waiting = iter(rows)
            for number in numbers:
                for _ in range(items[number].count):
                    if (row := next(waiting, None)) is not None:
                        found[number].append(_lease_of(row))
        return found

    async def _end_all(self, tx: Tx, items: Sequence[Ended]) -> Sequence[bool]:
        if self.db.dialect == "postgresql":
            # Children are counted only under the lock, or the last of them could end unseen; in order, so that two of these
            # cannot wait for each other.
            await tx.ask(_LOCK, ([item.lease.id for item in items],))
        ended = to_json([_values(item) for item in items]).decode()
        if tx.dialect == "postgresql":
            ended = without_escaped_nul(ended)
        rows = await tx.ask(FINISH, (ended, self.clock.now(), _PARTS_FAILED))
        kept = {row[0]: dict(zip(_OVER, row, strict=True)) for row in rows}
        for item in items:
            if (row := kept.get(item.lease.id)) is not None:
                await self._over(tx, row, row["error"] or "")
        return [item.lease.id in kept for item in items]


def _lease_of(row: Sequence[Any]) -> Lease:
    values = dict(zip(_LEASE, row, strict=True))
    if isinstance(values["args"], str):
        values["args"] = json.loads(values["args"])
    return Lease(**values)


def _values(item: Ended) -> dict[str, Any]:
    progress = item.progress
    values: dict[str, Any] = {
        "id": item.lease.id,
        "fence": item.lease.fence,
        "result": item.result,
        "told": progress is not None,
    }
    if progress is not None:
        values |= {
            "done": progress.done,
            "total": progress.total,
            "message": progress.message,
            "facts": dict(progress.facts) if progress.facts is not None else None,
        }
    return values
