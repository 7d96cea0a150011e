"""What became of each notification outside the portal: the log that people see, and its upkeep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from sqlalchemy import ColumnElement, and_, delete, exists, literal, select, update

from medianest_core.base.clock import Clock
from medianest_core.base.texts import N_
from medianest_core.domain.accounts.errors import Missing
from medianest_core.domain.notify.kinds import kind_of
from medianest_core.domain.notify.planning import DIGEST_JOB, SEND_JOB, Planning
from medianest_core.domain.notify.wording import Wording
from medianest_core.ledger.states import FINISHED
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.jobs import JobContext
from medianest_core.store.engine import Database
from medianest_core.store.paging import mark, past
from medianest_core.store.tables.ledger import jobs
from medianest_core.store.tables.notify import channels, deliveries, notifications

KEPT = 30 * 86_400.0
"""Seconds that ended deliveries are remembered."""
_GRACE = 60.0
"""Seconds after which a message that is due and that no job carries is given up."""
ENDED = ("sent", "failed", "unclear", "dropped")


class TidyArgs(BaseModel):
    pass


@dataclass(frozen=True, slots=True)
class Attempt:
    """at: epoch seconds. end: sent, failed or unclear; empty while it is under way."""

    at: float
    end: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DeliveryInfo:
    """One notification on one channel. state: waiting, sending, sent, failed, unclear (it may have arrived) or dropped.

    due_at: when it goes, or was to go. Times: epoch seconds.
    """

    id: str
    notification_id: str
    channel_id: str
    channel: str
    title: str
    state: str
    reason: str
    digest: bool
    due_at: float
    created_at: float
    ended_at: float | None
    attempts: Sequence[Attempt]


class Deliveries:
    def __init__(self, db: Database, planning: Planning, wording: Wording, clock: Clock) -> None:
        self._db = db
        self._planning = planning
        self._wording = wording
        self._clock = clock

    async def log(
        self, user_id: str, *, locale: str = "en", cursor: str | None = None, limit: int = 30
    ) -> tuple[Sequence[DeliveryInfo], str | None]:
        """(the person's deliveries, newest first; mark of the next page)."""
        wanted = (
            select(
                deliveries,
                channels.c.shown,
                channels.c.label,
                notifications.c.kind,
                notifications.c.params,
            )
            .join(channels, channels.c.id == deliveries.c.channel_id)
            .join(notifications, notifications.c.id == deliveries.c.notification_id)
            .where(deliveries.c.user_id == user_id)
            .order_by(deliveries.c.created_at.desc(), deliveries.c.id.desc())
        )
        if cursor:
            wanted = wanted.where(past(cursor, deliveries.c.created_at, deliveries.c.id))
        async with self._db.read() as tx:
            rows = await tx.all(wanted.limit(limit + 1))
        found = [
            DeliveryInfo(
                id=row["id"],
                notification_id=row["notification_id"],
                channel_id=row["channel_id"],
                channel=row["label"] or row["shown"],
                title=self._wording.told(kind_of(row["kind"]), row["params"], locale)[0],
                state=row["state"],
                reason=row["reason"],
                digest=row["digest"],
                due_at=row["due_at"],
                created_at=row["created_at"],
                ended_at=row["ended_at"],
                attempts=[Attempt(**one) for one in row["attempts"]],
            )
            for row in rows[:limit]
        ]
        more = mark(found[-1].created_at, found[-1].id) if len(rows) > limit else None
        return found, more

    async def again(self, user_id: str, delivery_id: str) -> None:
        """Send one once more that did not go out for sure. Raises Missing, UserError."""
        now = self._clock.now()
        async with self._db.begin() as tx:
            row = await tx.first(
                select(deliveries).where(deliveries.c.id == delivery_id, deliveries.c.user_id == user_id)
            )
            if row is None:
                raise Missing(N_("There is no such delivery."))
            if row["state"] not in ("failed", "unclear", "dropped"):
                raise UserError(N_("It was sent, or will be."))
            values: dict[str, Any] = {
                "state": "waiting",
                "digest": False,
                "due_at": now,
                "reason": "",
                "ended_at": None,
                "job_id": None,
            }
            await tx.execute(update(deliveries).where(deliveries.c.id == delivery_id).values(**values))
            await self._planning.enqueue(tx, {**row, **values})

    async def tidy(self, ctx: JobContext, args: TidyArgs) -> int:
        """The job `notify.tidy`: forget old ones, and end those whose job ended without a word: it was killed once too often, or cancelled
        from the jobs page. Returns how many ended so."""
        now = self._clock.now()
        async with ctx.begin() as tx:
            await tx.execute(
                delete(deliveries).where(deliveries.c.state.in_(ENDED), deliveries.c.ended_at < now - KEPT)
            )
            lost = select(jobs.c.id).where(jobs.c.state.in_([str(state) for state in FINISHED]))
            done = await tx.execute(
                update(deliveries)
                .where(deliveries.c.state == "sending", deliveries.c.job_id.in_(lost))
                .values(
                    state="unclear",
                    reason=N_("The portal stopped in between; it may have arrived."),
                    ended_at=now,
                )
            )
            forgotten = await tx.execute(
                update(deliveries)
                .where(
                    deliveries.c.state == "waiting",
                    deliveries.c.due_at < now - _GRACE,
                    ~_in_hand(SEND_JOB, deliveries.c.id),
                    ~and_(deliveries.c.digest, _in_hand(DIGEST_JOB, deliveries.c.channel_id)),
                )
                .values(state="failed", reason=N_("Its job was ended before it could be sent."), ended_at=now)
            )
            return int(done.rowcount) + int(forgotten.rowcount)


def _in_hand(job: str, key: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether a job that is not over carries it."""
    return exists().where(
        jobs.c.name == job,
        jobs.c.state.not_in([str(state) for state in FINISHED]),
        jobs.c.unique_text == literal(f"{job}\n").concat(key),
    )
