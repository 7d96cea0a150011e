"""What admins announce, and what they decide about monitors: who sees them, and which ones people need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select, update

from medianest_core.base.clock import Clock
from medianest_core.base.ids import new_id
from medianest_core.base.texts import N_
from medianest_core.bus.events import IncidentChanged, MonitorChanged
from medianest_core.bus.outbox import EventBus
from medianest_core.domain.accounts.errors import Missing
from medianest_core.domain.accounts.roles import ADMIN_ROLE
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.events import Audience
from medianest_core.store.engine import Database, Tx
from medianest_core.store.errors import Stale
from medianest_core.store.repos import audit
from medianest_core.store.tables.status import incidents, monitors

KIND = "announcement"
EVERYONE = ""
ROLES = (EVERYONE, ADMIN_ROLE)
"""Who may see something: everyone who is signed in, or one role; admins see all."""
TONES = ("info", "success", "warning", "error")
_LONGEST, _MESSAGE = 200, 4000


@dataclass(frozen=True, slots=True)
class Wanted:
    """An announcement as an admin writes it. Times: epoch seconds; ends_at None until someone ends it."""

    title: str
    message: str = ""
    tone: str = "info"
    role: str = EVERYONE
    starts_at: float | None = None
    ends_at: float | None = None


class Announcements:
    def __init__(self, db: Database, bus: EventBus, clock: Clock) -> None:
        self._db = db
        self._bus = bus
        self._clock = clock

    async def add(self, wanted: Wanted, actor: str) -> str:
        """Its id. Raises UserError."""
        values = self._values(wanted)
        identifier = new_id()
        more = {"kind": KIND, "instance_id": None, "monitor_id": None, "key": None, "times": 1, "version": 1}
        async with self._db.begin() as tx:
            await tx.execute(incidents.insert().values(id=identifier, made_by=actor, **more, **values))
            await self._note(tx, actor, "announcement.added", identifier, values)
        return identifier

    async def change(self, identifier: str, wanted: Wanted, version: int, actor: str) -> None:
        """Raises UserError, Missing, Stale."""
        values = self._values(wanted)
        if wanted.starts_at is None:
            del values["started_at"]
        async with self._db.begin() as tx:
            known = await self._one(tx, identifier, version)
            values.setdefault("started_at", known["started_at"])
            _order(values)
            await tx.execute(
                update(incidents).where(incidents.c.id == identifier).values(version=version + 1, **values)
            )
            await self._note(tx, actor, "announcement.changed", identifier, values)

    async def end(self, identifier: str, version: int, actor: str) -> None:
        """It is over. Raises Missing, Stale."""
        async with self._db.begin() as tx:
            known = await self._one(tx, identifier, version)
            now = self._clock.now()
            values = {"ended_at": now, "started_at": min(now, known["started_at"])}
            await tx.execute(
                update(incidents).where(incidents.c.id == identifier).values(version=version + 1, **values)
            )
            await self._note(tx, actor, "announcement.ended", identifier, {**known, **values})

    async def remove(self, identifier: str, version: int, actor: str) -> None:
        """Raises Missing, Stale."""
        async with self._db.begin() as tx:
            known = await self._one(tx, identifier, version)
            await tx.execute(delete(incidents).where(incidents.c.id == identifier))
            values = {**known, "ended_at": self._clock.now()}
            await self._note(tx, actor, "announcement.removed", identifier, values)

    async def decide(self, monitor_id: int, role: str, needed: bool, version: int, actor: str) -> None:
        """Who sees a monitor and what is said of it, and whether a banner tells when it is down. Raises Missing, Stale, UserError."""
        _known_role(role)
        async with self._db.begin() as tx:
            row = await tx.first(select(monitors).where(monitors.c.id == monitor_id))
            if row is None:
                raise Missing(N_("There is no such monitor."))
            if row["version"] != version:
                raise Stale({"role": row["role"], "needed": row["needed"], "version": row["version"]})
            await tx.execute(
                update(monitors)
                .where(monitors.c.id == monitor_id)
                .values(role=role, needed=needed, version=version + 1)
            )
            await tx.execute(update(incidents).where(incidents.c.monitor_id == monitor_id).values(role=role))
            await self._tell(tx, row, actor, {"role": role, "needed": needed})

    async def decide_all(self, instance_id: str, role: str, actor: str) -> int:
        """Who sees all that a service watches, what it will yet list, and what it announces. Returns how many. Raises UserError."""
        _known_role(role)
        async with self._db.begin() as tx:
            rows = await tx.all(select(monitors).where(monitors.c.instance_id == instance_id))
            if not rows:
                raise Missing(N_("There is no such service."))
            await tx.execute(
                update(monitors)
                .where(monitors.c.instance_id == instance_id)
                .values(role=role, version=monitors.c.version + 1)
            )
            await tx.execute(
                update(incidents).where(incidents.c.instance_id == instance_id).values(role=role)
            )
            await self._tell(tx, rows[0], actor, {"role": role, "count": len(rows)})
        return len(rows)

    async def _tell(self, tx: Tx, row: Any, actor: str, details: dict[str, Any]) -> None:
        await audit.record(tx, actor=actor, action="monitor.changed", target=str(row["id"]), details=details)
        # Everyone's page looks again: those who may see it from now on, and those who may no longer.
        await self._bus.publish(tx, MonitorChanged(monitor_id=str(row["id"])), Audience.status())

    async def _one(self, tx: Tx, identifier: str, version: int) -> dict[str, Any]:
        row = await tx.first(select(incidents).where(incidents.c.id == identifier, incidents.c.kind == KIND))
        if row is None:
            raise Missing(N_("There is no such announcement."))
        if row["version"] != version:
            raise Stale(
                {
                    "title": row["title"],
                    "message": row["message"],
                    "tone": row["tone"],
                    "role": row["role"],
                    "version": row["version"],
                }
            )
        return dict(row)

    async def _note(self, tx: Tx, actor: str, action: str, identifier: str, values: dict[str, Any]) -> None:
        await audit.record(
            tx, actor=actor, action=action, target=identifier, details={"title": values["title"]}
        )
        now = self._clock.now()
        event = IncidentChanged(
            incident_id=identifier,
            kind=KIND,
            title=values["title"],
            open=values["ended_at"] is None or values["ended_at"] > now,
        )
        await self._bus.publish(tx, event, Audience.status(values["role"]))

    def _values(self, wanted: Wanted) -> dict[str, Any]:
        title = " ".join(wanted.title.split())
        if not title:
            raise UserError(N_("Say in a few words what it is about."), "title")
        if len(title) > _LONGEST:
            raise UserError(N_("The title is too long."), "title")
        if len(wanted.message) > _MESSAGE:
            raise UserError(N_("The text is too long."), "message")
        if wanted.tone not in TONES:
            raise UserError(N_("There is no such tone."), "tone")
        _known_role(wanted.role)
        values = {
            "title": title,
            "message": wanted.message.strip(),
            "tone": wanted.tone,
            "role": wanted.role,
            "started_at": wanted.starts_at if wanted.starts_at is not None else self._clock.now(),
            "ended_at": wanted.ends_at,
        }
        _order(values)
        return values


def _order(values: dict[str, Any]) -> None:
    if values["ended_at"] is not None and values["ended_at"] <= values["started_at"]:
        raise UserError(N_("It cannot end before it begins."), "ends_at")


def _known_role(role: str) -> None:
    if role not in ROLES:
        raise UserError(N_("There is no such role."), "role")
