"""The secret addresses that services post to, and telling the services about them where they let us."""

from __future__ import annotations

import hmac
from dataclasses import replace
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.engine import RowMapping

from medianest_core.base.clock import Clock
from medianest_core.base.crypto import CannotOpen, Keyring
from medianest_core.base.ids import new_token, token_hash
from medianest_core.base.logging import get_logger
from medianest_core.base.redact import register_secret
from medianest_core.base.tasks import Overdue, bounded
from medianest_core.base.texts import N_
from medianest_core.domain.accounts.errors import Missing
from medianest_core.domain.webhooks import signing
from medianest_core.domain.webhooks.entries import Address, Receiver
from medianest_core.host.errors import UnknownInstance
from medianest_core.host.instances import Handle, Instances
from medianest_core.sdk.errors import MediaNestError, NotReady, UserError
from medianest_core.sdk.media import MediaSource
from medianest_core.sdk.webhooks import Delivery, WebhookCapability, WebhookReceiver
from medianest_core.store.engine import Database
from medianest_core.store.repos import audit
from medianest_core.store.reseal import Sealed
from medianest_core.store.tables.webhooks import webhook_addresses as addresses
from medianest_core.store.tables.webhooks import webhook_deliveries as deliveries

SYNC = "sync"
"""Stands in an address where others have their plugin: whoever posts there orders a sync."""
LEAVE_DEADLINE = 10.0
"""Seconds that a service which is removed here gets to hear of it."""
_log = get_logger(__name__)


