"""Sign-in attempts: what a provider asked a person to do, bound to one browser by a cookie and usable once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import delete, or_, select, update
from sqlalchemy.engine import RowMapping

from medianest_core.base.clock import Clock
from medianest_core.base.crypto import Keyring
from medianest_core.base.ids import new_id, new_token, token_hash
from medianest_core.domain.accounts.models import Attempt
from medianest_core.sdk.auth import AuthFlow, Challenge
from medianest_core.store.engine import Database, Tx
from medianest_core.store.reseal import Sealed
from medianest_core.store.tables.accounts import sign_in_attempts as attempts

LONGEST = 1800.0
"""Seconds that an attempt lives at most, whatever the service says."""
_SLOWEST_POLL = 30.0


@dataclass(frozen=True, slots=True)
class StoredAttempt:
    """An attempt with the provider's state opened."""

    attempt: Attempt
    state: Mapping[str, str]
    link_user_id: str | None
    remember: bool


class Attempts:
    def __init__(self, db: Database, keyring: Keyring, clock: Clock) -> None:
        self._db = db
        self._keyring = keyring
        self._clock = clock

    async def start(
        self,
        challenge: Challenge,
        *,
        provider: str,
        instance_id: str,
        flow: AuthFlow,
        remember: bool,
        link_user_id: str | None,
        replaces: str | None,
    ) -> str:
        """Keep a challenge; returns the cookie. replaces: cookie of the attempt that this browser gives up."""
        now, key, identifier = self._clock.now(), new_token(), new_id()
        async with self._db.begin() as tx:
            if replaces:
                await tx.execute(delete(attempts).where(attempts.c.key_hash == token_hash(replaces)))
            await tx.execute(delete(attempts).where(attempts.c.expires_at < now - 3600))
            await tx.execute(
                attempts.insert().values(
                    id=identifier,
                    key_hash=token_hash(key),
                    provider=provider,
                    instance_id=instance_id,
                    flow=flow.value,
                    state_sealed=self._keyring.seal(json.dumps(dict(challenge.state)), _context(identifier)),
                    code=challenge.code,
                    url=challenge.url,
                    poll_every=min(max(challenge.poll_every, 0.2), _SLOWEST_POLL),
                    created_at=now,
                    expires_at=now + min(max(challenge.expires_in, 0.0), LONGEST),
                    link_user_id=link_user_id,
                    remember=remember,
                )
            )
        return key

    async def find(self, cookie: str, title: str = "") -> StoredAttempt | None:
        """The attempt of this browser, or None where it is unknown, used or too old."""
        async with self._db.read() as tx:
            row = await tx.first(select(attempts).where(attempts.c.key_hash == token_hash(cookie)))
        if row is None or row["used_at"] is not None or row["expires_at"] <= self._clock.now():
            return None
        return self._stored(row, title)

    async def may_ask(self, attempt_id: str) -> bool:
        """Whether the service may be asked now: once in `poll_every` seconds over all windows and processes."""
        now = self._clock.now()
        async with self._db.begin() as tx:
            result = await tx.execute(
                update(attempts)
                .where(
                    attempts.c.id == attempt_id,
                    or_(attempts.c.polled_at <= now - attempts.c.poll_every, attempts.c.polled_at > now),
                )
                .values(polled_at=now)
            )
        return bool(result.rowcount)

    async def use(self, tx: Tx, attempt_id: str) -> bool:
        """Claim the attempt; only one caller ever gets True."""
        result = await tx.execute(
            update(attempts)
            .where(attempts.c.id == attempt_id, attempts.c.used_at.is_(None))
            .values(used_at=self._clock.now(), state_sealed="")
        )
        return bool(result.rowcount)

    async def drop(self, cookie: str) -> None:
        """The person gave up."""
        async with self._db.begin() as tx:
            await tx.execute(delete(attempts).where(attempts.c.key_hash == token_hash(cookie)))

    def _stored(self, row: RowMapping, title: str) -> StoredAttempt:
        return StoredAttempt(
            Attempt(
                id=row["id"],
                flow=AuthFlow(row["flow"]),
                provider=row["provider"],
                instance_id=row["instance_id"],
                title=title,
                code=row["code"],
                url=row["url"],
                expires_at=row["expires_at"],
                poll_every=row["poll_every"],
                linking=row["link_user_id"] is not None,
            ),
            json.loads(self._keyring.open(row["state_sealed"], _context(row["id"]))),
            row["link_user_id"],
            row["remember"],
        )


def _context(identifier: str) -> str:
    return f"sign-in:{identifier}"


SEALED = (Sealed(attempts, "state_sealed", lambda row, _: _context(row["id"])),)
"""Where secrets are kept, for sealing them anew."""
