"""What is wrong now, at hand in every process: each page asks for it.

The configured services are looked at directly, as this process sees them. What else people need, and what is announced, is read
again when an event tells of a change, and now and then.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import or_, select

from medianest_core.base.clock import Clock
from medianest_core.base.repeat import Repeater
from medianest_core.bus.events import IncidentChanged, MonitorChanged, ServiceStatus
from medianest_core.bus.outbox import EventBus
from medianest_core.domain.status.states import State
from medianest_core.domain.status.watched import OWN
from medianest_core.host.instance import InstanceInfo
from medianest_core.host.instances import Instances
from medianest_core.host.states import InstanceState
from medianest_core.sdk.routes import Viewer
from medianest_core.store.engine import Database
from medianest_core.store.tables.status import incidents, monitors

EVERY = 60.0
_AWAY = {InstanceState.RETRYING, InstanceState.NEEDS_REAUTH, InstanceState.FAILED, InstanceState.SUSPENDED}


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that people should know now. kind: "service" (a configured one is away), "monitor" (something needed is down) or
    "announcement". title: its name, or the announcement's words. tone: as announced. since_at: epoch seconds."""

    kind: str
    id: str
    title: str
    since_at: float
    tone: str = "warning"
    instance_id: str | None = None


@dataclass(frozen=True, slots=True)
class _Needed:
    role: str
    trouble: Trouble
    until: float | None = None

    def shown(self, viewer: Viewer, now: float) -> bool:
        return (
            (viewer.is_admin or self.role in ("", viewer.role))
            and self.trouble.since_at <= now
            and (self.until is None or now < self.until)
        )


class Board:
    def __init__(self, db: Database, bus: EventBus, clock: Clock, instances: Instances) -> None:
        self._db = db
        self._clock = clock
        self._instances = instances
        self._own: dict[str, tuple[str, bool]] = {}
        self._needed: tuple[_Needed, ...] = ()
        self._repeat = Repeater(self.read, EVERY, trouble="what is down cannot be read")
        self._ends = [
            bus.subscribe(ServiceStatus, self._soon, name="status.board", everywhere=True),
            bus.subscribe(MonitorChanged, self._soon, name="status.board", everywhere=True),
            bus.subscribe(IncidentChanged, self._soon, name="status.board", everywhere=True),
        ]
        self.stamp = 0
        """Changes whenever what people are told may have changed."""

    def close(self) -> None:
        for end in self._ends:
            end()

    async def run(self) -> None:
        """Until cancelled."""
        await self._repeat.run()

    async def read(self) -> None:
        """Read anew what is needed and what is announced."""
        now = self._clock.now()
        async with self._db.read() as tx:
            own = await tx.all(
                select(monitors.c.instance_id, monitors.c.role, monitors.c.needed).where(
                    monitors.c.key == OWN
                )
            )
            down = await tx.all(
                select(monitors).where(
                    monitors.c.needed,
                    monitors.c.key != OWN,
                    monitors.c.gone_at.is_(None),
                    monitors.c.state == State.DOWN.value,
                )
            )
            announced = await tx.all(
                select(incidents)
                .where(
                    incidents.c.kind == "announcement",
                    or_(incidents.c.ended_at.is_(None), incidents.c.ended_at > now),
                )
                .order_by(incidents.c.started_at)
                .limit(20)
            )
        before = (self._own, self._needed)
        self._own = {row["instance_id"]: (row["role"], row["needed"]) for row in own}
        self._needed = (
            *(
                _Needed(
                    row["role"],
                    Trouble(
                        "monitor",
                        str(row["id"]),
                        row["name"],
                        row["since_at"],
                        instance_id=row["instance_id"],
                    ),
                )
                for row in down
            ),
            *(
                _Needed(
                    row["role"],
                    Trouble("announcement", row["id"], row["title"], row["started_at"], row["tone"]),
                    row["ended_at"],
                )
                for row in announced
            ),
        )
        if before != (self._own, self._needed):
            self.stamp += 1

    def visible(self, viewer: Viewer, infos: Iterable[InstanceInfo]) -> list[InstanceInfo]:
        """Those of the configured services whose state this person may see."""
        if viewer.is_admin:
            return list(infos)
        return [one for one in infos if self._own.get(one.id, ("", True))[0] in ("", viewer.role)]

    def trouble(self, viewer: Viewer) -> list[Trouble]:
        """What is wrong now, of what this person may see and needs; nothing while all is well."""
        found = [
            Trouble("service", info.id, info.title, info.since, instance_id=info.id)
            for info in self.visible(viewer, self._instances.all())
            if info.enabled and info.state in _AWAY and self._own.get(info.id, ("", True))[1]
        ]
        now = self._clock.now()
        return found + [one.trouble for one in self._needed if one.shown(viewer, now)]

    async def _soon(self, _: object) -> None:
        self._repeat.soon()
