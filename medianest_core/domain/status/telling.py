"""The events of what is watched: each change live to those who may see it, and what people are told, once, for all of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from medianest_core.bus.events import ServiceStatus, ServiceTrouble, SystemAlert
from medianest_core.bus.outbox import EventBus
from medianest_core.domain.status.states import State
from medianest_core.domain.status.watched import Watched
from medianest_core.sdk.events import Audience
from medianest_core.store.engine import Tx

SINGLY = 5
"""Up to so many things of a service that change together are told one by one."""
Word = Literal["", "down", "up", "flapping", "over"]


async def state(tx: Tx, bus: EventBus, watched: Watched) -> None:
    """To everyone who may see it. Why it is down is for admins: it may name what is inside the house."""
    event = ServiceStatus(
        monitor_id=str(watched.id),
        instance_id=watched.instance_id,
        title=watched.report.name,
        up=watched.state is State.UP,
        state=watched.state.value,
        since_at=watched.since_at,
    )
    await bus.publish(tx, event, Audience.status(watched.role))


async def words(tx: Tx, bus: EventBus, instance_id: str, told: Sequence[tuple[Watched, Word]]) -> None:
    """Alerts for admins, and what becomes notifications."""
    by_word: dict[Word, list[Watched]] = {}
    for watched, word in told:
        by_word.setdefault(word, []).append(watched)
    for word, things in by_word.items():
        if len(things) <= SINGLY or word == "over":
            for one in things:
                await _publish(tx, bus, word, instance_id, one, 1, one.report.name)
        else:
            names = ", ".join(one.report.name for one in things[:3])
            await _publish(tx, bus, word, instance_id, things[0], len(things), f"{names}, …")


async def _publish(
    tx: Tx, bus: EventBus, word: Word, instance_id: str, watched: Watched, count: int, title: str
) -> None:
    reason = watched.report.message if count == 1 and word != "up" else ""
    trouble = ServiceTrouble(
        monitor_id=str(watched.id) if count == 1 else "",
        instance_id=instance_id,
        title=title,
        told=word,
        reason=reason,
        since_at=watched.since_at,
        count=count,
    )
    await bus.publish(tx, trouble, Audience.nobody())
    alert = SystemAlert(
        key=f"status:{watched.id if count == 1 else instance_id}",
        level="warning" if word == "flapping" else "info" if word in ("up", "over") else "error",
        title=title,
        message=reason,
        link=f"/status/{watched.id}" if count == 1 else "/status?show=trouble",
        active=word in ("down", "flapping"),
        inbox=False,
    )
    await bus.publish(tx, alert, Audience.admins())
