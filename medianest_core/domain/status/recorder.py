"""Writes down what is seen: states at once and with their events, histories now and then, each in few statements.

Used by the one process that collects. What it remembers is changed only after the database has taken it, so that an outage
loses no change: the next look finds it again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import bindparam, delete, select, update

from medianest_core.base.clock import Clock
from medianest_core.base.texts import N_
from medianest_core.bus.outbox import EventBus
from medianest_core.domain.status import outages, telling
from medianest_core.domain.status.damping import Damping
from medianest_core.domain.status.rings import History
from medianest_core.domain.status.states import State, of_instance
from medianest_core.domain.status.watched import (
    MONTH,
    OWN,
    Report,
    Watched,
    history_of,
    key_of,
    load,
    reports_of,
    row_of,
)
from medianest_core.host.instance import InstanceInfo
from medianest_core.sdk.status import Beat, Item
from medianest_core.store.engine import Database, Tx
from medianest_core.store.tables.plugins import instances
from medianest_core.store.tables.status import incidents, monitor_history, monitors

CONFIRMED = 60.0
"""Seconds that a service must not have listed a thing for it to be gone."""
HISTORIES = 300.0
"""Seconds between two writings of the histories. What is lost with a process that is killed counts as unknown."""
UNREAD = N_("It answers, but how its things are cannot be read: {reason}")
KEPT_GONE = 30 * 86_400.0
KEPT_INCIDENTS = 90 * 86_400.0
MOST = 5000
"""Things of one service that are watched at most."""
_SLICE = 64


@dataclass(slots=True)
class _Plan:
    """What one look changes. after: the things as they are once it is written. changed: (thing, state before)."""

    fresh: list[Report] = field(default_factory=list)
    after: list[Watched] = field(default_factory=list)
    changed: list[tuple[Watched, State]] = field(default_factory=list)
    told: list[tuple[Watched, telling.Word]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.fresh or self.after)


class Recorder:
    def __init__(self, db: Database, bus: EventBus, clock: Clock) -> None:
        self._db = db
        self._bus = bus
        self._clock = clock
        self._things: dict[str, dict[str, Watched]] = {}
        self._watching: set[str] = set()
        self._lock = asyncio.Lock()
        self._histories_at = clock.now()
        self._pruned_at = 0.0

    async def load(self) -> None:
        """Begin with what is stored."""
        async with self._lock:
            async with self._db.read() as tx:
                rows = await tx.all(
                    select(monitors, monitor_history).join(
                        monitor_history, monitor_history.c.monitor_id == monitors.c.id
                    )
                )
            self._things, self._watching = {}, set()
            for number, row in enumerate(rows):
                self._things.setdefault(row["instance_id"], {})[row["key"]] = load(dict(row))
                if number % _SLICE == 0:
                    await asyncio.sleep(0)

    async def observe(self, info: InstanceInfo, items: Sequence[Item]) -> None:
        """All that a service reports now. Raises DatabaseAway."""
        async with self._lock:
            now, things = self._clock.now(), self._things.setdefault(info.id, {})
            if info.id not in self._watching:
                for watched in things.values():
                    if watched.report.key != OWN:
                        watched.pass_time(now, watching=False)
            reports = reports_of(items[:MOST], info.title)
            plan = self._compare(things, reports, now)
            for key, watched in things.items():
                if key != OWN and watched.gone_at is None:
                    self._missing(watched, key in reports, plan, now)
            await self._write(info.id, plan, now)
            self._watching.add(info.id)

    async def own(
        self,
        infos: Iterable[InstanceInfo],
        unlisted: Collection[str] = (),
        unread: Mapping[str, str] | None = None,
    ) -> None:
        """How the configured services themselves are. unlisted: those that are not shown beside what they watch. unread: why what some
        of them watch cannot be read, by instance."""
        async with self._lock:
            now, there = self._clock.now(), set()
            for info in infos:
                there.add(info.id)
                state, things = of_instance(info), self._things.setdefault(info.id, {})
                known = things.get(OWN)
                if info.id in unlisted or (state is None and known is None):
                    continue
                report = Report(
                    OWN,
                    info.title[:200],
                    known.state if state is None and known is not None else state or State.UNKNOWN,
                    message=(info.reason if state is not State.UP else _unread(unread or {}, info.id))[:500],
                    since_at=info.since if state is not None else None,
                )
                plan = self._compare(things, {OWN: report}, now)
                if state is State.PAUSED:
                    self._rest(things, plan, now)
                await self._write(info.id, plan, now)
            for instance_id in [one for one in self._things if one not in there]:
                del self._things[instance_id]
                self._watching.discard(instance_id)

    async def lost(self, instance_id: str) -> None:
        """Nobody watches what this service watches any more, for now: its things stay as they were last seen."""
        async with self._lock:
            if instance_id not in self._watching:
                return
            self._watching.discard(instance_id)
            now = self._clock.now()
            for watched in self._things.get(instance_id, {}).values():
                if watched.report.key != OWN:
                    watched.pass_time(now, watching=True)
            await self._write_histories(self._things.get(instance_id, {}).values())
            async with self._db.begin() as tx:
                await tx.execute(
                    update(monitors)
                    .where(monitors.c.instance_id == instance_id, monitors.c.key != OWN)
                    .values(seen_at=now)
                )

    def unwatched_since(self, instance_id: str) -> float | None:
        """From when on a service may know more than we do; None where it does not."""
        gaps = [one.gap[0] for one in self._things.get(instance_id, {}).values() if one.gap]
        return min(gaps) if gaps else None

    async def remember(self, instance_id: str, beats: Sequence[Beat]) -> None:
        """What a service remembers of the time that nobody watched it."""
        by_key: dict[str, list[Beat]] = {}
        for beat in beats:
            by_key.setdefault(key_of(beat.name), []).append(beat)
        async with self._lock:
            things = self._things.get(instance_id, {})
            for number, (key, watched) in enumerate(things.items()):
                watched.fill(sorted(by_key.get(key, ()), key=lambda beat: beat.at))
                if number % _SLICE == 0:
                    await asyncio.sleep(0)
            await self._write_histories(things.values())

    async def flush(self, *, histories: bool = False) -> None:
        """Write what is not urgent, and tell what was left unsaid. Raises DatabaseAway."""
        async with self._lock:
            now, plans = self._clock.now(), {}
            for instance_id, things in self._things.items():
                plan = plans[instance_id] = _Plan()
                for watched in things.values():
                    own = watched.report.key == OWN
                    watched.pass_time(now, watching=own or instance_id in self._watching)
                    memory, word = watched.damping.settle(watched.state, now)
                    if word:
                        after = replace(watched, damping=memory, dirty=False)
                        plan.after.append(after)
                        plan.told.append((after, word))
                    elif watched.dirty:
                        plan.after.append(replace(watched, seen_at=now, dirty=False))
            for instance_id, plan in plans.items():
                await self._write(instance_id, plan, now)
            if histories or now - self._histories_at >= HISTORIES:
                self._histories_at = now
                await self._write_histories(one for all in self._things.values() for one in all.values())
            if now - self._pruned_at >= 3600:
                self._pruned_at = now
                await self._prune(now)

    async def read_decisions(self) -> None:
        """Somebody decided who sees what."""
        async with self._lock:
            async with self._db.read() as tx:
                rows = await tx.all(select(monitors.c.id, monitors.c.role, monitors.c.needed))
            decided = {row["id"]: row for row in rows}
            for things in self._things.values():
                for watched in things.values():
                    if (row := decided.get(watched.id)) is not None:
                        watched.role, watched.needed = row["role"], row["needed"]

    def _compare(self, things: Mapping[str, Watched], reports: Mapping[str, Report], now: float) -> _Plan:
        plan = _Plan()
        for key, report in reports.items():
            watched = things.get(key)
            if watched is None:
                plan.fresh.append(report)
                continue
            watched.missed_at = None
            if watched.report == report and watched.gone_at is None:
                continue
            if report.response_ms is not None:
                watched.history.measured(now, report.response_ms)
                watched.counted = True
            if watched.gone_at is None and watched.report.same_but_figures(report):
                watched.report, watched.dirty = report, True
                continue
            self._change(watched, report, plan, now, gone_at=None)
        return plan

    def _change(
        self, watched: Watched, report: Report, plan: _Plan, now: float, *, gone_at: float | None
    ) -> None:
        before = watched.state
        memory: Damping = watched.damping
        word: telling.Word = ""
        if report.state is not before:
            watched.pass_time(
                now, watching=watched.report.key == OWN or watched.instance_id in self._watching
            )
            memory, word = _tell(watched.damping, before, report.state, now)
        after = replace(
            watched,
            report=report,
            since_at=watched.since_at if report.state is before else report.since_at or now,
            seen_at=now,
            damping=memory,
            gone_at=gone_at,
            dirty=False,
        )
        plan.after.append(after)
        if report.state is not before:
            plan.changed.append((after, before))
        if word:
            plan.told.append((after, word))

    def _missing(self, watched: Watched, listed: bool, plan: _Plan, now: float) -> None:
        """A thing that is not listed is gone once it was missed twice, some time apart: one odd answer deletes nothing."""
        if listed:
            return
        if watched.missed_at is None:
            watched.missed_at = now
        elif now - watched.missed_at >= CONFIRMED:
            self._change(watched, replace(watched.report, state=State.UNKNOWN), plan, now, gone_at=now)

    def _rest(self, things: Mapping[str, Watched], plan: _Plan, now: float) -> None:
        """Its service was switched off: nothing is known of what it watched."""
        for watched in things.values():
            if watched.report.key != OWN and watched.gone_at is None and watched.state is not State.PAUSED:
                self._change(watched, replace(watched.report, state=State.PAUSED), plan, now, gone_at=None)

    async def _write(self, instance_id: str, plan: _Plan, now: float) -> None:
        if not plan:
            return
        things = self._things[instance_id]
        async with self._db.begin() as tx:
            made = await self._insert(tx, instance_id, plan, now) if plan.fresh else []
            if plan.after:
                await tx.execute(
                    update(monitors).where(monitors.c.id == bindparam("of_id")),
                    [{"of_id": one.id, **row_of(one)} for one in plan.after],
                )
            await outages.follow(tx, plan.changed, now)
            for watched, _ in plan.changed:
                await telling.state(tx, self._bus, watched)
            await telling.words(tx, self._bus, instance_id, plan.told)
        for watched in (*plan.after, *made):
            things[watched.report.key] = watched

    async def _insert(self, tx: Tx, instance_id: str, plan: _Plan, now: float) -> list[Watched]:
        """New things. They are seen by those who may see the service itself."""
        if await tx.scalar(select(instances.c.id).where(instances.c.id == instance_id)) is None:
            plan.fresh.clear()
            return []
        own = self._things[instance_id].get(OWN)
        role = own.role if own is not None else ""
        made = []
        for report in plan.fresh:
            memory, word = _tell(Damping(), State.UNKNOWN, report.state, now)
            watched = Watched(
                id=0,
                instance_id=instance_id,
                report=report,
                role=role,
                needed=report.key == OWN,
                since_at=report.since_at or now,
                seen_at=now,
                damping=memory,
                gone_at=None,
                history=History.begin(now),
                gap=(now - MONTH, now),
            )
            if report.response_ms is not None:
                watched.history.measured(now, report.response_ms)
            made.append(watched)
            if word:
                plan.told.append((watched, word))
        await tx.execute(
            monitors.insert(),
            [
                {
                    "instance_id": instance_id,
                    "key": one.report.key,
                    "role": one.role,
                    "needed": one.needed,
                    "version": 1,
                    **row_of(one),
                }
                for one in made
            ],
        )
        ids = {
            row["key"]: row["id"]
            for row in await tx.all(
                select(monitors.c.id, monitors.c.key).where(monitors.c.instance_id == instance_id)
            )
        }
        for one in made:
            one.id = ids[one.report.key]
        await tx.execute(
            monitor_history.insert(), [{"monitor_id": one.id, **history_of(one)} for one in made]
        )
        plan.changed.extend((one, State.UNKNOWN) for one in made)
        return made

    async def _write_histories(self, things: Iterable[Watched]) -> None:
        wanted = [one for one in things if one.counted]
        for start in range(0, len(wanted), 500):
            part = wanted[start : start + 500]
            async with self._db.begin() as tx:
                await tx.execute(
                    update(monitor_history).where(monitor_history.c.monitor_id == bindparam("of_id")),
                    [{"of_id": one.id, **history_of(one)} for one in part],
                )
            for one in part:
                one.counted = False

    async def _prune(self, now: float) -> None:
        async with self._db.begin() as tx:
            await tx.execute(delete(monitors).where(monitors.c.gone_at < now - KEPT_GONE))
            await tx.execute(delete(incidents).where(incidents.c.ended_at < now - KEPT_INCIDENTS))
        for things in self._things.values():
            for key in [key for key, one in things.items() if (one.gone_at or now) < now - KEPT_GONE]:
                del things[key]


def _unread(reasons: Mapping[str, str], instance_id: str) -> str:
    reason = reasons.get(instance_id)
    return UNREAD.format(reason=reason) if reason else ""


def _tell(memory: Damping, before: State, state: State, now: float) -> tuple[Damping, telling.Word]:
    """What people are to hear of a change, and what is remembered of that."""
    if state in (State.UP, State.DOWN) and State.DOWN in (before, state):
        return memory.change(state, now)
    if state is State.UP:
        return memory.settle(state, now)
    if memory.told in ("down", "flapping"):
        return Damping(memory.changes, ""), "over"
    return memory, ""
