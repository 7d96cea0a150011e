"""Incidents that make themselves: an outage begins when a thing goes down and ends when it does not."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, select, update

from medianest_core.base.ids import new_id
from medianest_core.domain.status.states import State
from medianest_core.domain.status.watched import Watched
from medianest_core.store.engine import Tx
from medianest_core.store.tables.status import incidents

KIND = "outage"
REOPENED = 300.0
"""Seconds: what goes down again so soon goes on with the same outage."""


async def follow(tx: Tx, changed: Sequence[tuple[Watched, State]], now: float) -> None:
    """changed: (thing, state before)."""
    down = [one for one, before in changed if one.state is State.DOWN and before is not State.DOWN]
    over = [one for one, before in changed if before is State.DOWN and one.state is not State.DOWN]
    if over:
        await tx.execute(
            update(incidents)
            .where(
                incidents.c.monitor_id.in_([one.id for one in over]),
                incidents.c.kind == KIND,
                incidents.c.ended_at.is_(None),
            )
            .values(ended_at=now, version=incidents.c.version + 1)
        )
    if down:
        await _begin(tx, down, now)


async def _begin(tx: Tx, down: Sequence[Watched], now: float) -> None:
    recent = await tx.all(
        select(incidents.c.id, incidents.c.monitor_id)
        .where(
            incidents.c.monitor_id.in_([one.id for one in down]),
            incidents.c.kind == KIND,
            (incidents.c.ended_at.is_(None)) | (incidents.c.ended_at > now - REOPENED),
        )
        .order_by(incidents.c.started_at)
    )
    again = {row["monitor_id"]: row["id"] for row in recent}
    if again:
        await tx.execute(
            update(incidents)
            .where(incidents.c.id == bindparam("of_id"))
            .values(ended_at=None, times=incidents.c.times + 1, version=incidents.c.version + 1),
            [{"of_id": one} for one in again.values()],
        )
    fresh = [one for one in down if one.id not in again]
    if fresh:
        await tx.execute(
            incidents.insert(),
            [
                {
                    "id": new_id(),
                    "kind": KIND,
                    "instance_id": one.instance_id,
                    "monitor_id": one.id,
                    "key": None,
                    "title": one.report.name,
                    "message": one.report.message,
                    "tone": "error",
                    "role": one.role,
                    "started_at": one.since_at,
                    "ended_at": None,
                    "times": 1,
                    "made_by": None,
                    "version": 1,
                }
                for one in fresh
            ],
        )
