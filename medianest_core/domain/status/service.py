"""The status domain: what is up, how it fared, what is announced, and what others ask before they count on a service."""

from __future__ import annotations

from collections.abc import Callable

from medianest_core.base.clock import Clock, SystemClock
from medianest_core.base.tasks import TaskKeeper
from medianest_core.bus.outbox import EventBus
from medianest_core.domain.status.announcements import Announcements
from medianest_core.domain.status.board import Board, Trouble
from medianest_core.domain.status.collector import POLL, Collector
from medianest_core.domain.status.reading import Reading
from medianest_core.domain.status.recorder import Recorder
from medianest_core.domain.status.states import State, of_instance
from medianest_core.host.errors import UnknownInstance
from medianest_core.host.instances import Instances
from medianest_core.sdk.routes import Viewer
from medianest_core.store.engine import Database


class Status:
    """read: what people see. announcements: what admins decide. board: what is wrong now."""

    def __init__(
        self,
        *,
        db: Database,
        bus: EventBus,
        instances: Instances,
        leads: Callable[[], bool] = lambda: True,
        clock: Clock | None = None,
        poll: float = POLL,
    ) -> None:
        """leads: is this the process that collects?"""
        clock = clock or SystemClock()
        self._instances = instances
        recorder = Recorder(db, bus, clock)
        self._tasks = TaskKeeper()
        self.collector = Collector(db, bus, clock, instances, recorder, leads, poll=poll)
        self.board = Board(db, bus, clock, instances)
        self.read = Reading(db, clock)
        self.announcements = Announcements(db, bus, clock)

    async def start(self) -> None:
        await self.board.read()
        self._tasks.spawn(self.board.run(), "status: board")
        self.collector.start()

    async def stop(self) -> None:
        await self.collector.stop()
        self.board.close()
        await self._tasks.close()

    def trouble(self, viewer: Viewer) -> list[Trouble]:
        """What is wrong now, for banners: nothing while all is well."""
        return self.board.trouble(viewer)

    def is_down(self, instance_id: str) -> bool:
        """Does a configured service not work now? Whoever wants something of it should wait. True where there is none."""
        try:
            state = of_instance(self._instances.info(instance_id))
        except UnknownInstance:
            return True
        return state in (State.DOWN, State.PAUSED)
