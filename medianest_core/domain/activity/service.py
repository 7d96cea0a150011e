"""How far requests are, as pages and the API show it: one timeline across what was decided and what services say, and what can be done about it.

Everything is scoped by the viewer: what is not theirs answers None.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from medianest_core.base.clock import Clock
from medianest_core.base.tasks import end
from medianest_core.base.texts import N_
from medianest_core.bus.events import RequestProgress
from medianest_core.bus.outbox import EventBus
from medianest_core.domain.activity import rows
from medianest_core.domain.activity.entries import InFlight, InFlightPage, Silence, Step, Timeline
from medianest_core.domain.activity.looking import DEADLINE, EVERY, PATIENCE, Clients, Looking, Stages
from medianest_core.domain.activity.reports import Said, percent
from medianest_core.domain.activity.rows import Source
from medianest_core.domain.activity.timeline import ON_THE_WAY, Word, present, stages, timeline
from medianest_core.domain.requests.entries import Request, RequestDetail, RequestPage
from medianest_core.domain.requests.errors import Denied
from medianest_core.host.calls import WRITE
from medianest_core.host.errors import UnknownInstance
from medianest_core.sdk.errors import MediaNestError, NotFound
from medianest_core.sdk.events import Audience
from medianest_core.sdk.pipeline import PipelineStage, StageAction, Tracked
from medianest_core.sdk.routes import Viewer
from medianest_core.store.engine import Database
from medianest_core.store.repos.audit import record


class Wishes(Protocol):
    """What is needed of the requests domain."""

    async def get(self, viewer: Viewer, request_id: str) -> Request | None: ...

    async def detail(self, viewer: Viewer, request_id: str) -> RequestDetail | None: ...

    async def tracked(self, request_ids: Sequence[str]) -> Sequence[Tracked]: ...

    async def list(
        self,
        viewer: Viewer,
        *,
        everyone: bool = False,
        states: Sequence[str] = (),
        cursor: str | None = None,
        limit: int = 30,
    ) -> RequestPage: ...


class Activity:
    """`start()` and `stop()` frame the process's life. stages: (plugin, stage) of all that plugins contribute. leads: is this the process that
    asks services?"""

    def __init__(
        self,
        *,
        db: Database,
        bus: EventBus,
        clock: Clock,
        instances: Clients,
        requests: Wishes,
        stages: Stages,
        leads: Callable[[], bool] = lambda: True,
        every: float = EVERY,
        patience: float = PATIENCE,
        deadline: float = DEADLINE,
    ) -> None:
        """every, patience, deadline: seconds; see `looking`."""
        self._db = db
        self._bus = bus
        self._instances = instances
        self._requests = requests
        self._stages = stages
        self.acting: dict[tuple[str, ...], asyncio.Task[str]] = {}
        """What is being done at this moment: (request id, instance id, stage, action) → its task."""
        self.looking = Looking(
            db,
            bus,
            clock,
            instances,
            requests.tracked,
            stages,
            leads,
            self._tell,
            every=every,
            patience=patience,
            deadline=deadline,
        )

    async def start(self) -> None:
        self.looking.start()

    async def stop(self) -> None:
        await self.looking.stop()
        for task in list(self.acting.values()):
            await end(task)

    # Reading

    async def timeline(self, viewer: Viewer, request_id: str) -> Timeline | None:
        """The whole way of one request."""
        found = await self._requests.detail(viewer, request_id)
        return None if found is None else await self.timeline_of(viewer, found)

    async def timeline_of(self, viewer: Viewer, found: RequestDetail) -> Timeline:
        """The same for a request that was read already. What can be done, and why a service says nothing, is for admins."""
        one = found.request
        async with self._db.read() as tx:
            said = (await rows.said_of(tx, [one.id])).get(one.id, {})
            known = await rows.sources(tx)
        steps = stages(self._words(said, known), one.instance_id)
        silent = self._silent(said, known, one.instance_id)
        if not viewer.is_admin:
            steps = [replace(step, actions=()) for step in steps]
            silent = [replace(each, reason="") for each in silent]
        going = one.state in set(ON_THE_WAY)
        return Timeline(
            one.id,
            timeline(one.state, found.timeline, steps),
            present(steps) if going else None,
            silent if going else (),
        )

    async def now(self, found: Sequence[Request]) -> Mapping[str, Step]:
        """Request id → the stage it is at, of those that are on their way and that a service says something of."""
        going = {one.id: one for one in found if one.state in set(ON_THE_WAY)}
        if not going:
            return {}
        async with self._db.read() as tx:
            said = await rows.said_of(tx, going)
            known = await rows.sources(tx)
        steps = {
            name: present(stages(self._words(words, known), going[name].instance_id))
            for name, words in said.items()
        }
        return {name: step for name, step in steps.items() if step is not None}

    async def in_flight(
        self, viewer: Viewer, *, everyone: bool = False, cursor: str | None = None, limit: int = 30
    ) -> InFlightPage:
        """What is on its way, newest first: of the viewer; everyone: for admins."""
        page = await self._requests.list(
            viewer,
            everyone=everyone,
            states=[one.value for one in ON_THE_WAY],
            cursor=cursor,
            limit=limit,
        )
        now = dict(await self.now(page.items))
        if not viewer.is_admin:
            now = {name: replace(step, actions=()) for name, step in now.items()}
        return InFlightPage([InFlight(one, now.get(one.id)) for one in page.items], page.next_cursor)

    # Helping

    async def act(
        self, viewer: Viewer, request_id: str, instance_id: str, stage: str, action: str
    ) -> str | None:
        """Do what a stage offers; returns what was done, in a sentence. For admins. Who presses twice while it is being done gets the same
        answer. Raises Denied, NotFound, and the SDK's errors for what the service answered."""
        one = await self._requests.get(viewer, request_id)
        if one is None:
            return None
        if not viewer.is_admin:
            raise Denied(N_("Only admins can do this."))
        if one.state not in set(ON_THE_WAY):
            raise NotFound(N_("This request is past that point."))
        wanted = self._action(instance_id, stage, action)
        key = (request_id, instance_id, stage, action)
        task = self.acting.get(key)
        if task is None:
            task = asyncio.create_task(self._act(viewer, key, wanted), name=f"activity: {action}")
            self.acting[key] = task
            task.add_done_callback(lambda _: self.acting.pop(key, None))
        return await asyncio.shield(task)

    def _action(self, instance_id: str, stage: str, action: str) -> StageAction:
        try:
            info = self._instances.info(instance_id)
        except UnknownInstance as error:
            raise NotFound(str(error)) from error
        for plugin, one in self._stages():
            if (plugin, one.service, one.name) == (info.plugin, info.service, stage):
                for found in one.actions:
                    if found.name == action:
                        return found
        raise NotFound(N_("This cannot be done any more."))

    async def _act(self, viewer: Viewer, key: tuple[str, ...], action: StageAction) -> str:
        request_id, instance_id, stage, _ = key
        tracked = await self._requests.tracked([request_id])
        if not tracked:
            raise NotFound(N_("This request is past that point."))
        details: dict[str, Any] = {"instance": instance_id, "stage": stage, "action": action.name}
        try:
            message = await self._instances.use(
                instance_id,
                f"stage {stage}, action {action.name}",
                lambda client: action.handler(client, tracked[0]),
                WRITE,
            )
        except MediaNestError as error:
            await self._note(viewer, request_id, {**details, "failed": str(error)[:300]})
            raise
        await self._note(viewer, request_id, details)
        self.looking.soon()
        return str(message)

    async def _note(self, viewer: Viewer, request_id: str, details: Mapping[str, Any]) -> None:
        async with self._db.begin() as tx:
            await record(tx, actor=viewer.id, action="activity.action", target=request_id, details=details)

    # What services said, as words of the stages that there are

    def _words(
        self, said: Mapping[tuple[str, str], Said], known: Mapping[tuple[str, str], Source]
    ) -> list[Word]:
        brought = self._brought()
        found = []
        for (instance_id, name), one in said.items():
            try:
                info = self._instances.info(instance_id)
            except UnknownInstance:
                continue
            stage = brought.get((info.plugin, info.service, name))
            if stage is None or not info.enabled:
                continue
            source = known.get((instance_id, name))
            fresh = source is not None and source.failing_since_at is None
            found.append(Word(stage, info.plugin, instance_id, info.title, one, fresh))
        return found

    def _silent(
        self,
        said: Collection[tuple[str, str]],
        known: Mapping[tuple[str, str], Source],
        backend: str | None,
    ) -> list[Silence]:
        """Services that this request needs and that say nothing now: those that spoke of it before, and the one that took it."""
        concerned = {instance_id for instance_id, _ in said} | {backend}
        brought, found = self._brought(), dict[str, Silence]()
        for (instance_id, name), source in sorted(known.items()):
            since = source.failing_since_at
            if since is None or instance_id not in concerned:
                continue
            try:
                info = self._instances.info(instance_id)
            except UnknownInstance:
                continue
            if not info.enabled or (info.plugin, info.service, name) not in brought:
                continue
            before = found.get(instance_id)
            if before is None or since < before.since_at:
                found[instance_id] = Silence(
                    instance_id, info.title, since, source.reason, source.answered_at
                )
        return sorted(found.values(), key=lambda one: (one.since_at, one.title))

    def _brought(self) -> dict[tuple[str, str, str], PipelineStage]:
        return {(plugin, one.service, one.name): one for plugin, one in self._stages()}

    async def _tell(self, request_ids: Sequence[str]) -> None:
        """Say live how far they are: to those who follow each, and to admins."""
        async with self._db.read() as tx:
            said = await rows.said_of(tx, request_ids)
            known = await rows.sources(tx)
            people = await rows.followers(tx, request_ids)
        tracked = {one.id: one for one in await self._requests.tracked(request_ids)}
        for request_id in request_ids:
            one = tracked.get(request_id)
            if one is None:
                continue
            step = present(stages(self._words(said.get(request_id, {}), known), one.backend))
            values: dict[str, Any] = {}
            if step is not None:
                values = {
                    "stage": step.stage,
                    "state": step.state.value,
                    "percent": percent(Said(step.state, progress=step.progress)),
                    "ends_at": step.ends_at,
                    "message": step.message,
                }
            for user_id in ("", *people.get(request_id, ())):
                event = RequestProgress(
                    request_id=request_id, user_id=user_id, title=one.item.title, **values
                )
                await self._bus.send(event, Audience.user(user_id) if user_id else Audience.admins())
