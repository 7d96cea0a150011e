"""Watches every service that tells of a status, in one process of all: the one that leads.

Each service is followed by a task of its own: through its `watch` where it has one, else by asking for a snapshot again and again.
Its incidents are read along. A service that is away is tried again when the host says that it is back.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

from medianest_core.base.clock import Clock
from medianest_core.base.logging import get_logger
from medianest_core.base.repeat import Repeater
from medianest_core.base.tasks import end, spawn
from medianest_core.bus.events import InstanceChanged, MonitorChanged, ServiceStatus, StatusHint
from medianest_core.bus.outbox import EventBus
from medianest_core.domain.status import announced
from medianest_core.domain.status.recorder import Recorder
from medianest_core.host.handle import Handle
from medianest_core.host.instances import Instances
from medianest_core.sdk.errors import MediaNestError
from medianest_core.sdk.status import Item, Snapshot, StatusCapability, StatusProvider
from medianest_core.store.engine import Database

LOOK = 2.0
FLUSH = 30.0
POLL = 30.0
INCIDENTS = 60.0
PAUSE = 0.25
"""Seconds between two snapshots of one service that are looked at: of those between only the last one counts."""
BACK_OFF = (1.0, 5.0, 15.0, 30.0)
AGAIN = 1.0
"""Seconds after which what the database did not take is tried again."""
SETTLED = 120.0
"""Seconds without a look that are not worth asking a service about."""
_log = get_logger(__name__)
_Provider = StatusProvider[Any, Any]


class Collector:
    """leads: is this the process that collects? poll: seconds between two snapshots of services without `watch`."""

    def __init__(
        self,
        db: Database,
        bus: EventBus,
        clock: Clock,
        instances: Instances,
        recorder: Recorder,
        leads: Callable[[], bool],
        *,
        poll: float = POLL,
    ) -> None:
        self._db = db
        self._bus = bus
        self._clock = clock
        self._instances = instances
        self._recorder = recorder
        self._leads = leads
        self._poll = poll
        self._repeat = Repeater(self.look, LOOK, trouble="what is up cannot be written down")
        self._collecting = False
        self._unlisted: set[str] = set()
        self._followers: dict[str, tuple[int, asyncio.Task[None]]] = {}
        self._hinted: dict[str, asyncio.Event] = {}
        self.unread: dict[str, str] = {}
        """Why what a service says of its things cannot be read now, by instance; here, where this process collects."""
        self._flushed_at = 0.0
        self._task: asyncio.Task[None] | None = None
        self._ends: list[Callable[[], None]] = []

    def start(self) -> None:
        self._ends = [
            self._bus.subscribe(ServiceStatus, self._heard, name="status.collector", everywhere=True),
            self._bus.subscribe(InstanceChanged, self._soon, name="status.collector", everywhere=True),
            self._bus.subscribe(MonitorChanged, self._decided, name="status.collector", everywhere=True),
            self._bus.subscribe(StatusHint, self._told, name="status.collector", everywhere=True),
        ]
        self._repeat.soon()
        self._task = spawn(self._repeat.run(), "status: collector")

    async def stop(self) -> None:
        """Write what is not written yet."""
        for stop in self._ends:
            stop()
        if self._task is not None:
            await end(self._task)
        await self._drop()

    async def look(self) -> None:
        """Catch up with which services there are and how they are. Raises DatabaseAway."""
        if not self._leads():
            if self._collecting:
                await self._drop()
            return
        try:
            if not self._collecting:
                await self._recorder.load()
                self._collecting = True
            handles = {handle.instance.id: handle for handle in self._instances.any(_kind())}
            infos = list(self._instances.all())
            # One that is just being set up again has no provider to ask and stays what it was.
            self._unlisted = {one for one in handles if not self._lists_itself(one)} | (
                self._unlisted & {info.id for info in infos} - handles.keys()
            )
            await self._recorder.own(infos, self._unlisted, self.unread)
            await self._follow(handles)
            now = self._clock.now()
            if now - self._flushed_at >= FLUSH:
                self._flushed_at = now
                await self._recorder.flush()
        except MediaNestError:
            raise
        except Exception:
            # What is remembered may no longer be what is stored.
            self._collecting = False
            raise

    async def _follow(self, handles: dict[str, Handle[_Provider]]) -> None:
        for instance_id, (version, task) in list(self._followers.items()):
            handle = handles.get(instance_id)
            if handle is None or handle.instance.version != version or task.done():
                del self._followers[instance_id]
                await end(task)
                self.unread.pop(instance_id, None)
                await self._recorder.lost(instance_id)
        for instance_id, handle in handles.items():
            if instance_id not in self._followers:
                task = spawn(self._keep_following(instance_id), f"status: {handle.instance.name}")
                self._followers[instance_id] = (handle.instance.version, task)

    async def _keep_following(self, instance_id: str) -> None:
        """Until cancelled, through all of the service's outages."""
        failures = 0
        self._hinted[instance_id] = asyncio.Event()
        while True:
            handle = next(
                (one for one in self._instances.ready(_kind()) if one.instance.id == instance_id), None
            )
            if handle is None:
                await asyncio.sleep(0.5)
                continue
            try:
                async with (
                    self._incidents(handle),
                    contextlib.aclosing(self._snapshots(handle)) as snapshots,
                ):
                    async for snapshot in snapshots:
                        failures = 0
                        self.unread.pop(instance_id, None)
                        await self._take(handle, snapshot)
            except MediaNestError as error:
                self._note_unread(handle, str(error))
            except Exception as error:
                _log.warning("a status could not be followed", instance=handle.instance.name, exc_info=error)
                # What is remembered may no longer be what is stored.
                self._collecting = False
            with contextlib.suppress(MediaNestError):
                await self._recorder.lost(instance_id)
            await asyncio.sleep(BACK_OFF[min(failures, len(BACK_OFF) - 1)])
            failures += 1

    def _note_unread(self, handle: Handle[_Provider], reason: str) -> None:
        """A service can be well, and say something that its plugin cannot read: its own row tells."""
        known = self.unread.get(handle.instance.id)
        self.unread[handle.instance.id] = reason
        # Once for each reason; an outage is told by the host.
        say = _log.debug if known == reason else _log.info
        say("a service tells of no status for now", instance=handle.instance.name, reason=reason)

    async def _snapshots(self, handle: Handle[_Provider]) -> AsyncGenerator[Snapshot, None]:
        hinted = self._hinted[handle.instance.id]
        if not handle.can(StatusCapability.WATCH):
            while True:
                hinted.clear()
                yield await handle.api.snapshot()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._poll):
                        await hinted.wait()
                        await asyncio.sleep(PAUSE)
        async with contextlib.aclosing(_latest(handle.api.watch(), handle.api.snapshot, hinted)) as latest:
            async for snapshot in latest:
                yield snapshot

    async def _take(self, handle: Handle[_Provider], snapshot: Snapshot) -> None:
        while True:
            try:
                await self._recorder.observe(handle.instance, self._named(handle, snapshot.items))
                break
            except MediaNestError as error:
                _log.debug("a status waits to be written down", reason=str(error))
                await asyncio.sleep(AGAIN)
        since = self._recorder.unwatched_since(handle.instance.id)
        if since is None:
            return
        beats = []
        if handle.can(StatusCapability.HISTORY) and self._clock.now() - since > SETTLED:
            try:
                beats = list(await handle.api.history(since))
            except MediaNestError as error:
                _log.info(
                    "a service keeps its past to itself", instance=handle.instance.name, reason=str(error)
                )
        await self._recorder.remember(handle.instance.id, beats)

    def _named(self, handle: Handle[_Provider], items: Sequence[Item]) -> Sequence[Item]:
        """Where one thing is all there is to a service, the admin's name of the service is its name."""
        if len(items) != 1 or self._lists_itself(handle.instance.id):
            return items
        return [replace(items[0], name=handle.instance.title)]

    @contextlib.asynccontextmanager
    async def _incidents(self, handle: Handle[_Provider]) -> AsyncIterator[None]:
        """Inside the block what the service announces is read again and again."""
        if not handle.can(StatusCapability.INCIDENTS):
            yield
            return
        task = spawn(self._read_incidents(handle), f"status: incidents of {handle.instance.name}")
        try:
            yield
        finally:
            await end(task)

    async def _read_incidents(self, handle: Handle[_Provider]) -> None:
        while True:
            try:
                found = await handle.api.incidents()
                await announced.take(self._db, self._bus, handle.instance.id, found, self._clock.now())
            except MediaNestError as error:
                _log.debug("incidents cannot be read", instance=handle.instance.name, reason=str(error))
            await asyncio.sleep(INCIDENTS)

    async def _drop(self) -> None:
        """Let go: another process collects from now on, or this one ends."""
        tasks = [task for _, task in self._followers.values()]
        self._followers.clear()
        await asyncio.gather(*(end(task) for task in tasks))
        if self._collecting:
            self._collecting = False
            with contextlib.suppress(MediaNestError):
                await self._recorder.flush(histories=True)

    def _lists_itself(self, instance_id: str) -> bool:
        provider = self._instances.provider_class(StatusProvider, instance_id)
        return bool(getattr(provider, "own_row", True))

    async def _heard(self, event: ServiceStatus) -> None:
        if not event.monitor_id:
            self._repeat.soon()

    async def _told(self, event: StatusHint) -> None:
        if (hinted := self._hinted.get(event.instance_id)) is not None:
            hinted.set()

    async def _decided(self, _: MonitorChanged) -> None:
        if self._collecting:
            await self._recorder.read_decisions()

    async def _soon(self, _: object) -> None:
        self._repeat.soon()


