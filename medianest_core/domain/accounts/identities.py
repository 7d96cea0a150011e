"""Identities: which accounts at which services are which person here. Matched by (provider, subject), never by e-mail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select, update
from sqlalchemy.engine import RowMapping

from medianest_core.base.clock import Clock
from medianest_core.base.crypto import CannotOpen, Keyring
from medianest_core.base.ids import new_id
from medianest_core.base.redact import register_secret
from medianest_core.base.texts import N_
from medianest_core.domain.accounts.errors import Missing, NotAllowed
from medianest_core.domain.accounts.models import LOCAL, IdentityInfo, Status, User
from medianest_core.domain.accounts.passwords import Passwords
from medianest_core.domain.accounts.roles import ADMIN_ROLE, USER_ROLE
from medianest_core.domain.accounts.sessions import Sessions
from medianest_core.domain.accounts.users import Users
from medianest_core.sdk.auth import Identity
from medianest_core.sdk.errors import SignInDenied
from medianest_core.sdk.settings import Secret
from medianest_core.store.engine import Database, Tx
from medianest_core.store.repos import audit
from medianest_core.store.reseal import Sealed
from medianest_core.store.tables.accounts import identities, users

SUSPENDED = N_("Your account is suspended. Ask the person who runs this portal.")
NO_ACCESS = N_("The service that let you in no longer does. Ask the person who runs this portal.")


@dataclass(frozen=True, slots=True)
class Proven:
    """Who someone turned out to be. created: the account is new."""

    user: User
    identity_id: str
    created: bool


def identity_of(row: RowMapping) -> IdentityInfo:
    return IdentityInfo(**{name: row[name] for name in IdentityInfo.__dataclass_fields__})


class Identities:
    def __init__(
        self,
        db: Database,
        users: Users,
        sessions: Sessions,
        passwords: Passwords,
        keyring: Keyring,
        clock: Clock,
    ) -> None:
        self._db = db
        self._users = users
        self._sessions = sessions
        self._passwords = passwords
        self._keyring = keyring
        self._clock = clock

    async def of_user(self, user_id: str) -> list[IdentityInfo]:
        """Oldest first."""
        async with self._db.read() as tx:
            rows = await tx.all(
                select(identities)
                .where(identities.c.user_id == user_id)
                .order_by(identities.c.created_at, identities.c.id)
            )
        return [identity_of(row) for row in rows]

    async def row(self, identity_id: str) -> RowMapping | None:
        async with self._db.read() as tx:
            return await tx.first(select(identities).where(identities.c.id == identity_id))

    async def prove(
        self, tx: Tx, provider: str, instance_id: str, identity: Identity, *, approve: bool
    ) -> Proven:
        """Find the account of a proven identity, or make one: active where `approve` or an admin by the service's word, else pending.

        Raises SignInDenied for a suspended account.
        """
        row = await self._find(tx, provider, identity.subject)
        if row is not None:
            user = await self._users.read(tx, row["user_id"])
            if user.status is Status.SUSPENDED:
                raise SignInDenied(SUSPENDED)
            await self._refresh(tx, row["id"], instance_id, identity)
            await tx.execute(
                update(users)
                .where(users.c.id == user.id)
                .values(
                    email=func.coalesce(users.c.email, identity.email),
                    avatar=identity.avatar or users.c.avatar,
                )
            )
            if identity.admin is not None:
                user = await self._users.role_from_service(tx, user, admin=identity.admin)
            return Proven(user, row["id"], created=False)
        user = await self._users.insert(
            tx,
            username=identity.username,
            role=ADMIN_ROLE if identity.admin else USER_ROLE,
            status=Status.ACTIVE if approve or identity.admin else Status.PENDING,
            email=identity.email,
            avatar=identity.avatar,
        )
        identifier = await self._insert(tx, user.id, provider, instance_id, identity)
        return Proven(user, identifier, created=True)

    async def link(
        self, tx: Tx, user_id: str, provider: str, instance_id: str, identity: Identity
    ) -> IdentityInfo:
        """Give an account another identity. Raises SignInDenied where it belongs to someone else."""
        row = await self._find(tx, provider, identity.subject)
        if row is not None and row["user_id"] != user_id:
            raise SignInDenied("This account is already linked to another person here.")
        if row is not None:
            identifier = str(row["id"])
            await self._refresh(tx, identifier, instance_id, identity)
        else:
            identifier = await self._insert(tx, user_id, provider, instance_id, identity)
            await audit.record(
                tx,
                actor=user_id,
                action="identity.linked",
                target=user_id,
                details={"provider": provider, "username": identity.username},
            )
        return identity_of(await tx.one(select(identities).where(identities.c.id == identifier)))

    async def local(self, tx: Tx, user_id: str, login: str) -> str:
        """The identity of a person who has a password here, in force again. Returns its id."""
        found = await tx.first(
            update(identities)
            .where(identities.c.user_id == user_id, identities.c.provider == LOCAL)
            .values(revoked_at=None)
            .returning(identities.c.id)
        )
        if found is not None:
            return str(found["id"])
        return await self._insert(tx, user_id, LOCAL, None, Identity(subject=user_id, username=login))

    async def unlink(self, user_id: str, identity_id: str) -> None:
        """Take one away, with the sessions it signed in. Raises Missing, NotAllowed for the last one."""
        async with self._db.begin() as tx:
            rows = await tx.all(select(identities).where(identities.c.user_id == user_id).with_for_update())
            row = next((row for row in rows if row["id"] == identity_id), None)
            if row is None:
                raise Missing("There is no such link.")
            if len([one for one in rows if one["revoked_at"] is None and one["id"] != identity_id]) == 0:
                raise NotAllowed("This is the only way to sign in to this account. Add another one first.")
            await self._sessions.end_all(tx, user_id, "identity removed", identity_id=identity_id)
            if row["provider"] == LOCAL:
                await self._passwords.remove(tx, user_id)
            elif await self._only_vouched_by(tx, user_id, identity_id):
                raise NotAllowed("Your access comes from this account. Add another one first.")
            await tx.execute(identities.delete().where(identities.c.id == identity_id))
            await audit.record(
                tx,
                actor=user_id,
                action="identity.unlinked",
                target=user_id,
                details={"provider": row["provider"], "username": row["username"]},
            )

    async def to_check(self) -> list[RowMapping]:
        """Rows of identities that a service vouches for and whose people may come in, longest unchecked first."""
        async with self._db.read() as tx:
            return await tx.all(
                select(identities)
                .join(users, users.c.id == identities.c.user_id)
                .where(
                    identities.c.provider != LOCAL,
                    identities.c.revoked_at.is_(None),
                    users.c.status != Status.SUSPENDED.value,
                )
                .order_by(identities.c.checked_at)
            )

    async def renewed(self, row: RowMapping, token: Secret) -> None:
        """Keep the service's fresh token."""
        register_secret(token.reveal())
        sealed = self._keyring.seal(token.reveal(), _context(row["provider"], row["subject"]))
        async with self._db.begin() as tx:
            await tx.execute(
                update(identities).where(identities.c.id == row["id"]).values(token_sealed=sealed)
            )

    async def confirmed(self, tx: Tx, identity_id: str) -> None:
        """The service still vouches for it."""
        await tx.execute(
            update(identities)
            .where(identities.c.id == identity_id)
            .values(checked_at=self._clock.now(), revoked_at=None)
        )

    async def revoke(self, tx: Tx, row: RowMapping, reason: str) -> bool:
        """The service no longer vouches for it: its sessions end. False where that was known."""
        result = await tx.execute(
            update(identities)
            .where(identities.c.id == row["id"], identities.c.revoked_at.is_(None))
            .values(revoked_at=self._clock.now())
        )
        if not result.rowcount:
            return False
        await self._sessions.end_all(tx, row["user_id"], reason, identity_id=row["id"])
        user = await self._users.read(tx, row["user_id"])
        if await self.cut_off(tx, user):
            # A password they gave themselves must not outlive what let them in.
            await tx.execute(
                update(identities)
                .where(identities.c.user_id == user.id, identities.c.provider == LOCAL)
                .values(revoked_at=self._clock.now())
            )
            await self._sessions.end_all(tx, user.id, reason)
        await audit.record(
            tx,
            actor=None,
            action="identity.revoked",
            target=user.id,
            details={"provider": row["provider"], "username": row["username"], "reason": reason},
        )
        await self._users.announce(tx, user, "revoked")
        return True

    async def cut_off(self, tx: Tx, user: User) -> bool:
        """Whether services vouched for this person once and none does now. Admins keep their way in."""
        if user.role == ADMIN_ROLE:
            return False
        rows = await tx.all(
            select(identities.c.revoked_at).where(
                identities.c.user_id == user.id, identities.c.provider != LOCAL
            )
        )
        return bool(rows) and all(row["revoked_at"] is not None for row in rows)

    async def _only_vouched_by(self, tx: Tx, user_id: str, identity_id: str) -> bool:
        """Without that identity nothing but their own password would let this person in."""
        if (await self._users.read(tx, user_id)).role == ADMIN_ROLE:
            return False
        other = await tx.scalar(
            select(identities.c.id).where(
                identities.c.user_id == user_id,
                identities.c.id != identity_id,
                identities.c.provider != LOCAL,
                identities.c.revoked_at.is_(None),
            )
        )
        return other is None

    def token_of(self, row: RowMapping) -> Secret | None:
        """The service's token of an identity row; None where there is none or it cannot be opened any more."""
        if row["token_sealed"] is None:
            return None
        try:
            token = self._keyring.open(row["token_sealed"], _context(row["provider"], row["subject"]))
        except CannotOpen:
            return None
        register_secret(token)
        return Secret(token)

    async def _find(self, tx: Tx, provider: str, subject: str) -> RowMapping | None:
        return await tx.first(
            select(identities).where(identities.c.provider == provider, identities.c.subject == subject)
        )

    async def _insert(
        self, tx: Tx, user_id: str, provider: str, instance_id: str | None, identity: Identity
    ) -> str:
        now, identifier = self._clock.now(), new_id()
        await tx.execute(
            identities.insert().values(
                id=identifier,
                user_id=user_id,
                provider=provider,
                instance_id=instance_id,
                subject=identity.subject,
                username=identity.username[:100],
                token_sealed=self._seal(provider, identity),
                created_at=now,
                checked_at=now,
            )
        )
        return identifier

    async def _refresh(self, tx: Tx, identity_id: str, instance_id: str, identity: Identity) -> None:
        values = {
            "instance_id": instance_id,
            "username": identity.username[:100],
            "checked_at": self._clock.now(),
            "revoked_at": None,
        }
        row = await tx.one(select(identities).where(identities.c.id == identity_id))
        if (sealed := self._seal(row["provider"], identity)) is not None:
            values["token_sealed"] = sealed
        await tx.execute(update(identities).where(identities.c.id == identity_id).values(**values))

    def _seal(self, provider: str, identity: Identity) -> str | None:
        if identity.token is None:
            return None
        register_secret(identity.token.reveal())
        return self._keyring.seal(identity.token.reveal(), _context(provider, identity.subject))


def _context(provider: str, subject: str) -> str:
    return f"identity:{provider}:{subject}"


def providers_of(rows: Sequence[IdentityInfo]) -> list[str]:
    """Names of the providers that vouch for a person now."""
    return sorted({row.provider for row in rows if row.revoked_at is None})


SEALED = (Sealed(identities, "token_sealed", lambda row, _: _context(row["provider"], row["subject"])),)
"""Where secrets are kept, for sealing them anew."""