class Addresses:
    """public_url: where services find the portal; None where nobody has said."""

    def __init__(
        self, db: Database, instances: Instances, keyring: Keyring, clock: Clock, public_url: str | None
    ) -> None:
        self._db = db
        self._instances = instances
        self._keyring = keyring
        self._clock = clock
        self._public_url = public_url

    async def get(self, instance_id: str, actor: str | None) -> Address:
        """The instance's address, made where there is none. Raises UnknownInstance, Missing where it receives no webhooks."""
        self.plugin_of(instance_id)
        row = await self._row(instance_id)
        if row is None or (token := self._open(row["token_sealed"], instance_id)) is None:
            return await self.rotate(instance_id, actor)
        return self._shown(instance_id, token, row)

    async def rotate(self, instance_id: str, actor: str | None) -> Address:
        """A new address; the old one stops working at once. Where we had told the service the old one, it is told the new one;
        `problem` says why that did not work."""
        self.plugin_of(instance_id)
        before = await self._row(instance_id)
        token, now = new_token(24), self._clock.now()
        register_secret(token)
        values = {
            "token_hash": token_hash(token),
            "token_sealed": self._keyring.seal(token, context_of(instance_id)),
            "created_at": now,
        }
        async with self._db.begin() as tx:
            await tx.execute(
                tx.insert(addresses)
                .values(instance_id=instance_id, **values)
                .on_conflict_do_update(index_elements=[addresses.c.instance_id], set_=values)
            )
            await audit.record(tx, actor=actor, action="webhook.address", target=instance_id)
        if before is None or before["registered_sealed"] is None:
            return await self.get(instance_id, actor)
        try:
            return await self.register(instance_id, actor)
        except MediaNestError as error:
            return replace(await self.get(instance_id, actor), problem=str(error))

    async def register(self, instance_id: str, actor: str | None) -> Address:
        """Tell the service to post to its address, and to no older one of ours.

        Raises UserError where the portal's public address is not set, Missing, UnknownInstance, and the SDK's errors.
        """
        self.plugin_of(instance_id)
        if not self._public_url:
            raise UserError(
                N_(
                    "The portal does not know its own address. Set MEDIANEST_PUBLIC_URL to one under which the service"
                    " reaches it, and start it again."
                )
            )
        handle = self._handle(instance_id)
        address = await self.get(instance_id, actor)
        assert address.url is not None
        row = await self._row(instance_id)
        old = self._open(row["registered_sealed"], instance_id) if row is not None else None
        if old is not None and old != address.url:
            await self._take_away(handle, old)
        await handle.api.register(address.url)
        async with self._db.begin() as tx:
            await tx.execute(
                update(addresses)
                .where(addresses.c.instance_id == instance_id)
                .values(
                    registered_sealed=self._keyring.seal(address.url, context_of(instance_id)),
                    registered_at=self._clock.now(),
                )
            )
            await audit.record(tx, actor=actor, action="webhook.registered", target=instance_id)
        return await self.get(instance_id, actor)

    async def unregister(self, instance_id: str, actor: str | None) -> Address:
        """Tell the service to stop. Raises as `register` does."""
        self.plugin_of(instance_id)
        row = await self._row(instance_id)
        url = self._open(row["registered_sealed"], instance_id) if row is not None else None
        if url is not None:
            handle = self._handle(instance_id)
            if handle.can(WebhookCapability.UNREGISTER):
                await handle.api.unregister(url)
        async with self._db.begin() as tx:
            await tx.execute(
                update(addresses)
                .where(addresses.c.instance_id == instance_id)
                .values(registered_sealed=None, registered_at=None)
            )
            await audit.record(tx, actor=actor, action="webhook.unregistered", target=instance_id)
        return await self.get(instance_id, actor)

    async def leave(self, instance_id: str) -> None:
        """The instance is about to be removed: its service need not post to us any more. Never raises."""
        try:
            row = await self._row(instance_id)
            url = self._open(row["registered_sealed"], instance_id) if row is not None else None
            if url is not None:
                await bounded(self._take_away(self._handle(instance_id), url), LEAVE_DEADLINE)
        except (MediaNestError, Overdue, TimeoutError) as error:
            _log.warning("a service was not told to stop posting", instance=instance_id, reason=str(error))

    async def admit(self, plugin: str, instance_id: str, token: str) -> Handle[WebhookReceiver[Any, Any]]:
        """Who receives at this address. Raises Missing for anything but the right one, before a body is read."""
        async with self._db.read() as tx:
            stored = await tx.scalar(
                select(addresses.c.token_hash).where(addresses.c.instance_id == instance_id)
            )
        right = hmac.compare_digest(str(stored or "0" * 64), token_hash(token))
        if stored is None or not right:
            raise Missing("There is nothing at this address.")
        handle = self.receiver(instance_id)
        if handle is None or handle.instance.plugin != plugin:
            raise Missing("There is nothing at this address.")
        return handle

    async def admit_order(self, token: str, instance_id: str | None = None) -> str:
        """The media server whose syncs may be ordered with this token; instance_id: the one that the address names. Raises Missing."""
        digest = token_hash(token)
        wanted = addresses.c.token_hash == digest
        if instance_id is not None:
            wanted = addresses.c.instance_id == instance_id
        async with self._db.read() as tx:
            row = await tx.first(select(addresses.c.instance_id, addresses.c.token_hash).where(wanted))
        right = hmac.compare_digest(str(row["token_hash"]) if row is not None else "0" * 64, digest)
        if row is None or not right or not self._instances.has(MediaSource, row["instance_id"]):
            raise Missing("There is nothing at this address.")
        return str(row["instance_id"])

    def check(self, token: str, delivery: Delivery) -> None:
        """token: that let the message in. Whoever signs with it has its messages refused when they were changed or come late.
        Raises UserError."""
        signing.check(delivery.headers, delivery.body, token.encode(), self._clock.now())

    async def receivers(self) -> list[Receiver]:
        """All services that may post to us, by title."""
        newest = (
            select(deliveries.c.instance_id, func.max(deliveries.c.received_at).label("last_at"))
            .group_by(deliveries.c.instance_id)
            .subquery()
        )
        async with self._db.read() as tx:
            made = {row["instance_id"]: row for row in await tx.all(select(addresses))}
            last = {
                row["instance_id"]: row
                for row in await tx.all(
                    select(deliveries.c.instance_id, deliveries.c.received_at, deliveries.c.status).join(
                        newest,
                        (newest.c.instance_id == deliveries.c.instance_id)
                        & (newest.c.last_at == deliveries.c.received_at),
                    )
                )
            }
        found = []
        for info in self._instances.all():
            if not self._posted_to(info.id):
                continue
            row, newest_one = made.get(info.id), last.get(info.id)
            found.append(
                Receiver(
                    instance_id=info.id,
                    title=info.title,
                    plugin=info.plugin,
                    service=info.service,
                    enabled=info.enabled,
                    addressed=row is not None,
                    registered_at=row["registered_at"] if row is not None else None,
                    last_at=newest_one["received_at"] if newest_one is not None else None,
                    last_status=newest_one["status"] if newest_one is not None else "",
                )
            )
        return sorted(found, key=lambda one: one.title.casefold())

    def receiver(self, instance_id: str) -> Handle[WebhookReceiver[Any, Any]] | None:
        """Also of a service that does not answer now: what it posts is understood all the same."""
        kind: Any = WebhookReceiver
        return next((one for one in self._instances.any(kind) if one.instance.id == instance_id), None)

    def plugin_of(self, instance_id: str) -> str:
        """Raises UnknownInstance, Missing where it receives no webhooks."""
        info = self._instances.info(instance_id)
        if not self._posted_to(instance_id):
            raise Missing(N_("{title} sends no messages that we understand.").format(title=info.title))
        return info.plugin if self._instances.has(WebhookReceiver, instance_id) else SYNC

    def _posted_to(self, instance_id: str) -> bool:
        """It posts messages of its own, or others may order syncs of it."""
        return any(self._instances.has(kind, instance_id) for kind in (WebhookReceiver, MediaSource))

    async def _row(self, instance_id: str) -> RowMapping | None:
        async with self._db.read() as tx:
            return await tx.first(select(addresses).where(addresses.c.instance_id == instance_id))

    def _open(self, sealed: str | None, instance_id: str) -> str | None:
        if sealed is None:
            return None
        try:
            found = self._keyring.open(sealed, context_of(instance_id))
        except CannotOpen:
            return None
        register_secret(found)
        return found

    def _shown(self, instance_id: str, token: str, row: RowMapping) -> Address:
        path = f"/webhooks/{self.plugin_of(instance_id)}/{instance_id}/{token}"
        url = f"{self._public_url}{path}" if self._public_url else None
        told = self._open(row["registered_sealed"], instance_id)
        listed = self._instances.has(MediaSource, instance_id)
        handle = self.receiver(instance_id)
        return Address(
            instance_id,
            path,
            row["created_at"],
            url=url,
            can_register=handle is not None and handle.can(WebhookCapability.REGISTER),
            registered_at=row["registered_at"] if told is not None and told == url else None,
            sync_path=f"/webhooks/{SYNC}/{instance_id}/{token}" if listed else None,
        )

    def _handle(self, instance_id: str) -> Handle[WebhookReceiver[Any, Any]]:
        """Raises NotReady, UnknownInstance."""
        kind: Any = WebhookReceiver
        try:
            found: Handle[WebhookReceiver[Any, Any]] = self._instances.get(kind, instance_id)
        except UnknownInstance as error:
            raise NotReady(str(error)) from error
        return found

    async def _take_away(self, handle: Handle[WebhookReceiver[Any, Any]], url: str) -> None:
        """The old address is dead already; that the service forgets it is only tidy."""
        if not handle.can(WebhookCapability.UNREGISTER):
            return
        try:
            await handle.api.unregister(url)
        except MediaNestError as error:
            _log.warning("a service keeps an old address", instance=handle.instance.name, reason=str(error))


def context_of(instance_id: str) -> str:
    """What sealed texts of an instance's address are bound to."""
    return f"webhook:{instance_id}"


SEALED = (
    Sealed(addresses, "token_sealed", lambda row, _: context_of(row["instance_id"])),
    Sealed(addresses, "registered_sealed", lambda row, _: context_of(row["instance_id"])),
)
