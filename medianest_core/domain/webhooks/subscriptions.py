"""Who hears of our events: made, changed, paused and removed by admins; and the log of what each was sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.engine import RowMapping

from medianest_core.base.clock import Clock
from medianest_core.base.crypto import CannotOpen, Keyring
from medianest_core.base.ids import new_id
from medianest_core.base.redact import register_secret
from medianest_core.base.texts import N_
from medianest_core.bus.events import SystemAlert, WebhookChanged
from medianest_core.bus.outbox import EventBus
from medianest_core.domain.accounts.errors import Missing
from medianest_core.domain.webhooks.catalogue import Catalogue
from medianest_core.domain.webhooks.entries import Message, MessageStatus, Sending, Subscription
from medianest_core.domain.webhooks.signing import new_secret
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.events import Audience
from medianest_core.sdk.storage import Transaction
from medianest_core.store.engine import Database, Tx
from medianest_core.store.errors import Stale
from medianest_core.store.paging import mark, past
from medianest_core.store.repos import audit
from medianest_core.store.reseal import Sealed
from medianest_core.store.tables.webhooks import webhook_messages as messages
from medianest_core.store.tables.webhooks import webhook_subscriptions as subscriptions

OLD_SECRET = 86_400.0
"""Seconds during which messages carry a signature with the secret before too."""
MOST = 50
"""Subscriptions there may be."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an admin decides. url: None keeps the stored one."""

    name: str
    events: Sequence[str]
    url: str | None = None
    verify_tls: bool = True


@dataclass(frozen=True, slots=True)
class Target:
    """Where to send to, opened. keys: secrets to sign with, the newest first."""

    url: str
    place: str
    keys: Sequence[str]
    verify_tls: bool


