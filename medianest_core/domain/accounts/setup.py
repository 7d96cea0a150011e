"""Set-up: the one-time link that makes the first admin, and the console's way back in."""

from __future__ import annotations

import hmac

from sqlalchemy import select, update

from medianest_core.base.clock import Clock
from medianest_core.base.crypto import Keyring
from medianest_core.base.ids import new_token
from medianest_core.base.texts import N_
from medianest_core.domain.accounts.errors import SetupClosed
from medianest_core.domain.accounts.identities import Identities
from medianest_core.domain.accounts.models import SignedIn, Status, User
from medianest_core.domain.accounts.passwords import (
    Passwords,
    check_strength,
    hash_password,
    login_of,
    new_password,
)
from medianest_core.domain.accounts.roles import ADMIN_ROLE
from medianest_core.domain.accounts.sessions import Sessions
from medianest_core.domain.accounts.users import Users
from medianest_core.sdk.errors import UserError
from medianest_core.store.engine import Database, Tx
from medianest_core.store.repos import audit, portal_settings
from medianest_core.store.reseal import Sealed
from medianest_core.store.tables.accounts import passwords, setup, users

_CONTEXT = "setup"
_ROW = 1
SEALED = (Sealed(setup, "token_sealed", lambda _row, _name: _CONTEXT),)
"""Where secrets are kept, for sealing them anew."""


