"""Checks as they happen: what each finds, who is told, and the clockwork that makes them in a demo."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import random
from collections.abc import Awaitable, Callable
from typing import Any

from medianest_uptimekuma.models import DOWN, MAINTENANCE, PENDING, UP
from medianest_uptimekuma.simulation.announcements import Announcements
from medianest_uptimekuma.simulation.monitors import DAY, Beat, Monitor, important, notified, working
from medianest_uptimekuma.simulation.rows import live
from medianest_uptimekuma.simulation.webhooks import Webhooks
from medianest_uptimekuma.simulation.world import World

Emit = Callable[..., Awaitable[None]]
_KEPT = 20_000
_DRAMA_EVERY, _DRAMA_LASTS = 75.0, 40.0


class Pulse:
    """Makes checks. emit(event, *args) reaches everyone who is signed in."""

    def __init__(self, world: World, announcements: Announcements, webhooks: Webhooks, emit: Emit) -> None:
        self.world = world
        self.announcements = announcements
        self.webhooks = webhooks
        self._emit = emit
        self._chance = random.Random(world.seed)
        self._tasks: list[asyncio.Task[None]] = []

    async def beat(self, monitor: Monitor, ping: int | None = None) -> Beat:
        """One check now, with all that follows from it."""
        world = self.world
        beats = world.beats(monitor)
        previous = beats[-1] if beats else None
        status, msg, found = self._find(monitor, previous.status if previous else None, ping)
        now = world.now()
        beat = Beat(
            world.next_id(),
            status,
            msg,
            now,
            found,
            important(previous.status if previous else None, status),
            round(now - previous.at) if previous else 0,
            monitor.retries,
        )
        beats.append(beat)
        if len(beats) > _KEPT:
            del beats[: _KEPT // 2]
        await self._emit("heartbeat", live(world, monitor.id, beat, first=previous is None))
        await self._emit("avgPing", monitor.id, world.average(monitor))
        for hours in (24, 720):
            await self._emit("uptime", monitor.id, hours, world.uptime(monitor, hours * 3600.0))
        if world.profile.second:
            await self._emit("uptime", monitor.id, "1y", world.uptime(monitor, 365 * DAY))
        if notified(previous.status if previous else None, status):
            world.ledger.record("monitor.changed", monitor=monitor.id, name=monitor.name, status=status)
            await self.webhooks.announce(monitor, beat)
        if status == DOWN:
            monitor.last_down = now
        return beat

    def _find(self, monitor: Monitor, previous: int | None, ping: int | None) -> tuple[int, str, int | None]:
        if self.announcements.away(monitor.id):
            return MAINTENANCE, "Monitor under maintenance", None
        if monitor.type == "group":
            below = [
                self.world.beats(one) for one in self.world.monitors.values() if one.parent == monitor.id
            ]
            broken = any(beats and beats[-1].status == DOWN for beats in below)
            return (DOWN, "Child inaccessible", None) if broken else (UP, working(monitor), None)
        if monitor.trouble is None:
            monitor.retries = 0
            found = (
                max(1, round(self._chance.gauss(monitor.pace, monitor.pace / 8))) if ping is None else ping
            )
            return UP, working(monitor), found
        if monitor.retries < monitor.maxretries and previous != DOWN:
            monitor.retries += 1
            return PENDING, monitor.trouble, None
        return DOWN, monitor.trouble, None

    def start(self, *, pace: float, drama: bool) -> None:
        """Check everything every `pace` seconds; with `drama` one monitor fails and recovers now and then."""
        self._tasks.append(asyncio.create_task(self._run(pace), name="kuma checks"))
        if drama:
            self._tasks.append(asyncio.create_task(self._drama(), name="kuma drama"))

    async def stop(self) -> None:
        """No more checks."""
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._tasks.clear()

    async def _run(self, pace: float) -> None:
        loop = asyncio.get_running_loop()
        start = loop.time()
        due = [(start + self._chance.random() * pace, key) for key in self.world.monitors]
        heapq.heapify(due)
        known = set(self.world.monitors)
        while True:
            for key in set(self.world.monitors) - known:
                heapq.heappush(due, (loop.time(), key))
            known = set(self.world.monitors)
            if not due or due[0][0] > loop.time():
                await asyncio.sleep(min(0.5, max(0.01, due[0][0] - loop.time())) if due else 0.5)
                continue
            at, key = heapq.heappop(due)
            monitor = self.world.monitors.get(key)
            if monitor is None:
                continue
            if monitor.active and monitor.type != "push":
                await self.beat(monitor)
            elif monitor.active:
                await self.beat(monitor, ping=monitor.pace)
            heapq.heappush(due, (max(at + pace, loop.time()), key))

    async def _drama(self) -> None:
        while True:
            await asyncio.sleep(_DRAMA_EVERY)
            working_ones = [
                one
                for one in self.world.monitors.values()
                if one.active and one.type in ("http", "keyword", "port") and one.trouble is None
            ]
            if not working_ones:
                continue
            victim = working_ones[-1] if len(working_ones) < 4 else self._chance.choice(working_ones[1:])
            victim.trouble = "Request failed with status code 502"
            await self.beat(victim)
            if victim.maxretries:
                await self.beat(victim)
            await asyncio.sleep(_DRAMA_LASTS)
            victim.trouble = None
            await self.beat(victim)

    async def trouble(self, monitor: Monitor, said: str | None, *, beat: bool = True) -> dict[str, Any]:
        """Break a monitor's service, or repair it; told by the next check, which happens at once unless `beat` is off."""
        monitor.trouble = said
        made = await self.beat(monitor) if beat and monitor.active else None
        return {"id": monitor.id, "trouble": said, "status": made.status if made else None}