class Subscriptions:
    def __init__(
        self, db: Database, bus: EventBus, keyring: Keyring, clock: Clock, catalogue: Catalogue
    ) -> None:
        self._db = db
        self._bus = bus
        self._keyring = keyring
        self._clock = clock
        self._catalogue = catalogue

    async def all(self) -> list[Subscription]:
        """By name."""
        async with self._db.read() as tx:
            rows = await tx.all(select(subscriptions).order_by(subscriptions.c.name, subscriptions.c.id))
            waiting = await _waiting(tx)
        return [_subscription(row, waiting.get(row["id"], 0)) for row in rows]

    async def get(self, subscription_id: str) -> Subscription:
        """Raises Missing."""
        async with self._db.read() as tx:
            row = await _one(tx, subscription_id)
            waiting = await _waiting(tx, subscription_id)
        return _subscription(row, waiting.get(subscription_id, 0))

    async def url(self, subscription_id: str) -> str:
        """The whole address, for the admin's form. Raises Missing; empty where it cannot be opened."""
        async with self._db.read() as tx:
            row = await _one(tx, subscription_id)
        try:
            return self._keyring.open(row["url_sealed"], _context(subscription_id, "url"))
        except CannotOpen:
            return ""

    async def create(self, wanted: Wanted, actor: str | None) -> tuple[Subscription, str]:
        """(the new subscription, its secret, which is shown this once). Raises UserError."""
        values = self._checked(wanted)
        if wanted.url is None:
            raise UserError(N_("Enter an address that begins with https:// or http://."), "url")
        identifier, secret = new_id(), new_secret()
        register_secret(secret)
        async with self._db.begin() as tx:
            if int(await tx.scalar(select(func.count()).select_from(subscriptions)) or 0) >= MOST:
                raise UserError(N_("There are too many already; remove one first."))
            await tx.execute(
                subscriptions.insert().values(
                    id=identifier,
                    **values,
                    **self._address(identifier, wanted.url),
                    secret_sealed=self._keyring.seal(secret, _context(identifier, "secret")),
                    state=Sending.ACTIVE.value,
                    reason="",
                    failures=0,
                    version=1,
                    created_at=self._clock.now(),
                    created_by=actor,
                )
            )
            await self._note(tx, actor, "webhook.subscribed", identifier, {"events": list(wanted.events)})
        return await self.get(identifier), secret

    async def change(
        self, subscription_id: str, wanted: Wanted, version: int, actor: str | None
    ) -> Subscription:
        """Raises UserError, Missing, Stale."""
        values = self._checked(wanted)
        if wanted.url is not None:
            values |= self._address(subscription_id, wanted.url)
        async with self._db.begin() as tx:
            row = await _one(tx, subscription_id, lock=True)
            if row["version"] != version:
                raise Stale(
                    {name: row[name] for name in ("name", "events", "verify_tls", "place", "version")}
                )
            await tx.execute(
                update(subscriptions)
                .where(subscriptions.c.id == subscription_id)
                .values(version=version + 1, **values)
            )
            await self._note(tx, actor, "webhook.changed", subscription_id, {"events": list(wanted.events)})
        return await self.get(subscription_id)

    async def new_secret(self, subscription_id: str, actor: str | None) -> str:
        """Another secret, shown this once; messages are signed with the old one too for a day. Raises Missing."""
        secret = new_secret()
        register_secret(secret)
        async with self._db.begin() as tx:
            row = await _one(tx, subscription_id)
            await tx.execute(
                update(subscriptions)
                .where(subscriptions.c.id == subscription_id)
                .values(
                    secret_sealed=self._keyring.seal(secret, _context(subscription_id, "secret")),
                    old_secret_sealed=row["secret_sealed"],
                    old_secret_until=self._clock.now() + OLD_SECRET,
                )
            )
            await self._note(tx, actor, "webhook.secret", subscription_id, {})
        return secret

    async def remove(self, subscription_id: str, actor: str | None) -> None:
        """With all that it was sent. Raises Missing."""
        async with self._db.begin() as tx:
            row = await _one(tx, subscription_id)
            await tx.execute(delete(subscriptions).where(subscriptions.c.id == subscription_id))
            await tx.execute(delete(messages).where(messages.c.subscription_id == subscription_id))
            await self._note(tx, actor, "webhook.removed", subscription_id, {"name": row["name"]})
            if row["reason"]:
                await self._alert(tx, row, active=False)

    async def set_state(
        self, tx: Transaction, subscription_id: str, state: Sending, reason: str, actor: str | None
    ) -> None:
        """In `tx`. A state that it has already is left as it is; one that needs an admin tells all of them. Raises Missing."""
        held = cast(Tx, tx)
        row = await _one(held, subscription_id)
        if row["state"] == state:
            return
        fresh: Mapping[str, Any] = {"failures": 0, "failing_since": None} if state is Sending.ACTIVE else {}
        await held.execute(
            update(subscriptions)
            .where(subscriptions.c.id == subscription_id)
            .values(state=state.value, reason=reason[:500], **fresh)
        )
        await self._note(held, actor, f"webhook.{state.value}", subscription_id, {})
        if reason or row["reason"]:
            await self._alert(held, row, active=bool(reason), reason=reason)

    async def target(self, row: RowMapping) -> Target:
        """Raises CannotOpen."""
        identifier = row["id"]
        url = self._keyring.open(row["url_sealed"], _context(identifier, "url"))
        keys = [self._keyring.open(row["secret_sealed"], _context(identifier, "secret"))]
        if row["old_secret_sealed"] and (row["old_secret_until"] or 0.0) > self._clock.now():
            keys.append(self._keyring.open(row["old_secret_sealed"], _context(identifier, "secret")))
        for secret in (url, *keys):
            register_secret(secret)
        return Target(url, row["place"], keys, bool(row["verify_tls"]))

    async def log(
        self,
        subscription_id: str,
        *,
        status: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> tuple[list[Message], str | None]:
        """(what it was sent or is to be, newest first; mark of the next page). Raises UserError, Missing."""
        wanted = select(messages).where(messages.c.subscription_id == subscription_id)
        if status is not None:
            if status not in set(MessageStatus):
                raise UserError(N_("There is no such status."), "status")
            wanted = wanted.where(messages.c.status == status)
        if cursor:
            wanted = wanted.where(past(cursor, messages.c.created_at, messages.c.id))
        wanted = wanted.order_by(messages.c.created_at.desc(), messages.c.id.desc()).limit(limit + 1)
        async with self._db.read() as tx:
            await _one(tx, subscription_id)
            rows = await tx.all(wanted)
        found = [_message(row) for row in rows[:limit]]
        more = mark(found[-1].created_at, found[-1].id) if len(rows) > limit else None
        return found, more

    def _checked(self, wanted: Wanted) -> dict[str, Any]:
        name, known = wanted.name.strip(), self._catalogue.names()
        if not name:
            raise UserError(N_("Give it a name."), "name")
        if not wanted.events:
            raise UserError(N_("Choose at least one event."), "events")
        if unknown := [one for one in wanted.events if one not in known]:
            raise UserError(N_("There is no event {name}.").format(name=unknown[0][:80]), "events")
        return {
            "name": name[:100],
            "events": sorted(set(wanted.events)),
            "verify_tls": wanted.verify_tls,
        }

    def _address(self, identifier: str, url: str) -> dict[str, str]:
        url = url.strip()
        register_secret(url)
        return {
            "place": place_of(url),
            "url_sealed": self._keyring.seal(url, _context(identifier, "url")),
        }

    async def _note(
        self, tx: Tx, actor: str | None, action: str, subscription_id: str, details: Mapping[str, Any]
    ) -> None:
        await audit.record(tx, actor=actor, action=action, target=subscription_id, details=details)
        await self._bus.publish(tx, WebhookChanged(subscription_id=subscription_id), Audience.admins())

    async def _alert(self, tx: Tx, row: RowMapping, *, active: bool, reason: str = "") -> None:
        await self._bus.publish(
            tx,
            SystemAlert(
                key=alert_key(row["id"]),
                title=N_("Nothing is sent to {name} any more").format(name=row["name"]) if active else "",
                message=reason,
                link=f"/admin/webhooks/out/{row['id']}",
                active=active,
            ),
            Audience.admins(),
        )


def alert_key(subscription_id: str) -> str:
    """Under which admins hear that nothing is sent to it any more."""
    return f"webhook:{subscription_id}"


def place_of(url: str) -> str:
    """Scheme, host and port. Raises UserError for what is no address to send to."""
    problem = UserError(N_("Enter an address that begins with https:// or http://."), "url")
    if len(url) > 2000 or any(character.isspace() or ord(character) < 32 for character in url):
        raise problem
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise problem from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise problem
    if parts.username is not None or parts.password is not None:
        raise UserError(N_("Leave name and password out of the address; messages are signed."), "url")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    usual = 443 if parts.scheme == "https" else 80
    return f"{parts.scheme}://{host}:{port or usual}"[:300]


async def _one(tx: Tx, subscription_id: str, *, lock: bool = False) -> RowMapping:
    wanted = select(subscriptions).where(subscriptions.c.id == subscription_id)
    row = await tx.first(wanted.with_for_update() if lock else wanted)
    if row is None:
        raise Missing(N_("There is no such subscription."))
    return row


async def _waiting(tx: Tx, subscription_id: str | None = None) -> Mapping[str, int]:
    wanted: Select[Any] = (
        select(messages.c.subscription_id, func.count())
        .where(messages.c.status == MessageStatus.WAITING.value)
        .group_by(messages.c.subscription_id)
    )
    if subscription_id is not None:
        wanted = wanted.where(messages.c.subscription_id == subscription_id)
    return {str(one): int(count) for one, count in await tx.execute(wanted)}


def _subscription(row: RowMapping, waiting: int) -> Subscription:
    names = (name for name in Subscription.__dataclass_fields__ if name not in ("waiting", "state"))
    return Subscription(**{name: row[name] for name in names}, state=Sending(row["state"]), waiting=waiting)


def _message(row: RowMapping) -> Message:
    names = (name for name in Message.__dataclass_fields__ if name != "status")
    return Message(**{name: row[name] for name in names}, status=MessageStatus(row["status"]))


def _context(identifier: str, what: str) -> str:
    return f"webhook-{what}:{identifier}"


SEALED = (
    Sealed(subscriptions, "url_sealed", lambda row, _: _context(row["id"], "url")),
    Sealed(subscriptions, "secret_sealed", lambda row, _: _context(row["id"], "secret")),
    Sealed(subscriptions, "old_secret_sealed", lambda row, _: _context(row["id"], "secret")),
)
