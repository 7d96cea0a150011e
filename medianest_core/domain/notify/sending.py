"""The jobs that carry notifications outside: `notify.send` for one, `notify.digest` for what a channel gathered.

Before anything is handed to a notifier the delivery says `sending`, and that is committed. A later attempt of the same job that
finds it so knows that the portal died in between: that attempt is written down as unclear, and the message goes again under the
same id. Where a notifier itself says that a message may have arrived, it is not sent again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.engine import RowMapping

from medianest_core.base.clock import Clock
from medianest_core.base.crypto import CannotOpen, Keyring
from medianest_core.base.failpoints import failpoint
from medianest_core.base.texts import N_
from medianest_core.domain.notify.channel import Row, sealing, stop_token
from medianest_core.domain.notify.planning import DigestArgs, Planning, SendArgs
from medianest_core.domain.notify.times import after_quiet
from medianest_core.domain.notify.wording import Wording
from medianest_core.host.errors import UnknownInstance
from medianest_core.host.instances import Instances
from medianest_core.sdk.errors import (
    AuthFailed,
    EgressDenied,
    MediaNestError,
    NotFound,
    NotReady,
    RateLimited,
    Rejected,
    RetryLater,
    Unsupported,
    UserError,
)
from medianest_core.sdk.jobs import JobContext, Retry
from medianest_core.sdk.notify import MaybeSent, Message, Notifier
from medianest_core.sdk.storage import Transaction
from medianest_core.store.engine import Database
from medianest_core.store.tables.accounts import users
from medianest_core.store.tables.notify import channels, deliveries, notifications

RETRY = Retry(attempts=6, delay=15.0, factor=4.0, longest=3600.0)
PATIENCE = 86_400.0
"""Seconds that a message waits for a notifier that is away, before it is given up."""
_PAUSE, _PAUSE_MOST = 30.0, 900.0
_LOG = 12
"""Attempts that are remembered of each delivery."""
_NO = (EgressDenied, Rejected, Unsupported, UserError)
_BETWEEN = N_("The portal stopped in between; it may have arrived.")


@dataclass(frozen=True, slots=True)
class _Batch:
    """What one message tells. rows: deliveries, oldest first. identifier: the same for the same rows."""

    channel: RowMapping
    rows: Sequence[RowMapping]
    identifier: str

    @property
    def ids(self) -> list[str]:
        return [row["id"] for row in self.rows]


class Sending:
    def __init__(
        self,
        db: Database,
        instances: Instances,
        keyring: Keyring,
        planning: Planning,
        wording: Wording,
        clock: Clock,
    ) -> None:
        self._db = db
        self._instances = instances
        self._keyring = keyring
        self._planning = planning
        self._wording = wording
        self._clock = clock

    async def send(self, ctx: JobContext, args: SendArgs) -> str:
        """One notification. Returns how it ended."""
        async with self._db.read() as tx:
            row = await tx.first(select(deliveries).where(deliveries.c.id == args.delivery_id))
        if row is None or row["digest"] or not _mine(row, ctx):
            return "superseded"
        return await self._carry(ctx, row["channel_id"], lambda one: one["id"] == row["id"])

    async def digest(self, ctx: JobContext, args: DigestArgs) -> str:
        """Everything that the channel gathered, in one message."""
        return await self._carry(ctx, args.channel_id, lambda one: bool(one["digest"]))

    async def _carry(self, ctx: JobContext, channel_id: str, wanted: Callable[[RowMapping], bool]) -> str:
        batch = await self._pick(ctx, channel_id, wanted)
        if batch is None:
            return "superseded"
        try:
            handle, target, message = await self._prepare(batch)
        except NotReady as error:
            return await self._later(ctx, batch, str(error))
        except MediaNestError as error:
            return await self._end(ctx, batch, "failed", str(error))
        await self._mark(ctx, batch)
        failpoint("notify.marked")
        try:
            await handle.send(target, message)
        except MaybeSent as error:
            return await self._end(ctx, batch, "unclear", str(error))
        except NotFound as error:
            return await self._end(ctx, batch, "failed", str(error), off=True)
        except AuthFailed as error:
            # An admin has to do something; the person's message waits for that.
            return await self._later(ctx, batch, str(error))
        except RateLimited as error:
            return await self._later(ctx, batch, str(error), error.retry_after)
        except Exception as error:
            reason = str(error) if isinstance(error, MediaNestError) else N_("The plugin made a mistake.")
            if isinstance(error, _NO) or ctx.attempt >= RETRY.attempts:
                return await self._end(ctx, batch, "failed", reason)
            await self._note(ctx, batch, "failed", reason, "waiting")
            raise
        failpoint("notify.sent")
        return await self._end(ctx, batch, "sent", "")

    async def _pick(
        self, ctx: JobContext, channel_id: str, wanted: Callable[[RowMapping], bool]
    ) -> _Batch | None:
        """What is to go now. Raises RetryLater where it is too early."""
        now = self._clock.now()
        async with ctx.begin() as tx:
            channel = (
                (await tx.execute(select(channels).where(channels.c.id == channel_id))).mappings().first()
            )
            found = await tx.execute(
                select(deliveries)
                .where(deliveries.c.channel_id == channel_id, deliveries.c.state.in_(("waiting", "sending")))
                .order_by(deliveries.c.created_at, deliveries.c.id)
            )
            rows = [row for row in found.mappings().all() if wanted(row) and _mine(row, ctx)]
            if channel is None or not rows:
                return None
            if not channel["enabled"] or not await _open(tx, channel["user_id"]):
                await self._write(tx, rows, state="dropped", reason=N_("It was switched off."), ended_at=now)
                return None
            # What was under way when the portal died goes again as it was; others are for the next message.
            before = [row for row in rows if row["state"] == "sending"]
            ready = before or [row for row in rows if row["due_at"] <= now]
            if not ready:
                raise RetryLater(N_("It is not yet time."), min(row["due_at"] for row in rows) - now)
            times = await self._planning.times(tx, channel["user_id"])
            if not (times.urgent and all(row["urgent"] for row in ready)):
                later = after_quiet(times, now)
                if later > now:
                    raise RetryLater(N_("These are quiet hours."), later - now)
            for row in before:
                await self._write(tx, [row], attempts=_ended(row, "unclear", _BETWEEN))
            if left := [row for row in rows if row not in ready]:
                await self._planning.enqueue(tx, min(left, key=lambda row: float(row["due_at"])))
            ids = "\n".join(row["id"] for row in ready)
        return _Batch(channel, ready, hashlib.sha256(ids.encode()).hexdigest()[:32])

    async def _prepare(self, batch: _Batch) -> tuple[Notifier[Any, Any], str, Message]:
        """Raises NotReady where its service is away, and other errors where there is nothing to wait for."""
        channel = batch.channel
        try:
            handle = self._instances.get(Notifier, channel["instance_id"])  # type: ignore[type-abstract]  # a key, not made
        except UnknownInstance as error:
            raise Rejected(N_("The service that carried it is gone.")) from error
        try:
            target = self._keyring.open(channel["target_sealed"], sealing(channel))
        except CannotOpen as error:
            raise Rejected(N_("The stored address cannot be opened. Enter it again.")) from error
        async with self._db.read() as tx:
            locale = await tx.scalar(select(users.c.locale).where(users.c.id == channel["user_id"]))
            found = await tx.all(
                select(notifications)
                .where(notifications.c.id.in_([row["notification_id"] for row in batch.rows]))
                .order_by(notifications.c.created_at, notifications.c.id)
            )
        stop = stop_token(self._keyring.signing_key, channel["id"])
        urgent = any(row["urgent"] for row in batch.rows)
        return (
            handle.api,
            target,
            self._wording.several(found, locale or "en", stop, batch.identifier, urgent),
        )

    async def _mark(self, ctx: JobContext, batch: _Batch) -> None:
        """From here on it may have been sent. Raises RetryLater where another job was quicker with some of it."""
        now = self._clock.now()
        async with ctx.begin() as tx:
            for row in await self._again(tx, batch):
                attempts = [*row["attempts"], {"at": now, "end": "", "reason": ""}][-_LOG:]
                mine = (deliveries.c.state == "waiting") | (
                    (deliveries.c.state == "sending") & (deliveries.c.job_id == ctx.job_id)
                )
                done = await tx.execute(
                    update(deliveries)
                    .where(deliveries.c.id == row["id"], mine)
                    .values(state="sending", job_id=ctx.job_id, attempts=attempts, reason="")
                )
                if not done.rowcount:
                    raise RetryLater(N_("Another job sends some of it."), 1.0)

    async def _note(
        self, ctx: JobContext, batch: _Batch, end: str, reason: str, state: str, *, off: bool = False
    ) -> None:
        """How the attempt ended, and what that makes of the delivery. off: the channel is used no more."""
        over = state not in ("waiting", "sending")
        async with ctx.begin() as tx:
            for row in await self._again(tx, batch):
                await self._write(
                    tx,
                    [row],
                    state=state,
                    attempts=_ended(row, end, reason),
                    reason=reason[:500],
                    ended_at=self._clock.now() if over else None,
                )
            if off:
                await tx.execute(
                    update(channels)
                    .where(channels.c.id == batch.channel["id"])
                    .values(enabled=False, reason=reason[:500])
                )

    async def _end(
        self, ctx: JobContext, batch: _Batch, state: str, reason: str, *, off: bool = False
    ) -> str:
        await self._note(ctx, batch, state, reason, state, off=off)
        return state

    async def _later(self, ctx: JobContext, batch: _Batch, reason: str, pause: float | None = None) -> str:
        """Nothing was sent, for a reason that passes: the message waits, but not for ever."""
        waited = self._clock.now() - batch.rows[0]["due_at"]
        if waited > PATIENCE:
            return await self._end(ctx, batch, "failed", reason)
        await self._note(ctx, batch, "failed", reason, "waiting")
        # The longer it waits the more seldom it is tried.
        raise RetryLater(reason, pause or min(_PAUSE_MOST, _PAUSE + max(0.0, waited) / 4))

    async def _again(self, tx: Transaction, batch: _Batch) -> Sequence[RowMapping]:
        found = await tx.execute(select(deliveries).where(deliveries.c.id.in_(batch.ids)))
        return found.mappings().all()

    async def _write(self, tx: Transaction, rows: Sequence[Row], **values: Any) -> None:
        await tx.execute(
            update(deliveries).where(deliveries.c.id.in_([row["id"] for row in rows])).values(**values)
        )


def _mine(row: Row, ctx: JobContext) -> bool:
    """Whether this job may send it: it waits, or was under way when an earlier attempt of this very job ended."""
    return bool(row["state"] == "waiting" or (row["state"] == "sending" and row["job_id"] == ctx.job_id))


def _ended(row: Row, end: str, reason: str) -> list[dict[str, Any]]:
    """The attempts, the last of which ended so; unchanged where it had an end."""
    attempts = [dict(one) for one in row["attempts"]]
    if attempts and not attempts[-1]["end"]:
        attempts[-1] |= {"end": end, "reason": reason[:500]}
    return attempts


async def _open(tx: Transaction, user_id: str) -> bool:
    """Whether the person may use the portal."""
    status = (await tx.execute(select(users.c.status).where(users.c.id == user_id))).scalar()
    return bool(status == "active")
