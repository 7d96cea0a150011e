"""What admins do with schedules: see them, choose other times, pause, add, remove, and run one now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select, update

from medianest_core.base.ids import new_id
from medianest_core.base.texts import N_
from medianest_core.ledger.schedule import OWN, UNIQUE, Schedules
from medianest_core.ledger.times import NEVER, next_time, spec_of, stored, zone_of
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.jobs import Schedule
from medianest_core.store.engine import Tx
from medianest_core.store.errors import Stale
from medianest_core.store.repos import audit
from medianest_core.store.tables.ledger import schedule_choices as choices
from medianest_core.store.tables.ledger import schedules

SHORTEST = 60.0
LONGEST = 366 * 86400.0
"""Seconds between two runs that an admin may ask for."""
MOST = 100
"""Schedules that admins may add."""


class UnknownSchedule(UserError):
    """There is none of that name, or nothing that could run by itself."""


@dataclass(frozen=True, slots=True)
class ScheduleInfo:
    """A schedule as admins see it.

    name: of the job for what the job itself declares, else the job's with a suffix. own: an admin added it. schedule: in force.
    declared: the job's own, None for one that was added. next_at: None while it is paused or never comes. version: 0 before
    anything was chosen.
    """

    name: str
    job: str
    schedule: Schedule
    declared: Schedule | None
    own: bool
    next_at: float | None
    last_at: float | None
    paused_at: float | None
    version: int


class ScheduleChoices:
    """Over the schedules of this process."""

    def __init__(self, schedules: Schedules) -> None:
        self._schedules = schedules
        self._ledger = schedules.ledger

    def jobs(self) -> list[str]:
        """Names of the jobs that need nobody to give them arguments."""
        return sorted(self._schedules.runnable)

    async def all(self) -> list[ScheduleInfo]:
        """Every schedule of jobs that can run now, in the order of their names."""
        await self._schedules.look()
        async with self._ledger.db.read() as tx:
            times = {row["name"]: row for row in await tx.all(select(schedules))}
        found = []
        for name, entry in sorted(self._schedules.entries.items()):
            choice, row = self._schedules.choices.get(name), times.get(name)
            counts = row is not None and row["spec"] == spec_of(entry.schedule)
            upcoming = float(row["next_at"]) if row is not None and counts else None
            if upcoming is None:
                upcoming = next_time(entry.schedule, self._ledger.clock.now())
            found.append(
                ScheduleInfo(
                    name=name,
                    job=entry.job,
                    schedule=entry.schedule,
                    declared=None if OWN in name else self._schedules.runnable[entry.job].declared,
                    own=OWN in name,
                    next_at=None if entry.paused or upcoming == NEVER else upcoming,
                    last_at=None if row is None else row["last_at"],
                    paused_at=None if choice is None else choice.paused_at,
                    version=0 if choice is None else choice.version,
                )
            )
        return found

    async def find(self, name: str) -> ScheduleInfo:
        """Raises UnknownSchedule."""
        for one in await self.all():
            if one.name == name:
                return one
        raise UnknownSchedule(N_("There is no such schedule."))

    async def add(self, job: str, schedule: Schedule, actor: str) -> str:
        """Have a job run at further times; returns the schedule's name. Raises UserError."""
        if job not in self._schedules.runnable:
            raise UnknownSchedule(N_("This job cannot run by itself."), "job")
        self._check(schedule)
        name = f"{job[:100]}{OWN}{new_id()[-12:]}"
        async with self._ledger.db.begin() as tx:
            if len(await tx.all(select(choices.c.name).where(choices.c.name.like(f"%{OWN}%")))) >= MOST:
                raise UserError(N_("There are {count} schedules already.").format(count=MOST))
            await tx.execute(
                choices.insert().values(**self._row(name, job, schedule, None, actor), version=1)
            )
            await audit.record(tx, actor=actor, action="schedule.added", target=name, details=_told(schedule))
        await self._schedules.look()
        return name

    async def change(self, name: str, schedule: Schedule | None, version: int, actor: str) -> None:
        """Give it other times; None: those that the job declares. Raises UserError, Stale."""
        found = await self.find(name)
        if schedule is None and found.own:
            raise UserError(N_("Say when it runs."), "cron")
        if schedule is not None:
            self._check(schedule)
        await self._choose(found, schedule, found.paused_at, version, actor, "schedule.changed")

    async def pause(self, name: str, paused: bool, version: int, actor: str) -> None:
        """Hold it still, or let it go on: then it counts from now, and nothing is made up for. Raises UserError, Stale."""
        found = await self.find(name)
        if paused == (found.paused_at is not None):
            return
        kept = self._schedules.choices[name].schedule if name in self._schedules.choices else None
        since = self._ledger.clock.now() if paused else None
        action = "schedule.paused" if paused else "schedule.resumed"
        await self._choose(found, kept, since, version, actor, action)

    async def remove(self, name: str, version: int, actor: str) -> None:
        """Forget one that an admin added. Raises UserError, Stale."""
        found = await self.find(name)
        if not found.own:
            raise UserError(N_("This one belongs to its job. You can pause it."))
        async with self._ledger.db.begin() as tx:
            gone = await tx.execute(
                delete(choices).where(choices.c.name == name, choices.c.version == version)
            )
            if not gone.rowcount:
                raise Stale(await self._current(tx, name))
            await tx.execute(delete(schedules).where(schedules.c.name == name))
            await audit.record(tx, actor=actor, action="schedule.removed", target=name)
        await self._schedules.look()

    async def run_now(self, name: str, actor: str) -> str:
        """Run its job once, whatever the time; returns the job's id. Raises UnknownSchedule."""
        await self.find(name)
        entry = self._schedules.entries[name]
        async with self._ledger.db.begin() as tx:
            job_id = await self._ledger.enqueue(tx, entry.job, entry.args, unique=UNIQUE)
            await audit.record(tx, actor=actor, action="schedule.run", target=name, details={"job": job_id})
        return job_id

    def _check(self, schedule: Schedule) -> None:
        """Raises UserError for times that an admin may not ask for."""
        if (schedule.cron is None) == (schedule.every is None):
            raise UserError(N_("Say either a cron time or an interval."), "cron")
        if schedule.every is not None and not SHORTEST <= schedule.every <= 366 * 86400:
            raise UserError(N_("Choose between a minute and a year."), "every")
        try:
            zone_of(schedule.timezone)
        except ValueError as error:
            raise UserError(N_("There is no such time zone."), "timezone") from error
        try:
            if schedule.cron is not None and len(schedule.cron.split()) != 5:
                # A sixth field would be seconds.
                raise ValueError("five fields")
            upcoming = next_time(schedule, self._ledger.clock.now())
        except ValueError as error:
            raise UserError(
                N_("That is no cron time: give minute, hour, day, month and day of the week."), "cron"
            ) from error
        if upcoming == NEVER:
            raise UserError(N_("That time never comes."), "cron")

    async def _choose(
        self,
        found: ScheduleInfo,
        schedule: Schedule | None,
        paused_at: float | None,
        version: int,
        actor: str,
        action: str,
    ) -> None:
        row = self._row(found.name, found.job, schedule, paused_at, actor)
        async with self._ledger.db.begin() as tx:
            if version == 0:
                done = await tx.execute(
                    tx.insert(choices)
                    .values(**row, version=1)
                    .on_conflict_do_nothing(index_elements=["name"])
                )
            else:
                done = await tx.execute(
                    update(choices)
                    .where(choices.c.name == found.name, choices.c.version == version)
                    .values(**row, version=version + 1)
                )
            if not done.rowcount:
                raise Stale(await self._current(tx, found.name))
            # What was planned before counts no longer, in this process or another.
            in_force = schedule or found.declared
            if in_force is not None:
                await tx.execute(
                    update(schedules)
                    .where(schedules.c.name == found.name)
                    .values(
                        spec=spec_of(in_force), next_at=stored(next_time(in_force, self._ledger.clock.now()))
                    )
                )
            details = _told(schedule) if schedule is not None else {}
            await audit.record(tx, actor=actor, action=action, target=found.name, details=details)
        if found.name in self._schedules.entries:
            self._schedules.entries[found.name].next_at = None
        await self._schedules.look()

    def _row(
        self, name: str, job: str, schedule: Schedule | None, paused_at: float | None, actor: str
    ) -> dict[str, Any]:
        return {
            "name": name,
            "job": job,
            "cron": schedule.cron if schedule is not None else None,
            "every": schedule.every if schedule is not None else None,
            "timezone": schedule.timezone if schedule is not None else None,
            "paused_at": paused_at,
            "changed_at": self._ledger.clock.now(),
            "changed_by": actor,
        }

    async def _current(self, tx: Tx, name: str) -> dict[str, Any]:
        row = await tx.first(select(choices).where(choices.c.name == name))
        return {str(name): value for name, value in row.items()} if row is not None else {}


def _told(schedule: Schedule) -> dict[str, Any]:
    return {"cron": schedule.cron, "every": schedule.every, "timezone": schedule.timezone}
