"""Asks services how far the requests on their way are, in one process of all: the one that leads.

Nobody is asked while nothing is on its way. Each service is asked by itself: one that is slow or broken holds up no other, and what
it said last is remembered with since when it says nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from sqlalchemy import select

from medianest_core.base.clock import Clock
from medianest_core.base.logging import get_logger
from medianest_core.base.repeat import Repeater
from medianest_core.base.tasks import end, spawn
from medianest_core.bus.events import InstanceChanged, RequestUpdate
from medianest_core.bus.outbox import EventBus
from medianest_core.domain.activity import rows
from medianest_core.domain.activity.reports import Said, believed, kept
from medianest_core.domain.activity.rows import Source
from medianest_core.domain.activity.timeline import ON_THE_WAY
from medianest_core.host.calls import CallRule
from medianest_core.host.errors import UnknownInstance
from medianest_core.host.instance import InstanceInfo
from medianest_core.sdk.errors import MediaNestError, NotReady
from medianest_core.sdk.pipeline import PipelineStage, StageState, Tracked
from medianest_core.store.engine import Database
from medianest_core.store.tables.requests import requests

T = TypeVar("T")
EVERY = 5.0
QUIET = 20.0
"""Seconds between two rounds while something moves or has changed lately, and while nothing has."""
LATELY = 120.0
DEADLINE = 15.0
PATIENCE = 4.0
"""Seconds that a round waits for the slow ones, which go on by themselves."""
TOGETHER = 50
APART = 1.0
"""Seconds that lie between two rounds at least."""
_NOTED = 30.0
_MOST = 2000
_log = get_logger(__name__)
Stages = Callable[[], Iterable[tuple[str, PipelineStage]]]


class Clients(Protocol):
    """What is needed of `host.instances`."""

    def all(self) -> list[InstanceInfo]: ...

    def info(self, instance_id: str) -> InstanceInfo: ...

    async def use(
        self, instance_id: str, what: str, function: Callable[[Any], Any], rule: CallRule
    ) -> Any: ...


class Looking:
    """stages: (plugin, stage) of all that plugins contribute. leads: is this the process that asks? changed: told of requests whose way has changed."""

    def __init__(
        self,
        db: Database,
        bus: EventBus,
        clock: Clock,
        instances: Clients,
        tracked: Callable[[Sequence[str]], Any],
        stages: Stages,
        leads: Callable[[], bool],
        changed: Callable[[Sequence[str]], Any],
        *,
        every: float = EVERY,
        patience: float = PATIENCE,
        deadline: float = DEADLINE,
    ) -> None:
        """every, patience, deadline: seconds: between two rounds, that a round waits, that a service may take for an answer."""
        self._db = db
        self._bus = bus
        self._clock = clock
        self._instances = instances
        self._tracked = tracked
        self._stages = stages
        self._leads = leads
        self._changed = changed
        self._every = every
        self._patience = patience
        self._rule = CallRule(repeat=True, deadline=deadline)
        self._repeat = Repeater(self._round, every, trouble="requests on their way cannot be followed")
        self._sources: dict[tuple[str, str], Source] = {}
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._moving: set[str] = set()
        self._lately = False
        self._heard_at: dict[tuple[str, str], float] = {}
        self._due_at = self._asked_at = 0.0
        self._task: asyncio.Task[None] | None = None
        self._ends: list[Callable[[], None]] = []

    def start(self) -> None:
        self._ends = [
            self._bus.subscribe(RequestUpdate, self._soon, name="activity", everywhere=True),
            self._bus.subscribe(InstanceChanged, self._soon, name="activity", everywhere=True),
        ]
        self._repeat.soon()
        self._task = spawn(self._repeat.run(), "activity: requests on their way")

    async def stop(self) -> None:
        for stop in self._ends:
            stop()
        self._ends = []
        if self._task is not None:
            await end(self._task)
        await asyncio.gather(*(end(task) for task in self._asking.values()))
        self._asking.clear()

    def soon(self) -> None:
        """Ask now: something has happened."""
        self._due_at = 0.0
        self._repeat.soon()

    async def _soon(self, _: object) -> None:
        self.soon()

    async def _round(self) -> None:
        if not self._leads():
            return
        now = self._clock.now()
        if now < self._due_at:
            return
        if 0 < (pause := self._asked_at + APART - now) <= APART:
            await asyncio.sleep(pause)
        self._due_at = self._asked_at = self._clock.now()
        await self.look()
        moves = self._lately or bool(self._moving) or any(not task.done() for task in self._asking.values())
        if self._due_at:
            self._due_at = self._asked_at + (self._every * 0.9 if moves else QUIET)

    async def look(self) -> None:
        """One round. Raises DatabaseAway."""
        wanted = (
            select(requests.c.id, requests.c.changed_at)
            .where(
                requests.c.open_key.is_not(None),
                requests.c.state.in_([one.value for one in ON_THE_WAY]),
            )
            .order_by(requests.c.changed_at.desc())
            .limit(_MOST)
        )
        async with self._db.read() as tx:
            found = (await tx.execute(wanted)).all()
            self._sources = await rows.sources(tx)
        ids = [request_id for request_id, _ in found]
        self._lately = bool(found) and found[0][1] > self._clock.now() - LATELY
        if not ids:
            self._moving.clear()
            return
        await self._tidy()
        mine = self._by_instance()
        if not mine:
            return
        asked: Sequence[Tracked] = await self._tracked(ids)
        for info, stages in mine:
            if info.id not in self._asking or self._asking[info.id].done():
                self._asking[info.id] = spawn(self._instance(info, stages, asked), f"activity: {info.name}")
        await asyncio.wait(self._asking.values(), timeout=self._patience)

    def _by_instance(self) -> list[tuple[InstanceInfo, list[PipelineStage]]]:
        found = []
        brought = list(self._stages())
        for info in self._instances.all():
            stages = [one for plugin, one in brought if (plugin, one.service) == (info.plugin, info.service)]
            if stages and info.enabled:
                found.append((info, sorted(stages, key=lambda one: (one.order, one.name))))
        return found

    async def _tidy(self) -> None:
        """Forget what services said that are not there any more; one that is switched off is remembered."""
        there = {info.id for info in self._instances.all()}
        gone = [key for key in self._sources if key[0] not in there]
        if gone:
            async with self._db.begin() as tx:
                await rows.forget(tx, gone)

    async def _instance(
        self, info: InstanceInfo, stages: Sequence[PipelineStage], asked: Sequence[Tracked]
    ) -> None:
        """Ask one service for all its stages."""
        changed: dict[str, None] = {}
        away = ""
        for stage in stages:
            if away:
                await self._failed(info, stage, away)
                continue
            try:
                answer: dict[str, Said] = {}
                for start in range(0, len(asked), TOGETHER):
                    answer |= await self._ask(info, stage, asked[start : start + TOGETHER])
            except (MediaNestError, UnknownInstance) as error:
                if isinstance(error, NotReady | UnknownInstance):
                    away = str(error)
                await self._failed(info, stage, str(error))
                continue
            changed |= dict.fromkeys(await self._answered(info, stage, answer, [one.id for one in asked]))
        if changed:
            await self._changed(list(changed))

    async def _ask(
        self, info: InstanceInfo, stage: PipelineStage, asked: Sequence[Tracked]
    ) -> dict[str, Said]:
        names = {one.id for one in asked}
        actions = {one.name for one in stage.actions}

        async def look(client: Any) -> dict[str, Said]:
            return believed(await stage.look(client, asked), names, actions)

        found: dict[str, Said] = await self._instances.use(info.id, f"stage {stage.name}", look, self._rule)
        return found

    async def _answered(
        self, info: InstanceInfo, stage: PipelineStage, answer: dict[str, Said], asked: Sequence[str]
    ) -> list[str]:
        key, now = (info.id, stage.name), self._clock.now()
        source = self._sources.get(key)
        self._heard_at[key] = now
        async with self._db.read() as tx:
            said = await rows.said_of(tx, asked)
        before = {name: words[key] for name, words in said.items() if key in words}
        after = kept(before, answer, asked)
        self._note_moving(key, after)
        came_back = source is None or source.failing_since_at is not None
        async with self._db.begin() as tx:
            changed = await rows.write(tx, info.id, stage.name, before, after, asked)
            if came_back or now - (source.answered_at or 0.0 if source else 0.0) > _NOTED:
                self._sources[key] = Source(info.id, stage.name, now, None, "")
                await rows.put_source(tx, self._sources[key])
        if source is not None and came_back:
            _log.info("a service tells of requests again", instance=info.name, stage=stage.name)
            return list(before.keys() | after.keys())
        return changed

    async def _failed(self, info: InstanceInfo, stage: PipelineStage, reason: str) -> None:
        key = (info.id, stage.name)
        source = self._sources.get(key) or Source(info.id, stage.name, None, None, "")
        since = source.failing_since_at
        if since is None:
            _log.info(
                "a service tells nothing of requests now",
                instance=info.name,
                stage=stage.name,
                reason=reason,
            )
        elif source.reason == reason:
            return
        try:
            known = self._instances.info(info.id)
        except UnknownInstance:
            # Removed meanwhile: nothing is left that could be shown as silent, and the next round forgets what it said.
            return
        self._sources[key] = replace(
            source,
            answered_at=self._heard_at.get(key, source.answered_at),
            failing_since_at=since or (self._clock.now() if known.ready else known.since),
            reason=reason,
        )
        async with self._db.begin() as tx:
            await rows.put_source(tx, self._sources[key])
            said = await rows.said_of_source(tx, info.id, stage.name)
        if since is None and said:
            await self._changed(said)

    def _note_moving(self, key: tuple[str, str], said: dict[str, Said]) -> None:
        name = "/".join(key)
        if any(one.state is StageState.ACTIVE for one in said.values()):
            self._moving.add(name)
        else:
            self._moving.discard(name)