class Setup:
    def __init__(
        self,
        db: Database,
        users: Users,
        identities: Identities,
        passwords: Passwords,
        sessions: Sessions,
        keyring: Keyring,
        clock: Clock,
    ) -> None:
        self._db = db
        self._users = users
        self._identities = identities
        self._passwords = passwords
        self._sessions = sessions
        self._keyring = keyring
        self._clock = clock
        self._done = False

    async def needed(self) -> bool:
        """Whether the portal still waits for its first admin."""
        if self._done:
            return False
        async with self._db.read() as tx:
            used = await tx.scalar(select(setup.c.used_at).where(setup.c.id == _ROW))
            admin = await tx.scalar(select(users.c.id).where(users.c.role == ADMIN_ROLE).limit(1))
        self._done = used is not None or admin is not None
        return not self._done

    async def token(self) -> str | None:
        """The set-up token, the same until it is used; None once there is an admin. Raises CannotOpen."""
        if not await self.needed():
            return None
        fresh = self._keyring.seal(new_token(), _CONTEXT)
        async with self._db.begin() as tx:
            await tx.execute(
                tx.insert(setup)
                .values(id=_ROW, token_sealed=fresh, created_at=self._clock.now())
                .on_conflict_do_nothing()
            )
            sealed = await tx.scalar(select(setup.c.token_sealed).where(setup.c.id == _ROW))
        return self._keyring.open(str(sealed), _CONTEXT)

    async def check(self, token: str) -> bool:
        """Is this the token, still unused?"""
        right = await self.token()
        return right is not None and hmac.compare_digest(right.encode(), token.encode())

    async def create_admin(
        self, token: str, username: str, password: str, *, user_agent: str = "", ip: str = ""
    ) -> SignedIn:
        """Make the first admin and sign them in. Exactly one caller succeeds. Raises SetupClosed, UserError."""
        if not await self.check(token):
            raise SetupClosed("This set-up link is wrong or was used already.")
        _check_name(username)
        check_strength(password)
        hashed = await hash_password(password)
        async with self._db.begin() as tx:
            claimed = await tx.execute(
                update(setup)
                .where(setup.c.id == _ROW, setup.c.used_at.is_(None))
                .values(used_at=self._clock.now())
            )
            if claimed.rowcount != 1 or await self._has_admin(tx):
                raise SetupClosed("This portal has been set up already.")
            user, identity_id = await self._insert(tx, username, hashed)
            await tx.execute(update(setup).where(setup.c.id == _ROW).values(used_by=user.id))
            await audit.record(tx, actor=user.id, action="portal.set_up", target=user.id)
            await self._users.signed_in(tx, user.id)
            made = await self._sessions.create(
                tx, user.id, identity_id=identity_id, remember=True, user_agent=user_agent, ip=ip
            )
        self._done = True
        return SignedIn(made.cookie, made.max_age, made.id, user, created=True)

    async def add_admin(self, username: str, password: str) -> User:
        """Make an admin from the console; closes the set-up. Raises UserError where the name is taken."""
        _check_name(username)
        check_strength(password)
        hashed = await hash_password(password)
        async with self._db.begin() as tx:
            user, _ = await self._insert(tx, username, hashed)
            await tx.execute(
                update(setup)
                .where(setup.c.id == _ROW, setup.c.used_at.is_(None))
                .values(used_at=self._clock.now(), used_by=user.id)
            )
            await audit.record(
                tx, actor=None, action="user.admin_added", target=user.id, details={"from": "console"}
            )
        self._done = True
        return user

    async def recover(self, username: str | None = None) -> tuple[User, str, str]:
        """Let an admin back in from the console: (account, login name, new password).

        Takes the named account, else the first admin with a password, else any admin, else makes one called "admin". It
        becomes an active admin with a new password, its sessions end, and signing in by password is offered again.
        """
        password = new_password()
        hashed = await hash_password(password)
        async with self._db.begin() as tx:
            user_id, login = await self._whom(tx, username)
            if user_id is None:
                user, _ = await self._insert(tx, login, hashed)
            else:
                await tx.execute(
                    update(users)
                    .where(users.c.id == user_id)
                    .values(role=ADMIN_ROLE, status=Status.ACTIVE.value, version=users.c.version + 1)
                )
                await self._passwords.put(tx, user_id, login, hashed)
                await self._identities.local(tx, user_id, login)
                await self._sessions.end_all(tx, user_id, "recovered")
                user = await self._users.read(tx, user_id)
                await self._users.announce(tx, user, "recovered")
            await audit.record(
                tx, actor=None, action="user.recovered", target=user.id, details={"from": "console"}
            )
        settings, version = await portal_settings.load(self._db)
        if not settings.local_sign_in:
            async with self._db.begin() as tx:
                await portal_settings.save(
                    tx, settings.model_copy(update={"local_sign_in": True}), version=version, actor=None
                )
        return user, login, password

    async def _whom(self, tx: Tx, username: str | None) -> tuple[str | None, str]:
        found = select(users.c.id, users.c.username, passwords.c.login).outerjoin(
            passwords, passwords.c.user_id == users.c.id
        )
        if username is not None:
            login = login_of(username)
            row = await tx.first(found.where(passwords.c.login == login)) or await tx.first(
                found.where(users.c.username == username)
            )
            if row is None:
                raise UserError(
                    N_("There is no account called {username}.").format(username=username), "username"
                )
        else:
            row = await tx.first(
                found.where(users.c.role == ADMIN_ROLE)
                .order_by(passwords.c.login.is_(None), users.c.created_at)
                .limit(1)
            )
        if row is None:
            return None, "admin"
        return row["id"], row["login"] or login_of(row["username"])

    async def _has_admin(self, tx: Tx) -> bool:
        return await tx.scalar(select(users.c.id).where(users.c.role == ADMIN_ROLE).limit(1)) is not None

    async def _insert(self, tx: Tx, username: str, hashed: str) -> tuple[User, str]:
        user = await self._users.insert(tx, username=username.strip(), role=ADMIN_ROLE, status=Status.ACTIVE)
        await self._passwords.put(tx, user.id, username, hashed)
        return user, await self._identities.local(tx, user.id, username.strip())


def _check_name(username: str) -> None:
    name = username.strip()
    if not 1 <= len(name) <= 100 or not name.isprintable():
        raise UserError("Choose a name of 1 to 100 characters.", "username")