def _kind() -> type[_Provider]:
    return StatusProvider


async def _latest(
    stream: AsyncIterator[Snapshot], ask: Callable[[], Awaitable[Snapshot]], hinted: asyncio.Event
) -> AsyncGenerator[Snapshot, None]:
    """The snapshots of a stream, each at once, but those that come faster than they are looked at only by their last one.

    hinted: set where it is worth asking beside the stream.
    """
    news, latest = asyncio.Event(), None
    done = False

    async def listen() -> None:
        nonlocal latest, done
        try:
            async for snapshot in stream:
                latest = snapshot
                news.set()
        finally:
            done = True
            news.set()

    async def ask_beside() -> None:
        nonlocal latest
        while True:
            await hinted.wait()
            hinted.clear()
            try:
                latest = await ask()
            except MediaNestError as error:
                _log.debug("a hint could not be followed", reason=str(error))
                continue
            news.set()
            await asyncio.sleep(PAUSE)

    task, beside = asyncio.create_task(listen()), asyncio.create_task(ask_beside())
    try:
        while True:
            await news.wait()
            news.clear()
            if latest is not None:
                snapshot, latest = latest, None
                yield snapshot
                await asyncio.sleep(PAUSE)
            elif done:
                await task
                return
            if done:
                news.set()
    finally:
        await end(beside)
        await end(task)
