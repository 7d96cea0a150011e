"""API keys: a person's own, with fewer rights than the person, stored hashed."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import and_, exists, func, or_, select, update

from medianest_core.base.clock import Clock
from medianest_core.base.ids import new_id, new_token, token_hash
from medianest_core.base.redact import register_secret
from medianest_core.base.tasks import TaskKeeper
from medianest_core.base.texts import N_
from medianest_core.bus.events import AccountChanged
from medianest_core.bus.outbox import EventBus
from medianest_core.domain.accounts.access import ADMIN_SCOPE, SCOPES
from medianest_core.domain.accounts.errors import Missing, NotAllowed
from medianest_core.domain.accounts.models import ApiKeyInfo, Status
from medianest_core.domain.accounts.roles import ADMIN_ROLE, USER_ROLE, Roles
from medianest_core.domain.accounts.sessions import RECHECK, TOUCH, viewer_of_row
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.routes import Viewer
from medianest_core.store.engine import Database
from medianest_core.store.repos import audit
from medianest_core.store.tables.accounts import api_keys, identities, users

PREFIX = "mn_"
MOST = 20
SHORTEST, LONGEST = 60.0, 5 * 366 * 86400.0
"""Seconds that a key with an end lives."""
_CACHED = 1_000


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """Whom a key speaks for. The viewer has the admin role only where the key has the admin scope."""

    key_id: str
    viewer: Viewer
    scopes: frozenset[str]
    expires_at: float | None = None


class ApiKeys:
    def __init__(
        self,
        db: Database,
        bus: EventBus,
        roles: Roles,
        clock: Clock,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._db = db
        self._roles = roles
        self._clock = clock
        self._steady = steady
        self._cache: OrderedDict[str, tuple[float, KeyHolder]] = OrderedDict()
        self._tasks = TaskKeeper()
        self._unsubscribe = bus.subscribe(
            AccountChanged, self._on_changed, name="api keys.cache", everywhere=True
        )

    async def close(self) -> None:
        self._unsubscribe()
        await self._tasks.close()

    async def create(
        self,
        user_id: str,
        role: str,
        name: str,
        scopes: Sequence[str],
        *,
        expires_at: float | None = None,
    ) -> tuple[ApiKeyInfo, str]:
        """(the key's row, the key itself, shown only now). expires_at None: it has no end. Raises UserError, NotAllowed."""
        name = name.strip()
        if not 1 <= len(name) <= 100:
            raise UserError("Give the key a name of 1 to 100 characters.", "name")
        wanted = [scope for scope in SCOPES if scope in scopes]
        if not wanted or set(scopes) - set(SCOPES):
            raise UserError(N_("Choose from {scopes}.").format(scopes=", ".join(SCOPES)), "scopes")
        if ADMIN_SCOPE in wanted and role != ADMIN_ROLE:
            raise UserError("Only admins can make keys with the admin scope.", "scopes")
        now = self._clock.now()
        if expires_at is not None and not now + SHORTEST <= expires_at <= now + LONGEST:
            raise UserError("A key ends between a minute and five years from now.", "expires_at")
        key = PREFIX + new_token()
        register_secret(key)
        values = {
            "id": new_id(),
            "user_id": user_id,
            "name": name,
            "prefix": key[:8],
            "scopes": wanted,
            "created_at": now,
            "last_used_at": None,
            "expires_at": expires_at,
        }
        async with self._db.begin() as tx:
            count = await tx.scalar(
                select(func.count())
                .select_from(api_keys)
                .where(
                    api_keys.c.user_id == user_id,
                    or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > now),
                )
            )
            if int(count or 0) >= MOST:
                raise NotAllowed(N_("You have {count} keys already. Delete one first.").format(count=MOST))
            await tx.execute(api_keys.insert().values(**values, key_hash=token_hash(key)))
            await audit.record(
                tx,
                actor=user_id,
                action="api_key.created",
                target=str(values["id"]),
                details={"name": name, "scopes": wanted, "expires_at": expires_at},
            )
        return ApiKeyInfo(**values), key  # type: ignore[arg-type]  # the dict holds exactly its fields

    async def of_user(self, user_id: str) -> list[ApiKeyInfo]:
        """Newest first."""
        async with self._db.read() as tx:
            rows = await tx.all(
                select(api_keys).where(api_keys.c.user_id == user_id).order_by(api_keys.c.created_at.desc())
            )
        return [ApiKeyInfo(**{name: row[name] for name in ApiKeyInfo.__dataclass_fields__}) for row in rows]

    async def remove(self, user_id: str, key_id: str, actor: str | None = None) -> None:
        """The key stops working at once, in other processes within RECHECK seconds. actor: the admin, where it is not the person.

        Raises Missing where the person has no such key.
        """
        async with self._db.begin() as tx:
            gone = await tx.execute(
                api_keys.delete().where(api_keys.c.id == key_id, api_keys.c.user_id == user_id)
            )
            if not gone.rowcount:
                raise Missing("There is no such key.")
            await audit.record(
                tx,
                actor=actor or user_id,
                action="api_key.removed",
                target=key_id,
                details={"user": user_id},
            )
            tx.after_commit(lambda: self._forget(lambda holder: holder.key_id == key_id))

    async def resolve(self, key: str) -> KeyHolder | None:
        """Whom the key speaks for, or None where it is unknown, has ended, or the person may not come in."""
        if not key.startswith(PREFIX) or len(key) > 100:
            return None
        hashed, steady = token_hash(key), self._steady()
        cached = self._cache.get(hashed)
        if cached is not None and steady - cached[0] < RECHECK:
            return None if self._ended(cached[1].expires_at) else cached[1]
        async with self._db.glance() as tx:
            row = await tx.first(_WITH_PERSON.where(api_keys.c.key_hash == hashed))
        if row is None or self._ended(row["expires_at"]):
            self._cache.pop(hashed, None)
            return None
        scopes = frozenset(row["scopes"])
        viewer = viewer_of_row(row, self._roles)
        if viewer.is_admin and ADMIN_SCOPE not in scopes:
            viewer = replace(viewer, role=USER_ROLE, permissions=self._roles.permissions_of(USER_ROLE))
        holder = KeyHolder(row["id"], viewer, scopes, row["expires_at"])
        self._cache[hashed] = (steady, holder)
        self._cache.move_to_end(hashed)
        if len(self._cache) > _CACHED:
            self._cache.popitem(last=False)
        if self._clock.now() - (row["last_used_at"] or 0.0) > TOUCH:
            self._tasks.spawn(self._touch(row["id"]), "api key last used")
        return holder

    def _ended(self, expires_at: float | None) -> bool:
        return expires_at is not None and expires_at <= self._clock.now()

    async def _touch(self, key_id: str) -> None:
        async with self._db.begin() as tx:
            await tx.execute(
                update(api_keys).where(api_keys.c.id == key_id).values(last_used_at=self._clock.now())
            )

    async def _on_changed(self, event: AccountChanged) -> None:
        self._forget(lambda holder: holder.viewer.id == event.user_id)

    def _forget(self, which: Callable[[KeyHolder], bool]) -> None:
        for hashed in [hashed for hashed, (_, holder) in self._cache.items() if which(holder)]:
            del self._cache[hashed]


# A person whom no provider vouches for any more is cut off, their keys included.
_WITH_PERSON = (
    select(
        api_keys,
        users.c.username,
        users.c.role,
        users.c.status,
        users.c.locale,
        users.c.timezone,
    )
    .join(users, users.c.id == api_keys.c.user_id)
    .where(
        users.c.status == Status.ACTIVE.value,
        exists(
            select(identities.c.id).where(
                and_(identities.c.user_id == users.c.id, identities.c.revoked_at.is_(None))
            )
        ),
    )
)
