"""Jobs that run by themselves, at cron times or every so many seconds.

The next time stands in the database; whichever process moves it forward enqueues the job, so that it runs once however many
processes there are. A time missed while the portal was off is made up for once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select, update

from medianest_core.ledger.enqueue import Ledger
from medianest_core.sdk.jobs import Schedule
from medianest_core.store.tables.ledger import schedules

_NEVER = float("inf")
_UNIQUE = "schedule"


@dataclass(slots=True)
class _Entry:
    schedule: Schedule
    args: Mapping[str, Any]
    next_at: float | None = None


def next_time(schedule: Schedule, after: float) -> float:
    """The first time later than `after` (both epoch seconds); infinity where there is none. Raises ValueError."""
    times = [_NEVER]
    if schedule.every is not None:
        if schedule.every <= 0:
            raise ValueError("`every` must be more than 0 seconds")
        times.append(after + schedule.every)
    if schedule.cron is not None:
        from apscheduler.triggers.cron import CronTrigger

        # The trigger may return the very moment it is given; the next one must lie in the future.
        moment = datetime.fromtimestamp(after + 0.001, UTC)
        found = CronTrigger.from_crontab(schedule.cron, timezone=UTC).get_next_fire_time(None, moment)
        if found is not None:
            times.append(found.timestamp())
    return min(times)


class Schedules:
    """The declared schedules of this process."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._entries: dict[str, _Entry] = {}

    def declare(self, name: str, schedule: Schedule, args: Mapping[str, Any]) -> None:
        """Run the job `name` with `args` (JSON) at the schedule's times. Raises ValueError for a schedule that makes no sense."""
        next_time(schedule, self._ledger.clock.now())
        self._entries[name] = _Entry(schedule, args)

    def withdraw(self, name: str) -> None:
        self._entries.pop(name, None)

    async def start(self, name: str) -> None:
        """Enqueue once if the schedule says so; call when the portal starts."""
        entry = self._entries.get(name)
        if entry is not None and entry.schedule.at_start:
            async with self._ledger.db.begin() as tx:
                await self._ledger.enqueue(tx, name, entry.args, unique=_UNIQUE)

    async def tick(self) -> int:
        """Enqueue what is due. Returns how many jobs."""
        count = 0
        now = self._ledger.clock.now()
        for name, entry in list(self._entries.items()):
            if entry.next_at is None:
                entry.next_at = await self._remember(name, entry.schedule, now)
            if entry.next_at <= now:
                count += await self._fire(name, entry, now)
        return count

    async def _remember(self, name: str, schedule: Schedule, now: float) -> float:
        spec = f"{schedule.cron or ''}|{schedule.every or ''}"
        upcoming = next_time(schedule, now)
        if upcoming == _NEVER:
            return _NEVER
        async with self._ledger.db.begin() as tx:
            row = await tx.first(select(schedules).where(schedules.c.name == name))
            if row is not None and row["spec"] == spec:
                return float(row["next_at"])
            await tx.execute(
                tx.insert(schedules)
                .values(name=name, spec=spec, next_at=upcoming)
                .on_conflict_do_update(
                    index_elements=[schedules.c.name], set_={"spec": spec, "next_at": upcoming}
                )
            )
        return upcoming

    async def _fire(self, name: str, entry: _Entry, now: float) -> int:
        upcoming = next_time(entry.schedule, now)
        async with self._ledger.db.begin() as tx:
            result = await tx.execute(
                update(schedules)
                .where(schedules.c.name == name, schedules.c.next_at <= now)
                .values(next_at=upcoming, last_at=now)
            )
            if result.rowcount == 1:
                await self._ledger.enqueue(tx, name, entry.args, unique=_UNIQUE)
                entry.next_at = upcoming
                return 1
            entry.next_at = float(
                await tx.scalar(select(schedules.c.next_at).where(schedules.c.name == name)) or upcoming
            )
        return 0
