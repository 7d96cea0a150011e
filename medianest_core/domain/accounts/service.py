"""Accounts: the facade that the web, the console and other domains use."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from medianest_core.base.clock import Clock, SystemClock
from medianest_core.base.crypto import Keyring
from medianest_core.bus.outbox import EventBus
from medianest_core.cache.limits import RateLimiter
from medianest_core.domain.accounts.addresses import CalendarAddresses
from medianest_core.domain.accounts.apikeys import ApiKeys
from medianest_core.domain.accounts.attempts import Attempts
from medianest_core.domain.accounts.confirm import Confirm
from medianest_core.domain.accounts.home import HomeCards
from medianest_core.domain.accounts.identities import Identities
from medianest_core.domain.accounts.passwords import Passwords
from medianest_core.domain.accounts.revalidate import Revalidation
from medianest_core.domain.accounts.roles import Roles
from medianest_core.domain.accounts.saved import SavedSearches
from medianest_core.domain.accounts.sessions import Sessions
from medianest_core.domain.accounts.setup import Setup
from medianest_core.domain.accounts.signin import SignIn
from medianest_core.domain.accounts.users import Users
from medianest_core.host.instances import Instances
from medianest_core.sdk.jobs import Job
from medianest_core.sdk.permissions import Permission
from medianest_core.store.engine import Database, Tx
from medianest_core.store.repos import audit


class Accounts:
    """users, identities, sessions, api_keys, passwords, confirm, setup, sign_in, home, saved, addresses, roles: the parts, each in the file of its name.

    permissions: all that running plugins declare, asked anew each time.
    """

    def __init__(
        self,
        *,
        db: Database,
        bus: EventBus,
        keyring: Keyring,
        limiter: RateLimiter,
        instances: Instances,
        permissions: Callable[[], Iterable[Permission]] = lambda: (),
        clock: Clock | None = None,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        """steady: counts seconds and never goes back; it says how old what is remembered of a session is."""
        clock = clock or SystemClock()
        self.roles = Roles(permissions)
        self.sessions = Sessions(db, bus, keyring, self.roles, clock, steady)
        self.users = Users(db, bus, self.sessions, clock)
        self.passwords = Passwords(db, clock)
        self.confirm = Confirm(db, self.passwords, limiter, clock)
        self.identities = Identities(db, self.users, self.sessions, self.passwords, keyring, clock)
        self.home = HomeCards(db, clock)
        self.saved = SavedSearches(db, clock)
        self.addresses = CalendarAddresses(db, self.roles, clock)
        self.api_keys = ApiKeys(db, bus, self.roles, clock, steady)
        self.setup = Setup(db, self.users, self.identities, self.passwords, self.sessions, keyring, clock)
        self.sign_in = SignIn(
            db,
            instances,
            self.users,
            self.identities,
            self.passwords,
            self.sessions,
            Attempts(db, keyring, clock),
            limiter,
            clock,
        )
        self.revalidation = Revalidation(db, bus, instances, self.identities, self.sessions, clock)
        self._db = db

    def jobs(self) -> list[Job[Any]]:
        """The jobs this domain runs."""
        return [self.revalidation.job]

    async def sign_out(self, user_id: str, session_id: str) -> None:
        """End one session of the person; nothing happens where it is over."""
        async with self._db.begin() as tx:
            await self.sessions.end(tx, user_id, session_id, "signed out")

    async def sign_out_others(self, user_id: str, keep: str | None, actor: str | None = None) -> int:
        """End the person's sessions but for `keep`. actor: who does it, where it is not the person. Returns how many."""
        async with self._db.begin() as tx:
            ended = await self.sessions.end_all(tx, user_id, "signed out", but=keep)
            await self._note(tx, user_id, actor, ended)
            return ended

    async def end_session(self, user_id: str, session_id: str, actor: str | None = None) -> bool:
        """End a device's session. actor: who does it, where it is not the person. False where the person has no such session."""
        async with self._db.begin() as tx:
            ended = await self.sessions.end(tx, user_id, session_id, "signed out")
            await self._note(tx, user_id, actor, int(ended))
            return ended

    async def _note(self, tx: Tx, user_id: str, actor: str | None, ended: int) -> None:
        if ended and actor is not None and actor != user_id:
            await audit.record(
                tx, actor=actor, action="user.signed_out", target=user_id, details={"sessions": ended}
            )

    async def close(self) -> None:
        await self.sessions.close()
        await self.api_keys.close()
