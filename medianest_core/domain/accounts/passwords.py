"""Passwords kept here: argon2id, checked in a thread, in the same time whether or not the user exists."""

from __future__ import annotations

import asyncio
import secrets
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, select, update

from medianest_core.base.clock import Clock
from medianest_core.base.texts import N_
from medianest_core.sdk.errors import UserError
from medianest_core.store.engine import Database, Tx
from medianest_core.store.tables.accounts import passwords

SHORTEST = 8
LONGEST = 200
"""Characters; longer input is refused before it costs anything."""
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# Each check takes 19 MiB; more at once would only wait for a core.
_threads = ThreadPoolExecutor(4, thread_name_prefix="passwords")


@dataclass(frozen=True, slots=True)
class Login:
    user_id: str
    login: str


def login_of(username: str) -> str:
    """How a user name is compared: without regard to case and to how its characters are composed."""
    return unicodedata.normalize("NFKC", username).strip().casefold()


def check_strength(password: str, field: str = "password") -> None:
    """Raises UserError for a password that is too short or too long."""
    if len(password) < SHORTEST:
        raise UserError(N_("Use at least {limit} characters.").format(limit=SHORTEST), field)
    if len(password) > LONGEST:
        raise UserError(N_("Use at most {limit} characters.").format(limit=LONGEST), field)


def new_password() -> str:
    """A random password that can be read aloud: four groups of four letters and digits."""
    alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(alphabet) for _ in range(4)) for _ in range(4))


async def hash_password(password: str) -> str:
    return await asyncio.get_running_loop().run_in_executor(_threads, _hasher.hash, password)


class Passwords:
    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._decoy: str | None = None

    async def verify(self, username: str, password: str) -> str | None:
        """The user id, or None where name or password is wrong."""
        if len(password) > LONGEST or len(username) > LONGEST:
            return None
        async with self._db.read() as tx:
            row = await tx.first(select(passwords).where(passwords.c.login == login_of(username)))
        if self._decoy is None:
            self._decoy = await hash_password(secrets.token_urlsafe())
        hashed = row["hash"] if row is not None else self._decoy
        loop = asyncio.get_running_loop()
        right = await loop.run_in_executor(_threads, _matches, hashed, password)
        if row is None or not right:
            return None
        if _hasher.check_needs_rehash(hashed):
            fresh = await hash_password(password)
            async with self._db.begin() as tx:
                await tx.execute(
                    update(passwords)
                    .where(passwords.c.user_id == row["user_id"], passwords.c.hash == hashed)
                    .values(hash=fresh)
                )
        return str(row["user_id"])

    async def put(self, tx: Tx, user_id: str, username: str, hashed: str) -> None:
        """Store the hash under that login. Raises UserError where the name is taken."""
        login = login_of(username)
        taken = await tx.scalar(
            select(passwords.c.user_id).where(passwords.c.login == login, passwords.c.user_id != user_id)
        )
        if taken is not None:
            raise UserError("This user name is taken.", "username")
        values = {"login": login, "hash": hashed, "changed_at": self._clock.now()}
        await tx.execute(
            tx.insert(passwords)
            .values(user_id=user_id, **values)
            .on_conflict_do_update(index_elements=[passwords.c.user_id], set_=values)
        )

    async def login(self, tx: Tx, user_id: str) -> str | None:
        """The name the person signs in with, or None where they have no password here."""
        found = await tx.scalar(select(passwords.c.login).where(passwords.c.user_id == user_id))
        return str(found) if found is not None else None

    async def remove(self, tx: Tx, user_id: str) -> None:
        await tx.execute(delete(passwords).where(passwords.c.user_id == user_id))


def _matches(hashed: str, password: str) -> bool:
    try:
        return _hasher.verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False
