"""What services announce by themselves: incidents and maintenance windows, kept as long as their service tells of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from sqlalchemy import bindparam, select, update

from medianest_core.base.ids import new_id
from medianest_core.bus.events import IncidentChanged
from medianest_core.bus.outbox import EventBus
from medianest_core.sdk.events import Audience
from medianest_core.sdk.status import Incident
from medianest_core.store.engine import Database
from medianest_core.store.tables.status import incidents, monitors

KINDS = ("incident", "maintenance")
MOST = 200
_FIELDS = ("title", "message", "tone", "started_at", "ended_at")


async def take(db: Database, bus: EventBus, instance_id: str, found: Sequence[Incident], now: float) -> None:
    """found: all open and recent ones of this service. Those that are open here and not among them are over."""
    wanted = {(kind, key): values for kind, key, values in map(_values, found[:MOST])}
    async with db.read() as tx:
        rows = await tx.all(
            select(incidents).where(incidents.c.instance_id == instance_id, incidents.c.kind.in_(KINDS))
        )
        role = await tx.scalar(
            select(monitors.c.role).where(monitors.c.instance_id == instance_id, monitors.c.key == "")
        )
    known = {(row["kind"], row["key"]): row for row in rows}
    fresh = [
        {"id": new_id(), "kind": kind, "key": key, "role": role or "", **values}
        for (kind, key), values in wanted.items()
        if (kind, key) not in known
    ]
    changed = [
        {"of_id": row["id"], "of_kind": row["kind"], **{f"new_{name}": values[name] for name in _FIELDS}}
        for place, values in wanted.items()
        if (row := known.get(place)) is not None and any(row[name] != values[name] for name in _FIELDS)
    ]
    changed += [
        {
            "of_id": row["id"],
            "of_kind": row["kind"],
            **{f"new_{name}": row[name] for name in _FIELDS},
            "new_ended_at": now,
        }
        for place, row in known.items()
        if place not in wanted and row["ended_at"] is None
    ]
    if not fresh and not changed:
        return
    async with db.begin() as tx:
        if fresh:
            more = {"instance_id": instance_id, "monitor_id": None, "times": 1, "made_by": None, "version": 1}
            await tx.execute(incidents.insert(), [{**one, **more} for one in fresh])
        if changed:
            await tx.execute(
                update(incidents)
                .where(incidents.c.id == bindparam("of_id"))
                .values(
                    **{name: bindparam(f"new_{name}") for name in _FIELDS}, version=incidents.c.version + 1
                ),
                [{name: value for name, value in one.items() if name != "of_kind"} for one in changed],
            )
        for one in fresh:
            event = IncidentChanged(
                incident_id=one["id"], kind=one["kind"], title=one["title"], open=one["ended_at"] is None
            )
            await bus.publish(tx, event, Audience.status(role or ""))
        for one in changed:
            event = IncidentChanged(
                incident_id=one["of_id"],
                kind=one["of_kind"],
                title=one["new_title"],
                open=one["new_ended_at"] is None,
            )
            await bus.publish(tx, event, Audience.status(role or ""))


def _values(one: Incident) -> tuple[str, str, dict[str, object]]:
    """(kind, key, what is shown)."""
    key = one.key or hashlib.sha256(f"{one.title}\n{one.started_at}".encode()).hexdigest()
    values: dict[str, object] = {
        "title": one.title.strip()[:200] or "–",
        "message": one.message.strip()[:4000],
        "tone": "info" if one.planned else "warning",
        "started_at": one.started_at,
        "ended_at": one.ended_at,
    }
    return ("maintenance" if one.planned else "incident"), key[:190], values
