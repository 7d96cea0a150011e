"""Webhooks in: secret addresses, deliveries, and the job that follows a delivery's hint.

What a delivery says is never believed: it only tells where to look again.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from sqlalchemy import delete, select, tuple_, update
from sqlalchemy.engine import RowMapping

from medianest_core.base.clock import Clock, SystemClock
from medianest_core.base.crypto import CannotOpen, Keyring
from medianest_core.base.ids import new_id, new_token, token_hash
from medianest_core.base.logging import get_logger
from medianest_core.base.redact import register_secret
from medianest_core.domain.accounts.errors import Missing
from medianest_core.host.instances import Handle, Instances
from medianest_core.ledger.enqueue import Ledger
from medianest_core.sdk.errors import InvalidResponse, UserError
from medianest_core.sdk.jobs import Job, JobContext
from medianest_core.sdk.webhooks import Delivery, Hint, WebhookReceiver
from medianest_core.store.engine import Database
from medianest_core.store.repos import audit
from medianest_core.store.tables.webhooks import webhook_addresses as addresses
from medianest_core.store.tables.webhooks import webhook_deliveries as deliveries

SYNC = "library.sync"
SETTLE = 1.0
"""Seconds to wait for more of the same before a hint is followed."""
KEPT = 14 * 86_400.0
"""Deliveries are forgotten after two weeks, with the next one of the same service."""
MOST_KEYS = 500
_log = get_logger(__name__)


class ProcessArgs(BaseModel):
    """delivery_id: the first of the equal deliveries that the job stands for."""

    delivery_id: str


class SyncAgain(BaseModel):
    """What `library.sync` is asked for."""

    instance_ids: tuple[str, ...]
    libraries: tuple[str, ...] | None = None
    keys: tuple[str, ...] | None = None
    recent: bool = False


@dataclass(frozen=True, slots=True)
class Address:
    """path: of the portal, "/webhooks/<plugin>/<instance>/<token>"."""

    instance_id: str
    path: str
    created_at: float


@dataclass(frozen=True, slots=True)
class DeliveryInfo:
    """A delivery as admins see it. status: received, processed, ignored or refused. Times: epoch seconds."""

    id: str
    instance_id: str
    received_at: float
    size: int
    status: str
    topic: str
    keys: Sequence[str]
    summary: str
    job_id: str | None
    processed_at: float | None


@dataclass(frozen=True, slots=True)
class Accepted:
    """status: received, ignored, or duplicate where the service sent it before."""

    delivery_id: str | None
    status: str


class NotFromThem(Exception):
    """The receiver says that the delivery is not from its service."""


class Webhooks:
    def __init__(
        self,
        db: Database,
        instances: Instances,
        keyring: Keyring,
        ledger: Ledger,
        *,
        clock: Clock | None = None,
    ) -> None:
        self._db = db
        self._instances = instances
        self._keyring = keyring
        self._ledger = ledger
        self._clock = clock or SystemClock()
        self.job = Job(
            "webhooks.process",
            self.process,
            ProcessArgs,
            title="Follow up a service's message",
            limit=4,
        )

    def jobs(self) -> list[Job[Any]]:
        """The jobs this domain runs."""
        return [self.job]

    async def address(self, instance_id: str, actor: str | None) -> Address:
        """The instance's address, made where there is none. Raises UnknownInstance, Missing where it receives no webhooks."""
        plugin = self._plugin(instance_id)
        async with self._db.read() as tx:
            row = await tx.first(select(addresses).where(addresses.c.instance_id == instance_id))
        if row is None:
            return await self.rotate(instance_id, actor)
        try:
            token = self._keyring.open(row["token_sealed"], _context(instance_id))
        except CannotOpen:
            return await self.rotate(instance_id, actor)
        return Address(instance_id, _path(plugin, instance_id, token), row["created_at"])

    async def rotate(self, instance_id: str, actor: str | None) -> Address:
        """A new address; the old one stops working at once."""
        plugin = self._plugin(instance_id)
        token, now = new_token(24), self._clock.now()
        register_secret(token)
        values = {
            "token_hash": token_hash(token),
            "token_sealed": self._keyring.seal(token, _context(instance_id)),
            "created_at": now,
        }
        async with self._db.begin() as tx:
            await tx.execute(
                tx.insert(addresses)
                .values(instance_id=instance_id, **values)
                .on_conflict_do_update(index_elements=[addresses.c.instance_id], set_=values)
            )
            await audit.record(tx, actor=actor, action="webhook.address", target=instance_id)
        return Address(instance_id, _path(plugin, instance_id, token), now)

    async def admit(self, plugin: str, instance_id: str, token: str) -> Handle[WebhookReceiver[Any, Any]]:
        """Who receives at this address. Raises Missing for anything but the right one, before a body is read."""
        async with self._db.read() as tx:
            stored = await tx.scalar(
                select(addresses.c.token_hash).where(addresses.c.instance_id == instance_id)
            )
        right = hmac.compare_digest(str(stored or "0" * 64), token_hash(token))
        if stored is None or not right:
            raise Missing("There is nothing at this address.")
        for handle in self._receivers():
            if handle.instance.id == instance_id and handle.instance.plugin == plugin:
                return handle
        raise Missing("There is nothing at this address.")

    async def accept(self, handle: Handle[WebhookReceiver[Any, Any]], delivery: Delivery) -> Accepted:
        """Check and keep a delivery, and its job with it, in one transaction.

        Raises NotFromThem, UserError for what cannot be understood, ProviderError where the plugin fails.
        """
        receiver, instance_id = handle.api, handle.instance.id
        if not receiver.verify(delivery):
            raise NotFromThem
        key = receiver.delivery_id(delivery)
        try:
            hint = receiver.parse(delivery)
        except InvalidResponse as error:
            raise UserError(f"This message cannot be understood: {error}") from error
        identifier = new_id()
        status = "received" if hint is not None else "ignored"
        async with self._db.begin() as tx:
            result = await tx.execute(
                tx.insert(deliveries)
                .values(
                    id=identifier,
                    instance_id=instance_id,
                    delivery_key=(key or identifier)[:200],
                    received_at=self._clock.now(),
                    size=len(delivery.body),
                    status=status,
                    topic=hint.topic[:80] if hint else "",
                    keys=_shown(hint),
                    summary=hint.summary[:500] if hint else "",
                )
                .on_conflict_do_nothing()
            )
            if not result.rowcount:
                return Accepted(None, "duplicate")
            if hint is not None:
                # Equal hints that arrive within a moment are one job.
                job_id = await self._ledger.enqueue(
                    tx,
                    self.job,
                    ProcessArgs(delivery_id=identifier),
                    unique=_same(instance_id, hint),
                    delay=SETTLE,
                )
                await tx.execute(
                    update(deliveries).where(deliveries.c.id == identifier).values(job_id=job_id)
                )
        return Accepted(identifier, status)

    async def process(self, context: JobContext, args: ProcessArgs) -> str:
        """Follow the hint; returns what was done."""
        async with self._db.read() as tx:
            row = await tx.first(select(deliveries).where(deliveries.c.id == args.delivery_id))
        if row is None:
            return "gone"
        wanted = _sync_for(row)
        async with context.begin() as tx:
            if wanted is not None:
                await context.enqueue(tx, SYNC, wanted)
            await tx.execute(
                update(deliveries)
                .where(deliveries.c.job_id == context.job_id, deliveries.c.status == "received")
                .values(status="processed", processed_at=self._clock.now())
            )
            await tx.execute(
                delete(deliveries).where(
                    deliveries.c.instance_id == row["instance_id"],
                    deliveries.c.received_at < self._clock.now() - KEPT,
                )
            )
        return "sync" if wanted is not None else "nothing to do"

    async def log(
        self, *, instance_id: str | None = None, cursor: str | None = None, limit: int = 50
    ) -> tuple[list[DeliveryInfo], str | None]:
        """(deliveries, newest first; mark of the next page)."""
        wanted = select(deliveries).order_by(deliveries.c.received_at.desc(), deliveries.c.id.desc())
        if instance_id is not None:
            wanted = wanted.where(deliveries.c.instance_id == instance_id)
        if cursor:
            at, _, last = cursor.partition("_")
            try:
                mark = (float(at), last)
            except ValueError as error:
                raise UserError("This page mark is not ours.", "cursor") from error
            wanted = wanted.where(tuple_(deliveries.c.received_at, deliveries.c.id) < mark)
        async with self._db.read() as tx:
            rows = await tx.all(wanted.limit(limit + 1))
        found = [
            DeliveryInfo(**{name: row[name] for name in DeliveryInfo.__dataclass_fields__})
            for row in rows[:limit]
        ]
        more = f"{found[-1].received_at!r}_{found[-1].id}" if len(rows) > limit else None
        return found, more

    def _receivers(self) -> list[Handle[WebhookReceiver[Any, Any]]]:
        return self._instances.any(WebhookReceiver)  # type: ignore[type-abstract]  # a key, not made

    def _plugin(self, instance_id: str) -> str:
        info = self._instances.info(instance_id)
        if not self._instances.has(WebhookReceiver, instance_id):
            raise Missing(f"{info.title} sends no messages that we understand.")
        return info.plugin


def _context(instance_id: str) -> str:
    return f"webhook:{instance_id}"


def _path(plugin: str, instance_id: str, token: str) -> str:
    return f"/webhooks/{plugin}/{instance_id}/{token}"


def _shown(hint: Hint | None) -> list[str]:
    return [str(key)[:200] for key in hint.keys][:MOST_KEYS] if hint is not None else []


def _same(instance_id: str, hint: Hint) -> str:
    return token_hash("\n".join([instance_id, hint.topic, *sorted(_shown(hint))]))


def _sync_for(row: RowMapping) -> SyncAgain | None:
    ids = (row["instance_id"],)
    if row["topic"] in ("media.changed", "media.removed") and row["keys"]:
        return SyncAgain(instance_ids=ids, keys=tuple(row["keys"]))
    if row["topic"] in ("library.changed", "media.changed", "media.removed"):
        return SyncAgain(instance_ids=ids, recent=row["topic"] != "media.removed")
    return None
