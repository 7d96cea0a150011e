"""What people see of the status: monitors page by page, how one of them fared, incidents, and how many are in which state."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select, true, tuple_

from medianest_core.base.clock import Clock
from medianest_core.base.texts import N_
from medianest_core.domain.accounts.errors import Missing
from medianest_core.domain.status.rings import SHAPES, Bucket, History, Span
from medianest_core.domain.status.states import State
from medianest_core.domain.status.watched import OWN
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.routes import Viewer
from medianest_core.store.engine import Database, Tx
from medianest_core.store.paging import mark, past
from medianest_core.store.tables.status import incidents, monitor_history, monitors

RECENT = 7 * 86_400.0
"""Seconds that an incident is shown after its end."""
FRESH = 600.0
"""Seconds after which what was not counted is not known."""
LARGEST = 2**31
_TROUBLE = (State.DOWN.value, State.MAINTENANCE.value)


@dataclass(frozen=True, slots=True)
class Monitor:
    """One thing that is watched. own: it is a configured service itself. group: "" for those. uptime: span → 0 to 1, None: not known.

    message, url, role and needed: for admins only. since_at: of the state. seen_at: when it was last written. Times: epoch seconds.
    """

    id: int
    instance_id: str
    own: bool
    name: str
    group: str
    state: State
    since_at: float
    seen_at: float | None
    response_ms: float | None
    certificate_ends_at: float | None
    uptime: Mapping[Span, float | None]
    message: str = ""
    url: str | None = None
    role: str = ""
    needed: bool = False
    version: int = 0


@dataclass(frozen=True, slots=True)
class MonitorPage:
    items: Sequence[Monitor]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Past:
    """How a monitor fared. width: seconds of each bucket."""

    span: Span
    width: float
    uptime: float | None
    buckets: Sequence[Bucket]


@dataclass(frozen=True, slots=True)
class IncidentInfo:
    """kind: outage, incident, maintenance or announcement. times: how often it went down. Times: epoch seconds; ended_at None while it lasts."""

    id: str
    kind: str
    title: str
    message: str
    tone: str
    monitor_id: int | None
    started_at: float
    ended_at: float | None
    times: int
    role: str = ""
    version: int = 0


@dataclass(frozen=True, slots=True)
class IncidentPage:
    items: Sequence[IncidentInfo]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Shown:
    """A page of monitors with their pasts, by id."""

    page: MonitorPage
    pasts: Mapping[int, Mapping[Span, Past]] = field(default_factory=dict)


class Reading:
    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def monitors(
        self,
        viewer: Viewer,
        *,
        text: str = "",
        trouble: bool = False,
        states: Collection[State] = (),
        instance_id: str | None = None,
        cursor: str | None = None,
        limit: int = 60,
        spans: Collection[Span] = (),
    ) -> Shown:
        """By group and name, the configured services first. trouble: only what is down or in maintenance. spans: whose pasts to read.

        Raises UserError for a cursor that is not ours.
        """
        wanted = _joined().where(monitors.c.gone_at.is_(None), _visible(monitors.c.role, viewer))
        for one in text.lower().split()[:8]:
            like = f"%{one.replace('%', '').replace('_', '')}%"
            wanted = wanted.where(
                or_(func.lower(monitors.c.name).like(like), func.lower(monitors.c.section).like(like))
            )
        if trouble:
            wanted = wanted.where(monitors.c.state.in_(_TROUBLE))
        if states:
            wanted = wanted.where(monitors.c.state.in_([one.value for one in states]))
        if instance_id is not None:
            wanted = wanted.where(monitors.c.instance_id == instance_id)
        async with self._db.read() as tx:
            if cursor is not None:
                wanted = wanted.where(await _after(tx, cursor))
            rows = await tx.all(
                wanted.order_by(monitors.c.section, monitors.c.name, monitors.c.id).limit(limit + 1)
            )
        more = str(rows[limit - 1]["id"]) if len(rows) > limit else None
        return self._shown(rows[:limit], more, viewer, spans)

    async def monitor(self, viewer: Viewer, monitor_id: int, spans: Collection[Span] = tuple(Span)) -> Shown:
        """One, as a page of its own. Raises Missing, also for those who may not see it."""
        if not 0 <= monitor_id < LARGEST:
            raise Missing(N_("There is no such monitor."))
        async with self._db.glance() as tx:
            row = await tx.first(
                _joined().where(monitors.c.id == monitor_id, _visible(monitors.c.role, viewer))
            )
        if row is None:
            raise Missing(N_("There is no such monitor."))
        return self._shown([row], None, viewer, spans)

    async def counts(self, viewer: Viewer) -> dict[State, int]:
        """How many are in which state."""
        async with self._db.glance() as tx:
            rows = await tx.all(
                select(monitors.c.state, func.count().label("count"))
                .where(monitors.c.gone_at.is_(None), _visible(monitors.c.role, viewer))
                .group_by(monitors.c.state)
            )
        return {State(row["state"]): row["count"] for row in rows}

    async def incidents(
        self,
        viewer: Viewer,
        *,
        monitor_id: int | None = None,
        kinds: Collection[str] = (),
        open_only: bool = False,
        cursor: str | None = None,
        limit: int = 30,
    ) -> IncidentPage:
        """Newest first; announcements and maintenance that are still to come stand first."""
        wanted = (
            select(incidents)
            .where(_visible(incidents.c.role, viewer))
            .order_by(incidents.c.started_at.desc(), incidents.c.id.desc())
        )
        if monitor_id is not None:
            wanted = wanted.where(incidents.c.monitor_id == monitor_id)
        if kinds:
            wanted = wanted.where(incidents.c.kind.in_(list(kinds)))
        if open_only:
            wanted = wanted.where(_open(self._clock.now()))
        if cursor is not None:
            wanted = wanted.where(past(cursor, incidents.c.started_at, incidents.c.id))
        async with self._db.glance() as tx:
            rows = await tx.all(wanted.limit(limit + 1))
        items = [_incident(dict(row), viewer) for row in rows[:limit]]
        more = mark(items[-1].started_at, items[-1].id) if len(rows) > limit else None
        return IncidentPage(items, more)

    async def incident(self, viewer: Viewer, identifier: str) -> IncidentInfo:
        """Raises Missing."""
        async with self._db.glance() as tx:
            row = await tx.first(
                select(incidents).where(incidents.c.id == identifier, _visible(incidents.c.role, viewer))
            )
        if row is None:
            raise Missing(N_("There is no such incident."))
        return _incident(dict(row), viewer)

    def _shown(self, rows: Sequence[Any], more: str | None, viewer: Viewer, spans: Collection[Span]) -> Shown:
        now = self._clock.now()
        items: list[Monitor] = []
        pasts: dict[int, dict[Span, Past]] = {}
        for row in rows:
            history = History.load(row, row["counted_at"])
            if 0 <= now - row["counted_at"] <= FRESH and row["gone_at"] is None:
                # Histories are written every few minutes; since then it is as its row says, which is written at once.
                history.skip(row["since_at"])
                history.pass_time(State(row["state"]), now)
            uptimes = history.uptimes(now)
            items.append(_monitor(row, uptimes, viewer))
            if spans:
                pasts[row["id"]] = {
                    span: Past(span, SHAPES[span][0], uptimes[span], history.rings[span].buckets(now))
                    for span in spans
                }
        return Shown(MonitorPage(items, more), pasts)


def _joined() -> Select[Any]:
    return select(
        monitors,
        monitor_history.c.day,
        monitor_history.c.week,
        monitor_history.c.month,
        monitor_history.c.counted_at,
    ).join(monitor_history, monitor_history.c.monitor_id == monitors.c.id)


def _visible(role: ColumnElement[str], viewer: Viewer) -> ColumnElement[bool]:
    return true() if viewer.is_admin else role.in_(("", viewer.role))


def _open(now: float) -> ColumnElement[bool]:
    return or_(incidents.c.ended_at.is_(None), incidents.c.ended_at > now)


async def _after(tx: Tx, cursor: str) -> ColumnElement[bool]:
    if not cursor.isascii() or not cursor.isdigit() or len(cursor) > 9:
        raise UserError(N_("This place in the list is not known; start again."), "cursor")
    row = await tx.first(
        select(monitors.c.section, monitors.c.name, monitors.c.id).where(monitors.c.id == int(cursor))
    )
    if row is None:
        return false()
    place = tuple_(monitors.c.section, monitors.c.name, monitors.c.id)
    return and_(place > (row["section"], row["name"], row["id"]))


def _monitor(row: Mapping[str, Any], uptime: Mapping[Span, float | None], viewer: Viewer) -> Monitor:
    admin = viewer.is_admin
    return Monitor(
        id=row["id"],
        instance_id=row["instance_id"],
        own=row["key"] == OWN,
        name=row["name"],
        group=row["section"],
        state=State(row["state"]),
        since_at=row["since_at"],
        seen_at=row["seen_at"],
        response_ms=row["response_ms"],
        certificate_ends_at=row["certificate_ends_at"],
        uptime=uptime,
        message=row["message"] if admin else "",
        url=row["url"] if admin else None,
        role=row["role"] if admin else "",
        needed=row["needed"],
        version=row["version"] if admin else 0,
    )


def _incident(row: Mapping[str, Any], viewer: Viewer) -> IncidentInfo:
    shown = viewer.is_admin or row["kind"] != "outage"
    return IncidentInfo(
        id=row["id"],
        kind=row["kind"],
        title=row["title"],
        message=row["message"] if shown else "",
        tone=row["tone"],
        monitor_id=row["monitor_id"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        times=row["times"],
        role=row["role"] if viewer.is_admin else "",
        version=row["version"] if viewer.is_admin else 0,
    )
