"""Asking a signed-in person once more who they are, before something that an open browser alone must not be able to do."""

from __future__ import annotations

from sqlalchemy import select

from medianest_core.base.clock import Clock, SystemClock
from medianest_core.base.texts import N_
from medianest_core.cache.limits import RateLimiter
from medianest_core.domain.accounts.errors import TooManyAttempts
from medianest_core.domain.accounts.passwords import Passwords
from medianest_core.sdk.errors import UserError
from medianest_core.store.engine import Database
from medianest_core.store.tables.accounts import sessions

TRIES, PER = 10, 900.0
FRESH = 600.0
"""Seconds for which signing in counts as a confirmation, for people who have no password here."""


class Confirm:
    """By password; whoever has none here must have signed in a moment ago."""

    def __init__(
        self, db: Database, passwords: Passwords, limiter: RateLimiter, clock: Clock | None = None
    ) -> None:
        self._db = db
        self._passwords = passwords
        self._limiter = limiter
        self._clock = clock or SystemClock()

    async def by_password(self, user_id: str) -> bool:
        """Whether the person is asked for a password."""
        async with self._db.read() as tx:
            return await self._passwords.login(tx, user_id) is not None

    async def check(self, user_id: str, session_id: str | None, password: str) -> None:
        """Raises UserError for the field "password", TooManyAttempts."""
        async with self._db.read() as tx:
            login = await self._passwords.login(tx, user_id)
            began = await tx.scalar(
                select(sessions.c.created_at).where(
                    sessions.c.id == (session_id or ""), sessions.c.user_id == user_id
                )
            )
        if login is None:
            if began is None or self._clock.now() - float(began) > FRESH:
                raise UserError(N_("Sign out and in again, then do this within ten minutes."), "password")
            return
        key = f"password:{user_id}"
        result = await self._limiter.hit(key, TRIES, PER, strict=True)
        if not result.allowed:
            raise TooManyAttempts(N_("Too many attempts. Wait a while, then try again."), result.reset_at)
        if await self._passwords.verify(login, password) != user_id:
            raise UserError(N_("This is not your password."), "password")
        await self._limiter.clear(key, TRIES, PER)
