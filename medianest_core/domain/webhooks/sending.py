"""Messages to others: made in the transaction of the event they tell of, and sent by jobs that survive whatever ends a process.

A message is sent until somebody took it, so its receiver may see it twice, each time with the same `webhook-id`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, cast

from pydantic import BaseModel
from sqlalchemy import delete, insert, literal, select, update
from sqlalchemy.engine import RowMapping

from medianest_core.base.clock import Clock
from medianest_core.base.crypto import CannotOpen
from medianest_core.base.egress import EgressPolicy
from medianest_core.base.http_factory import HttpFactory
from medianest_core.base.ids import new_id
from medianest_core.base.redact import redact
from medianest_core.base.texts import N_
from medianest_core.bus.events import SystemAlert, WebhookChanged
from medianest_core.bus.outbox import EventBus
from medianest_core.domain.accounts.errors import Missing
from medianest_core.domain.webhooks.catalogue import TEST, body_of, goes_out
from medianest_core.domain.webhooks.entries import MessageStatus, Sending
from medianest_core.domain.webhooks.signing import signed
from medianest_core.domain.webhooks.subscriptions import Subscriptions, Target, alert_key
from medianest_core.ledger.enqueue import Ledger
from medianest_core.sdk.errors import (
    EgressDenied,
    NotReady,
    ProviderError,
    RateLimited,
    Rejected,
)
from medianest_core.sdk.events import Audience, Event
from medianest_core.sdk.http import Response
from medianest_core.sdk.jobs import Job, JobContext, Retry
from medianest_core.sdk.storage import Transaction
from medianest_core.store.engine import Database, Tx
from medianest_core.store.tables.webhooks import webhook_messages as messages
from medianest_core.store.tables.webhooks import webhook_subscriptions as subscriptions

SEND_JOB = "webhooks.send"
TIMEOUT = 15.0
RETRY = Retry(attempts=8, delay=5.0, factor=5.0, longest=6 * 3600.0)
"""5 s, 25 s, 2 min, 10 min, 52 min, 4 h, 6 h: half a day in all."""
LONGEST_WAIT = 86_400.0
"""Seconds that a receiver may ask us to wait."""
PAUSE_AFTER = 10
PAUSE_SINCE = 1800.0
"""Paused after that many attempts without success over at least so many seconds, or when one message used up all of its attempts."""
KEPT = 14 * 86_400.0
"""Messages are forgotten after two weeks."""


class SendArgs(BaseModel):
    """forced: also while the subscription is paused or off, because somebody asked for this very message."""

    message_id: str
    forced: bool = False


class Sender:
    def __init__(
        self,
        db: Database,
        bus: EventBus,
        ledger: Ledger,
        http: HttpFactory,
        clock: Clock,
        subscriptions: Subscriptions,
    ) -> None:
        self._db = db
        self._bus = bus
        self._ledger = ledger
        self._http = http
        self._clock = clock
        self._subscriptions = subscriptions
        self._wanted: Mapping[str, frozenset[str]] = {}
        self._ends: list[Callable[[], None]] = []
        self.job = Job(
            SEND_JOB,
            self.send,
            SendArgs,
            title=N_("Send a webhook"),
            limit=8,
            retry=RETRY,
            unique_by=lambda args: args.message_id,
        )

    async def start(self) -> None:
        """Events are heard from now on."""
        self._ends = [
            self._bus.subscribe_stored(self._heard),
            self._bus.subscribe(WebhookChanged, self._changed, name="webhooks", everywhere=True),
        ]
        await self.refresh()

    def stop(self) -> None:
        for end in self._ends:
            end()
        self._ends = []

    async def refresh(self) -> None:
        """Read again who wants to hear of what."""
        async with self._db.read() as tx:
            rows = await tx.all(
                select(subscriptions.c.id, subscriptions.c.events).where(
                    subscriptions.c.state != Sending.OFF.value
                )
            )
        found: dict[str, set[str]] = {}
        for row in rows:
            for name in row["events"]:
                found.setdefault(name, set()).add(row["id"])
        self._wanted = {name: frozenset(ids) for name, ids in found.items()}

    async def test(self, subscription_id: str, actor: str | None) -> str:
        """Send a message that means nothing, once, whatever state it is in. Returns its id. Raises Missing."""
        await self._subscriptions.get(subscription_id)
        body = body_of(TEST, self._clock.now(), {"subscription_id": subscription_id})
        async with self._db.begin() as tx:
            return await self._add(tx, subscription_id, TEST, body, forced=True, attempts=1, owner=actor)

    async def replay(self, subscription_id: str, message_id: str, actor: str | None) -> str:
        """Send a message again, under its own `webhook-id`. Returns the id of the new entry in the log. Raises Missing."""
        async with self._db.begin() as tx:
            row = await tx.first(
                select(messages).where(
                    messages.c.id == message_id, messages.c.subscription_id == subscription_id
                )
            )
            if row is None:
                raise Missing(N_("There is no such message."))
            if row["status"] == MessageStatus.WAITING:
                await self._enqueue(tx, message_id, forced=True, owner=actor)
                return message_id
            return await self._add(
                tx,
                subscription_id,
                row["event"],
                row["payload"],
                forced=True,
                replay_of=row["replay_of"] or message_id,
                owner=actor,
            )

    async def resume(self, subscription_id: str, actor: str | None) -> int:
        """Send again, beginning with what waits; returns how much that is. Raises Missing."""
        async with self._db.begin() as tx:
            await self._subscriptions.set_state(tx, subscription_id, Sending.ACTIVE, "", actor)
            waiting = await tx.all(
                select(messages.c.id)
                .where(
                    messages.c.subscription_id == subscription_id,
                    messages.c.status == MessageStatus.WAITING.value,
                )
                .order_by(messages.c.created_at)
            )
            for row in waiting:
                await self._enqueue(tx, row["id"])
        await self.refresh()
        return len(waiting)

    async def halt(self, subscription_id: str, state: Sending, actor: str | None) -> None:
        """Pause, or switch off: then what waits is not sent any more. Raises Missing."""
        async with self._db.begin() as tx:
            await self._subscriptions.set_state(tx, subscription_id, state, "", actor)
            if state is Sending.OFF:
                await tx.execute(
                    update(messages)
                    .where(
                        messages.c.subscription_id == subscription_id,
                        messages.c.status == MessageStatus.WAITING.value,
                    )
                    .values(status=MessageStatus.DROPPED.value)
                )
        await self.refresh()

    async def send(self, context: JobContext, args: SendArgs) -> str:
        """One attempt. Raises NotReady, RateLimited and Rejected for what shall be tried again or not."""
        async with self._db.read() as tx:
            message = await tx.first(select(messages).where(messages.c.id == args.message_id))
            wanted = (
                await tx.first(select(subscriptions).where(subscriptions.c.id == message["subscription_id"]))
                if message is not None
                else None
            )
        if message is None or wanted is None:
            return "gone"
        if message["status"] not in (MessageStatus.WAITING, MessageStatus.FAILED):
            return str(message["status"])
        if not args.forced and wanted["state"] != Sending.ACTIVE:
            # Paused: it waits, and whoever resumes makes another job.
            if wanted["state"] == Sending.OFF:
                await self._drop(context, args.message_id)
            return str(wanted["state"])
        began, answer, failure = time.monotonic(), None, None
        try:
            answer = await self._post(await self._subscriptions.target(wanted), message)
            failure = _failure(answer, self._clock.now())
        except CannotOpen as error:
            failure = Rejected(str(error))
        except EgressDenied as error:
            failure = Rejected(str(error))
        except ProviderError as error:
            failure = error
        took = (time.monotonic() - began) * 1000.0
        last = context.attempt >= RETRY.attempts or message["event"] == TEST or isinstance(failure, Rejected)
        async with context.begin() as held:
            await self._write(cast(Tx, held), message, answer, failure, took, last=last)
        if failure is not None:
            raise failure
        return f"{answer.status if answer is not None else ''}"

    async def _drop(self, context: JobContext, message_id: str) -> None:
        async with context.begin() as tx:
            await tx.execute(
                update(messages)
                .where(messages.c.id == message_id, messages.c.status == MessageStatus.WAITING.value)
                .values(status=MessageStatus.DROPPED.value)
            )

    async def _post(self, target: Target, message: RowMapping) -> Response:
        body = message["payload"].encode()
        headers = {
            "content-type": "application/json",
            "user-agent": "MediaNest-Webhooks/1",
            **signed(f"msg_{message['replay_of'] or message['id']}", self._clock.now(), body, target.keys),
        }
        # An admin entered it, as they do the addresses of services: it may be in the home network.
        policy = EgressPolicy((target.place.partition("://")[2],), allow_private=True)
        client = self._http.for_instance("", policy, verify_tls=target.verify_tls)
        try:
            return await client.deliver(target.url, headers, body, timeout=TIMEOUT)
        finally:
            await client.aclose()

    async def _write(
        self,
        tx: Tx,
        message: RowMapping,
        answer: Response | None,
        failure: ProviderError | None,
        took: float,
        *,
        last: bool,
    ) -> None:
        """What this attempt came to, in the log and for the subscription."""
        now, identifier = self._clock.now(), message["subscription_id"]
        status = MessageStatus.SENT
        if failure is not None:
            status = MessageStatus.FAILED if last else MessageStatus.WAITING
        await tx.execute(
            update(messages)
            .where(messages.c.id == message["id"])
            .values(
                status=status.value,
                tries=messages.c.tries + 1,
                code=answer.status if answer is not None else None,
                took_ms=round(took, 1),
                error=redact(str(failure))[:500] if failure is not None else "",
                tried_at=now,
            )
        )
        await tx.execute(delete(messages).where(messages.c.created_at < now - KEPT))
        if failure is None:
            await tx.execute(
                update(subscriptions)
                .where(subscriptions.c.id == identifier)
                .values(failures=0, failing_since=None, last_ok_at=now)
            )
        elif message["event"] != TEST:
            await self._count(tx, identifier, answer, failure, now, last=last)
        await self._bus.publish(tx, WebhookChanged(subscription_id=identifier), Audience.admins())

    async def _count(
        self,
        tx: Tx,
        identifier: str,
        answer: Response | None,
        failure: ProviderError,
        now: float,
        *,
        last: bool,
    ) -> None:
        """One more attempt without success; the one too many pauses the subscription."""
        row = await tx.first(
            update(subscriptions)
            .where(subscriptions.c.id == identifier)
            .values(failures=subscriptions.c.failures + 1)
            .returning(subscriptions.c.failures, subscriptions.c.failing_since, subscriptions.c.state)
        )
        if row is None:
            return
        since = row["failing_since"]
        if since is None:
            since = now
            await tx.execute(
                update(subscriptions).where(subscriptions.c.id == identifier).values(failing_since=now)
            )
        if row["state"] != Sending.ACTIVE:
            return
        if answer is not None and answer.status == 410:
            reason = N_("The receiver says that it wants no more messages (410).")
            await self._subscriptions.set_state(tx, identifier, Sending.OFF, reason, None)
        elif last or (row["failures"] >= PAUSE_AFTER and now - since >= PAUSE_SINCE):
            await self._subscriptions.set_state(tx, identifier, Sending.PAUSED, str(failure), None)

    async def _heard(self, tx: Transaction, event: Event, to: Audience) -> None:
        """In the transaction that publishes the event: both are kept, or neither."""
        wanted = self._wanted.get(event.name)
        if not wanted or not goes_out(event, to):
            return
        body = body_of(event.name, self._clock.now(), event.model_dump(mode="json"))
        for subscription_id in sorted(wanted):
            if isinstance(event, SystemAlert) and event.key == alert_key(subscription_id):
                # It cannot be told that nothing is sent to it.
                continue
            await self._add(cast(Tx, tx), subscription_id, event.name, body)

    async def _changed(self, _: WebhookChanged) -> None:
        await self.refresh()

    async def _add(
        self,
        tx: Tx,
        subscription_id: str,
        event: str,
        body: str,
        *,
        forced: bool = False,
        attempts: int | None = None,
        replay_of: str | None = None,
        owner: str | None = None,
    ) -> str:
        identifier = new_id()
        values: Mapping[str, Any] = {
            "id": identifier,
            "event": event,
            "payload": body,
            "created_at": self._clock.now(),
            "status": MessageStatus.WAITING.value,
            "tries": 0,
            "error": "",
            "replay_of": replay_of,
        }
        # Not for one that somebody removed a moment ago.
        there = select(
            *(literal(value, messages.c[name].type) for name, value in values.items()), subscriptions.c.id
        ).where(subscriptions.c.id == subscription_id)
        result = await tx.execute(insert(messages).from_select([*values, "subscription_id"], there))
        # Here too: to one that is paused nothing is sent, for as long as nobody resumes it.
        await tx.execute(
            delete(messages).where(
                messages.c.subscription_id == subscription_id,
                messages.c.created_at < self._clock.now() - KEPT,
            )
        )
        if result.rowcount:
            await self._enqueue(tx, identifier, forced=forced, attempts=attempts, owner=owner)
        return identifier

    async def _enqueue(
        self,
        tx: Tx,
        message_id: str,
        *,
        forced: bool = False,
        attempts: int | None = None,
        owner: str | None = None,
    ) -> None:
        job_id = await self._ledger.enqueue(
            tx,
            self.job,
            SendArgs(message_id=message_id, forced=forced),
            unique=message_id,
            max_attempts=attempts,
            owner=owner,
        )
        await tx.execute(update(messages).where(messages.c.id == message_id).values(job_id=job_id))


def _failure(answer: Response, now: float) -> ProviderError | None:
    """What is wrong with an answer; None for a good one."""
    status = answer.status
    if 200 <= status < 300:
        return None
    if status == 429 or (status == 503 and "retry-after" in answer.headers):
        return RateLimited(
            N_("The receiver asks us to slow down ({status}).").format(status=status),
            retry_after(answer.headers.get("retry-after", ""), now),
        )
    if status == 410:
        return Rejected(N_("The receiver says that it wants no more messages (410)."))
    if 300 <= status < 400:
        return NotReady(
            N_("The receiver sends us to another address ({status}); messages are not sent on.").format(
                status=status
            )
        )
    return NotReady(N_("The receiver answered with {status}.").format(status=status))


def retry_after(text: str, now: float) -> float | None:
    """Seconds to wait, from seconds or a date; None where it says nothing that can be understood."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:12]), LONGEST_WAIT)
    try:
        at = parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(0.0, at - now), LONGEST_WAIT)
