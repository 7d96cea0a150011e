"""Secret addresses of calendars: calendar programs have no session, so whoever knows a person's address reads their calendar.

One for each person, made and taken back by them, stored hashed. It opens the calendar and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import and_, exists, select, update

from medianest_core.base.clock import Clock
from medianest_core.base.ids import new_token, token_hash
from medianest_core.base.redact import register_secret
from medianest_core.domain.accounts.models import Status
from medianest_core.domain.accounts.roles import Roles
from medianest_core.domain.accounts.sessions import TOUCH, viewer_of_row
from medianest_core.sdk.routes import Viewer
from medianest_core.store.engine import Database
from medianest_core.store.repos import audit
from medianest_core.store.tables.accounts import identities, users
from medianest_core.store.tables.search import calendar_addresses

_LONGEST = 100


@dataclass(frozen=True, slots=True)
class AddressInfo:
    """Epoch seconds. last_used_at: None before the first use; it is noted now and then, not each time."""

    created_at: float
    last_used_at: float | None


class CalendarAddresses:
    def __init__(self, db: Database, roles: Roles, clock: Clock) -> None:
        self._db = db
        self._roles = roles
        self._clock = clock

    async def of(self, user_id: str) -> AddressInfo | None:
        """What there is to say of a person's address; the address itself is not known any more."""
        async with self._db.glance() as tx:
            row = await tx.first(
                select(calendar_addresses.c.created_at, calendar_addresses.c.last_used_at).where(
                    calendar_addresses.c.user_id == user_id
                )
            )
        return AddressInfo(row["created_at"], row["last_used_at"]) if row is not None else None

    async def renew(self, user_id: str) -> str:
        """The secret part of a new address, to be shown now and never again. The one before stops working."""
        token = new_token()
        register_secret(token)
        values = {"token_hash": token_hash(token), "created_at": self._clock.now(), "last_used_at": None}
        async with self._db.begin() as tx:
            await tx.execute(
                tx.insert(calendar_addresses)
                .values(user_id=user_id, **values)
                .on_conflict_do_update(index_elements=["user_id"], set_=values)
            )
            await audit.record(tx, actor=user_id, action="calendar_address.created", target=user_id)
        return token

    async def revoke(self, user_id: str) -> bool:
        """False where there was none."""
        async with self._db.begin() as tx:
            gone = await tx.execute(
                calendar_addresses.delete().where(calendar_addresses.c.user_id == user_id)
            )
            if gone.rowcount:
                await audit.record(tx, actor=user_id, action="calendar_address.removed", target=user_id)
        return bool(gone.rowcount)

    async def resolve(self, token: str) -> Viewer | None:
        """Whose calendar the address opens, or None where it is unknown or the person may not come in."""
        if not 20 <= len(token) <= _LONGEST:
            return None
        async with self._db.glance() as tx:
            row = await tx.first(_WITH_PERSON.where(calendar_addresses.c.token_hash == token_hash(token)))
        if row is None:
            return None
        register_secret(token)
        if self._clock.now() - (row["last_used_at"] or 0.0) > TOUCH:
            async with self._db.begin() as tx:
                await tx.execute(
                    update(calendar_addresses)
                    .where(calendar_addresses.c.user_id == row["user_id"])
                    .values(last_used_at=self._clock.now())
                )
        return viewer_of_row(row, self._roles)


# As with API keys: a person whom no provider vouches for any more is cut off.
_WITH_PERSON = (
    select(
        calendar_addresses,
        users.c.username,
        users.c.role,
        users.c.status,
        users.c.locale,
        users.c.timezone,
    )
    .join(users, users.c.id == calendar_addresses.c.user_id)
    .where(
        users.c.status == Status.ACTIVE.value,
        exists(
            select(identities.c.id).where(
                and_(identities.c.user_id == users.c.id, identities.c.revoked_at.is_(None))
            )
        ),
    )
)
