"""Jobs that run by themselves, at cron times or every so many seconds: those that jobs declare and those that admins add.

The next time stands in the database; whichever process moves it forward enqueues the job, so that it runs once however many
processes there are. A time missed while the portal was off is made up for once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.engine import RowMapping

from medianest_core.ledger.enqueue import Ledger
from medianest_core.ledger.times import NEVER, next_time, spec_of, stored
from medianest_core.sdk.jobs import Schedule
from medianest_core.store.engine import Tx
from medianest_core.store.tables.ledger import schedule_choices as choices
from medianest_core.store.tables.ledger import schedules

UNIQUE = "schedule"
"""What a schedule's job waits under: one at a time, whichever schedule asks for it."""
OWN = "@"
"""Stands in the names of schedules that admins added."""
LOOK_EVERY = 10.0
"""Seconds after which a process notices what an admin chose in another one."""
_CLOCK_SLACK = 2.0


@dataclass(frozen=True, slots=True)
class Choice:
    """What an admin decided about a schedule. schedule None: as declared. paused_at: since when it holds still."""

    name: str
    job: str
    schedule: Schedule | None
    paused_at: float | None
    version: int


@dataclass(slots=True)
class Entry:
    job: str
    schedule: Schedule
    args: Mapping[str, Any]
    next_at: float | None = None
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Runnable:
    args: Mapping[str, Any]
    declared: Schedule | None = None


class Schedules:
    """The schedules of this process."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.runnable: dict[str, Runnable] = {}
        self.entries: dict[str, Entry] = {}
        self.choices: dict[str, Choice] = {}
        self._now = float("-inf")
        self._looked_at: float | None = None

    def declare(self, name: str, schedule: Schedule | None, args: Mapping[str, Any]) -> None:
        """The job `name` can run with `args` (JSON) by itself, and does at the schedule's times.

        Raises ValueError for a schedule that makes no sense.
        """
        if schedule is not None:
            next_time(schedule, self.ledger.clock.now())
        self.runnable[name] = Runnable(args, schedule)
        self._arrange()

    def withdraw(self, name: str) -> None:
        self.runnable.pop(name, None)
        self._arrange()

    async def start(self, name: str) -> None:
        """Enqueue once if the schedule says so; call when the portal starts."""
        entry = self.entries.get(name)
        if entry is not None and entry.schedule.at_start:
            async with self.ledger.db.begin() as tx:
                if not await self._paused(tx, name):
                    await self.ledger.enqueue(tx, entry.job, entry.args, unique=UNIQUE)

    async def tick(self) -> int:
        """Enqueue what is due. Returns how many jobs."""
        count = 0
        now = self.ledger.clock.now()
        backwards = now < self._now - _CLOCK_SLACK
        if backwards:
            # The clock was ahead and has been put right: what was planned by it would come too late.
            for entry in self.entries.values():
                entry.next_at = None
        self._now = now
        if backwards or self._looked_at is None or now - self._looked_at >= LOOK_EVERY:
            await self.look()
        for name, entry in list(self.entries.items()):
            if entry.paused:
                continue
            if entry.next_at is None:
                entry.next_at = await self._remember(name, entry.schedule, now)
            if entry.next_at <= now:
                count += await self._fire(name, entry, now)
        return count

    async def look(self) -> None:
        """Notice what admins chose."""
        self._looked_at = self.ledger.clock.now()
        async with self.ledger.db.glance() as tx:
            rows = await tx.all(select(choices))
        self.choices = {row["name"]: choice_of(row) for row in rows}
        self._arrange()

    def _arrange(self) -> None:
        """Bring the entries in line with what jobs declare and admins chose; what did not change keeps its next time."""
        wanted: dict[str, Entry] = {}
        for name, one in self.runnable.items():
            choice = self.choices.get(name)
            if one.declared is not None:
                schedule = one.declared
                if choice is not None and choice.schedule is not None:
                    schedule = choice.schedule
                wanted[name] = Entry(name, schedule, one.args)
        for choice in self.choices.values():
            if OWN in choice.name and choice.job in self.runnable and choice.schedule is not None:
                wanted[choice.name] = Entry(choice.job, choice.schedule, self.runnable[choice.job].args)
        for name, entry in list(wanted.items()):
            choice, old = self.choices.get(name), self.entries.get(name)
            entry.paused = choice is not None and choice.paused_at is not None
            if old is not None and old.schedule == entry.schedule and old.paused == entry.paused:
                # The same one, not a copy: a tick that is under way writes into it.
                old.args = entry.args
                wanted[name] = old
        self.entries = wanted

    async def _remember(self, name: str, schedule: Schedule, now: float) -> float:
        spec = spec_of(schedule)
        upcoming = next_time(schedule, now)
        if upcoming == NEVER:
            return NEVER
        async with self.ledger.db.begin() as tx:
            row = await tx.first(select(schedules).where(schedules.c.name == name))
            if row is not None and row["spec"] == spec and row["next_at"] <= upcoming:
                return float(row["next_at"])
            await tx.execute(
                tx.insert(schedules)
                .values(name=name, spec=spec, next_at=upcoming)
                .on_conflict_do_update(
                    index_elements=[schedules.c.name], set_={"spec": spec, "next_at": upcoming}
                )
            )
        return upcoming

    async def _fire(self, name: str, entry: Entry, now: float) -> int:
        upcoming = next_time(entry.schedule, now)
        async with self.ledger.db.begin() as tx:
            if await self._paused(tx, name):
                # Another process was told; here it is not known yet.
                entry.paused = True
                return 0
            result = await tx.execute(
                update(schedules)
                .where(
                    schedules.c.name == name,
                    schedules.c.spec == spec_of(entry.schedule),
                    schedules.c.next_at <= now,
                )
                .values(next_at=stored(upcoming), last_at=now)
            )
            if result.rowcount == 1:
                await self.ledger.enqueue(tx, entry.job, entry.args, unique=UNIQUE)
                entry.next_at = upcoming
                return 1
            row = await tx.first(select(schedules).where(schedules.c.name == name))
            known = row is not None and row["spec"] == spec_of(entry.schedule)
            entry.next_at = float(row["next_at"]) if row is not None and known else None
        if entry.next_at is None:
            await self.look()
        return 0

    async def _paused(self, tx: Tx, name: str) -> bool:
        return await tx.scalar(select(choices.c.paused_at).where(choices.c.name == name)) is not None


def choice_of(row: RowMapping) -> Choice:
    chosen = row["cron"] is not None or row["every"] is not None
    schedule = Schedule(row["cron"], row["every"], timezone=row["timezone"] or "UTC") if chosen else None
    return Choice(row["name"], row["job"], schedule, row["paused_at"], row["version"])
