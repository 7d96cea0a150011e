"""The channels of each person: add, confirm, test, switch off and remove them. Nobody sees or changes another's."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from sqlalchemy import delete, func, select, update
from sqlalchemy.engine import RowMapping

from medianest_core.base.clock import Clock
from medianest_core.base.crypto import CannotOpen, Keyring
from medianest_core.base.ids import new_id, token_hash
from medianest_core.base.redact import register_secret
from medianest_core.base.texts import N_
from medianest_core.cache.limits import RateLimiter
from medianest_core.domain.accounts.errors import Missing, TooManyAttempts
from medianest_core.domain.notify.channel import (
    CODE_LASTS,
    Channel,
    Kind,
    Row,
    code_of,
    sealing,
    stop_token,
    stopped_by,
)
from medianest_core.domain.notify.topics import TOPICS
from medianest_core.domain.notify.wording import Wording
from medianest_core.host.instance import InstanceInfo
from medianest_core.host.instances import Instances
from medianest_core.ledger.enqueue import Ledger
from medianest_core.sdk.errors import MediaNestError, UserError
from medianest_core.sdk.jobs import JobContext
from medianest_core.sdk.notify import Notifier, NotifyCapability
from medianest_core.sdk.storage import Transaction
from medianest_core.store.engine import Database
from medianest_core.store.tables.accounts import users
from medianest_core.store.tables.notify import channels, choices

CODE_JOB = "notify.code"
MOST = 12
"""Channels of one person."""
CODES, CODES_PER = 4, 3600.0
TESTS, TESTS_PER = 6, 600.0
TRIES = 5
"""Wrong codes, before a new one has to be asked for."""
_LONGEST = 4000


class CodeArgs(BaseModel):
    channel_id: str
    code_at: float


class Channels:
    def __init__(
        self,
        db: Database,
        ledger: Ledger,
        instances: Instances,
        keyring: Keyring,
        limiter: RateLimiter,
        wording: Wording,
        clock: Clock,
    ) -> None:
        self._db = db
        self._ledger = ledger
        self._instances = instances
        self._keyring = keyring
        self._limiter = limiter
        self._wording = wording
        self._clock = clock

    async def kinds(self) -> Sequence[Kind]:
        """The ways that admins have set up, oldest first."""
        found = []
        for handle in self._instances.any(Notifier):  # type: ignore[type-abstract]  # a key, not made
            info = handle.instance
            kind = self._class(info.id)
            browser, key, problem = handle.can(NotifyCapability.BROWSER), "", ""
            if browser:
                try:
                    key = await handle.api.browser_key()
                except MediaNestError as error:
                    problem = str(error)
            found.append(
                Kind(
                    instance_id=info.id,
                    title=info.title,
                    icon=_icon(kind),
                    plugin=info.plugin,
                    target_title=kind.target_title,
                    target_help=kind.target_help,
                    target_example=kind.target_example,
                    confirms=kind.confirms,
                    browser=browser,
                    browser_key=key,
                    problem=problem or ("" if info.ready else info.reason),
                )
            )
        return found

    async def of(self, user_id: str) -> Sequence[Channel]:
        """The person's channels, oldest first."""
        async with self._db.read() as tx:
            rows = await tx.all(
                select(channels)
                .where(channels.c.user_id == user_id)
                .order_by(channels.c.created_at, channels.c.id)
            )
            chosen = await tx.all(
                select(choices).where(choices.c.channel_id.in_([row["id"] for row in rows]))
            )
        wanted: dict[str, dict[str, bool]] = {}
        for one in chosen:
            wanted.setdefault(one["channel_id"], {})[one["topic"]] = one["wanted"]
        return [self._channel(row, wanted.get(row["id"], {})) for row in rows]

    async def add(self, user_id: str, instance_id: str, target: str, label: str = "") -> Channel:
        """Add an address; a code is sent where it has to be confirmed. One that is there already is switched on again.

        Raises UserError for the fields "target" and "instance_id", TooManyAttempts.
        """
        if not self._instances.has(Notifier, instance_id):
            raise UserError(N_("There is no such service."), "instance_id")
        kind = self._class(instance_id)
        if len(target) > _LONGEST:
            raise UserError(N_("The address is too long."), "target")
        target = kind.check_target(target)
        register_secret(target)
        now, mark = self._clock.now(), token_hash(target)
        if kind.confirms:
            await self._count_code(user_id)
        async with self._db.begin() as tx:
            same = await tx.first(
                select(channels).where(
                    channels.c.user_id == user_id,
                    channels.c.instance_id == instance_id,
                    channels.c.target_hash == mark,
                )
            )
            if same is not None:
                identifier, confirmed = same["id"], same["confirmed_at"] is not None
                await tx.execute(
                    update(channels).where(channels.c.id == identifier).values(enabled=True, reason="")
                )
            else:
                count = await tx.scalar(
                    select(func.count()).select_from(channels).where(channels.c.user_id == user_id)
                )
                if int(count or 0) >= MOST:
                    raise UserError(N_("You have many already. Remove one first."), "target")
                identifier, confirmed = new_id(), not kind.confirms
                await tx.execute(
                    channels.insert().values(
                        id=identifier,
                        user_id=user_id,
                        instance_id=instance_id,
                        label=" ".join(label.split())[:80],
                        target_sealed=self._keyring.seal(target, sealing({"id": identifier})),
                        target_hash=mark,
                        shown=kind.shown(target)[:200],
                        digest=False,
                        enabled=True,
                        reason="",
                        code_tries=0,
                        confirmed_at=now if confirmed else None,
                        created_at=now,
                    )
                )
            if not confirmed:
                await self._send_code(tx, identifier, user_id)
        return await self.one(user_id, identifier)

    async def code_again(self, user_id: str, channel_id: str) -> None:
        """Send a new code; the one before is void. Raises Missing, UserError, TooManyAttempts."""
        if not (await self.one(user_id, channel_id)).waits:
            raise UserError(N_("It is confirmed already."))
        await self._count_code(user_id)
        async with self._db.begin() as tx:
            await self._send_code(tx, channel_id, user_id)

    async def confirm(self, user_id: str, channel_id: str, code: str) -> Channel:
        """Raises Missing, and UserError for the field "code"."""
        now, typed = self._clock.now(), "".join(code.split())
        wrong = UserError(N_("This is not the code that was sent last."), "code")
        async with self._db.begin() as tx:
            # Locked, so that tries at the same time are counted one after the other.
            row = await self._row(tx, user_id, channel_id, lock=True)
            if row["confirmed_at"] is not None:
                return self._channel(row, {})
            at = row["code_at"]
            if at is None or now - at > CODE_LASTS or row["code_tries"] >= TRIES:
                raise UserError(N_("This code is no longer valid. Ask for a new one."), "code")
            right = hmac.compare_digest(
                code_of(self._keyring.signing_key, channel_id, at).encode(), typed.encode()
            )
            values: dict[str, Any] = (
                {"confirmed_at": now, "code_at": None} if right else {"code_tries": row["code_tries"] + 1}
            )
            await tx.execute(update(channels).where(channels.c.id == channel_id).values(**values))
        if not right:
            raise wrong
        return await self.one(user_id, channel_id)

    async def switch(self, user_id: str, channel_id: str, on: bool) -> Channel:
        """Raises Missing."""
        async with self._db.begin() as tx:
            await self._row(tx, user_id, channel_id)
            await tx.execute(
                update(channels).where(channels.c.id == channel_id).values(enabled=on, reason="")
            )
        return await self.one(user_id, channel_id)

    async def remove(self, user_id: str, channel_id: str) -> None:
        """With what still waits for it. Raises Missing."""
        async with self._db.begin() as tx:
            await self._row(tx, user_id, channel_id)
            await tx.execute(delete(channels).where(channels.c.id == channel_id))

    async def test(self, user_id: str, channel_id: str, locale: str) -> None:
        """Send a test now. Raises Missing, UserError, TooManyAttempts, and the SDK's errors for what went wrong."""
        result = await self._limiter.hit(f"notify-test:{user_id}", TESTS, TESTS_PER)
        if not result.allowed:
            raise TooManyAttempts(N_("Too many attempts. Wait a while, then try again."), result.reset_at)
        async with self._db.read() as tx:
            row = await self._row(tx, user_id, channel_id)
        if row["confirmed_at"] is None:
            raise UserError(N_("Confirm the address first."))
        handle = self._instances.get(Notifier, row["instance_id"])  # type: ignore[type-abstract]  # a key, not made
        stop = stop_token(self._keyring.signing_key, channel_id)
        await handle.api.send(self._target(row), self._wording.test(locale, stop, new_id().replace("-", "")))

    async def stop(self, token: str) -> Channel | None:
        """End a channel by the link in its messages. Returns it; None for a link that is not ours."""
        async with self._db.begin() as tx:
            row = await self._stoppable(tx, token)
            if row is None:
                return None
            await tx.execute(
                update(channels)
                .where(channels.c.id == row["id"])
                .values(enabled=False, reason=N_("Ended by the link in a message."))
            )
        return self._channel(row, {})

    async def stoppable(self, token: str) -> Channel | None:
        """What that link would end."""
        async with self._db.read() as tx:
            row = await self._stoppable(tx, token)
        return self._channel(row, {}) if row is not None else None

    async def send_code(self, ctx: JobContext, args: CodeArgs) -> str:
        """The job `notify.code`."""
        async with self._db.read() as tx:
            row = await tx.first(
                select(channels, users.c.locale, users.c.username, users.c.display_name)
                .join(users, users.c.id == channels.c.user_id)
                .where(channels.c.id == args.channel_id)
            )
        if row is None or row["confirmed_at"] is not None or row["code_at"] != args.code_at:
            return "superseded"
        if self._clock.now() - args.code_at > CODE_LASTS:
            return "too late"
        handle = self._instances.get(Notifier, row["instance_id"])  # type: ignore[type-abstract]  # a key, not made
        code = code_of(self._keyring.signing_key, row["id"], row["code_at"])
        message = self._wording.code(
            code,
            row["display_name"] or row["username"],
            row["locale"] or "en",
            token_hash(f"{row['id']}{row['code_at']!r}")[:32],
        )
        await handle.api.send(self._target(row), message)
        return "sent"

    async def _send_code(self, tx: Transaction, channel_id: str, user_id: str) -> None:
        now = self._clock.now()
        await tx.execute(
            update(channels).where(channels.c.id == channel_id).values(code_at=now, code_tries=0)
        )
        await self._ledger.enqueue(
            tx,
            CODE_JOB,
            CodeArgs(channel_id=channel_id, code_at=now),
            owner=user_id,
            title=N_("Send a confirmation code"),
        )

    async def _count_code(self, user_id: str) -> None:
        result = await self._limiter.hit(f"notify-code:{user_id}", CODES, CODES_PER, strict=True)
        if not result.allowed:
            raise TooManyAttempts(N_("Too many attempts. Wait a while, then try again."), result.reset_at)

    async def one(self, user_id: str, channel_id: str) -> Channel:
        """Raises Missing."""
        for channel in await self.of(user_id):
            if channel.id == channel_id:
                return channel
        raise Missing(N_("There is no such channel."))

    async def _row(self, tx: Transaction, user_id: str, channel_id: str, *, lock: bool = False) -> RowMapping:
        wanted = select(channels).where(channels.c.id == channel_id, channels.c.user_id == user_id)
        found = await tx.execute(wanted.with_for_update() if lock else wanted)
        row = found.mappings().first()
        if row is None:
            raise Missing(N_("There is no such channel."))
        return row

    async def _stoppable(self, tx: Transaction, token: str) -> RowMapping | None:
        channel_id = stopped_by(self._keyring.signing_key, token[:120])
        found = await tx.execute(select(channels).where(channels.c.id == (channel_id or "")))
        return found.mappings().first()

    def _target(self, row: Row) -> str:
        try:
            target = self._keyring.open(row["target_sealed"], sealing(row))
        except CannotOpen as error:
            raise UserError(N_("The stored address cannot be opened. Enter it again.")) from error
        register_secret(target)
        return target

    def _class(self, instance_id: str) -> type[Notifier[Any, Any]]:
        kind = self._instances.provider_class(Notifier, instance_id)
        assert kind is not None and issubclass(kind, Notifier)
        return kind

    def _channel(self, row: Row, wanted: Mapping[str, bool]) -> Channel:
        info = self._info(row["instance_id"])
        kind = self._instances.provider_class(Notifier, row["instance_id"])
        return Channel(
            id=row["id"],
            instance_id=row["instance_id"],
            title=info.title if info else "",
            icon=_icon(kind),
            label=row["label"],
            shown=row["shown"],
            digest=row["digest"],
            enabled=row["enabled"],
            reason=row["reason"],
            waits=row["confirmed_at"] is None,
            confirmed_at=row["confirmed_at"],
            created_at=row["created_at"],
            wanted={topic.name: wanted.get(topic.name, topic.wanted) for topic in TOPICS},
        )

    def _info(self, instance_id: str) -> InstanceInfo | None:
        try:
            return self._instances.info(instance_id)
        except MediaNestError:
            return None


def _icon(kind: Any) -> str:
    service = getattr(kind, "service", None)
    return str(getattr(service, "icon", "") or "bell")
