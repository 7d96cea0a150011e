"""Which channels a notification goes to, and when: written, with the job that sends it, in the transaction of the notification."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from sqlalchemy import select, update
from sqlalchemy.engine import RowMapping

from medianest_core.base.clock import Clock
from medianest_core.base.ids import new_id
from medianest_core.base.texts import N_
from medianest_core.domain.notify.times import Times, due
from medianest_core.domain.notify.topics import is_urgent, topic_of
from medianest_core.ledger.enqueue import Ledger
from medianest_core.sdk.storage import Transaction
from medianest_core.store.tables.accounts import users
from medianest_core.store.tables.notify import channels, choices, deliveries, times

SEND_JOB = "notify.send"
DIGEST_JOB = "notify.digest"


class SendArgs(BaseModel):
    delivery_id: str


class DigestArgs(BaseModel):
    channel_id: str


class Planning:
    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock

    async def plan(
        self, tx: Transaction, notification_id: str, user_id: str, kind: str, params: Mapping[str, Any]
    ) -> None:
        """One delivery for each channel of the person that wants the topic."""
        topic, urgent = topic_of(kind), is_urgent(kind, params)
        found = await tx.execute(
            select(channels.c.id, channels.c.digest, choices.c.wanted)
            .select_from(
                channels.outerjoin(
                    choices, (choices.c.channel_id == channels.c.id) & (choices.c.topic == topic.name)
                )
            )
            .where(
                channels.c.user_id == user_id,
                channels.c.enabled.is_(True),
                channels.c.confirmed_at.is_not(None),
            )
        )
        rows = [
            row
            for row in found.mappings().all()
            if (topic.wanted if row["wanted"] is None else row["wanted"])
        ]
        if not rows:
            return
        now, when = self._clock.now(), await self.times(tx, user_id)
        for row in rows:
            digest = row["digest"] and not (urgent and when.urgent)
            values = {
                "id": new_id(),
                "notification_id": notification_id,
                "channel_id": row["id"],
                "user_id": user_id,
                "topic": topic.name,
                "urgent": urgent,
                "digest": digest,
                "state": "waiting",
                "due_at": due(when, now, digest=digest, urgent=urgent),
                "attempts": [],
                "reason": "",
                "created_at": now,
            }
            await tx.execute(deliveries.insert().values(**values))
            await self.enqueue(tx, values)

    async def move(self, tx: Transaction, user_id: str) -> None:
        """The person's hours or summaries changed: what still waits goes out when it would have, had they been so before."""
        found = await tx.execute(
            select(deliveries, channels.c.digest.label("as_digest"))
            .join(channels, channels.c.id == deliveries.c.channel_id)
            .where(deliveries.c.user_id == user_id, deliveries.c.state == "waiting")
        )
        when, now = await self.times(tx, user_id), self._clock.now()
        for row in found.mappings().all():
            digest = row["as_digest"] and not (row["urgent"] and when.urgent)
            values = {
                "digest": digest,
                "due_at": due(when, now, digest=digest, urgent=row["urgent"]),
            }
            await tx.execute(
                update(deliveries)
                .where(deliveries.c.id == row["id"], deliveries.c.state == "waiting")
                .values(**values)
            )
            await self.enqueue(tx, {**row, **values})

    async def enqueue(self, tx: Transaction, row: Mapping[str, Any] | RowMapping) -> None:
        """A job for when it is due. One that is queued for earlier looks, finds that it is not due, and waits."""
        delay = max(0.0, row["due_at"] - self._clock.now())
        if row["digest"]:
            await self._ledger.enqueue(
                tx,
                DIGEST_JOB,
                DigestArgs(channel_id=row["channel_id"]),
                owner=row["user_id"],
                unique=row["channel_id"],
                delay=delay,
                title=N_("Send the daily summary"),
            )
        else:
            await self._ledger.enqueue(
                tx,
                SEND_JOB,
                SendArgs(delivery_id=row["id"]),
                owner=row["user_id"],
                unique=row["id"],
                delay=delay,
                title=N_("Send a notification"),
            )

    async def times(self, tx: Transaction, user_id: str) -> Times:
        """The person's hours, in their zone."""
        found = await tx.execute(
            select(times, users.c.timezone)
            .select_from(users.outerjoin(times, times.c.user_id == users.c.id))
            .where(users.c.id == user_id)
        )
        row = found.mappings().first()
        if row is None:
            return Times()
        if row["version"] is None:
            return Times(zone=row["timezone"] or "UTC")
        return Times(
            quiet_from=row["quiet_from"],
            quiet_to=row["quiet_to"],
            digest_hour=row["digest_hour"],
            urgent=row["urgent"],
            zone=row["timezone"] or row["zone"] or "UTC",
            version=row["version"],
        )
