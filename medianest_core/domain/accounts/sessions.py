"""Sessions: the cookie carries only a signed session key; the row decides.

A cookie's signature is verified once, and its row is read again at most `RECHECK` seconds later, so that whatever ends a session
in any process is known here within that time.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, and_, delete, or_, select, update
from sqlalchemy.engine import RowMapping

from medianest_core.base.clock import Clock
from medianest_core.base.crypto import Keyring
from medianest_core.base.ids import new_id, new_token, token_hash
from medianest_core.base.tasks import TaskKeeper
from medianest_core.bus.events import AccountChanged, SessionsEnded
from medianest_core.bus.outbox import EventBus
from medianest_core.domain.accounts.access import PENDING_ROLE
from medianest_core.domain.accounts.models import DeviceInfo, SessionInfo, Status
from medianest_core.domain.accounts.roles import Roles
from medianest_core.sdk.events import Audience
from medianest_core.sdk.routes import Viewer
from medianest_core.store.engine import Database, Tx
from medianest_core.store.tables.accounts import identities, sessions, users

if TYPE_CHECKING:
    from joserfc.jwk import OctKey

DAY = 86_400.0
REMEMBERED = 90 * DAY
REMEMBERED_IDLE = 30 * DAY
UNREMEMBERED = 30 * DAY
UNREMEMBERED_IDLE = DAY
KEPT = 30 * DAY
"""How long sessions that are over stay on record."""
RECHECK = 2.0
TOUCH = 300.0
"""Seconds between two writes of `last_seen_at`."""
_ALGORITHM = "HS256"
_CACHED = 5_000


@dataclass(frozen=True, slots=True)
class NewSession:
    """id: to list and end it. cookie: its secret. max_age: of the cookie in seconds, None for as long as the browser runs."""

    id: str
    cookie: str
    max_age: int | None


@dataclass(slots=True)
class _Entry:
    info: SessionInfo
    checked: float
    ends_at: float


class Sessions:
    """steady: counts seconds for the re-check and never goes back."""

    def __init__(
        self,
        db: Database,
        bus: EventBus,
        keyring: Keyring,
        roles: Roles,
        clock: Clock,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._db = db
        self._bus = bus
        self._roles = roles
        self._clock = clock
        self._steady = steady
        self._signing_key = keyring.signing_key
        self._cache: OrderedDict[str, _Entry] = OrderedDict()
        self._tasks = TaskKeeper()
        self._unsubscribe = [
            bus.subscribe(SessionsEnded, self._on_ended, name="sessions.cache", everywhere=True),
            bus.subscribe(AccountChanged, self._on_changed, name="sessions.cache", everywhere=True),
        ]

    async def close(self) -> None:
        for end in self._unsubscribe:
            end()
        await self._tasks.close()

    async def create(
        self,
        tx: Tx,
        user_id: str,
        *,
        identity_id: str | None,
        remember: bool,
        user_agent: str = "",
        ip: str = "",
        replaces: str | None = None,
    ) -> NewSession:
        """Make a session. replaces: the cookie that the browser came with; its session ends, so that nobody can plant one."""
        if replaces is not None and (old := self._key_of(replaces)) is not None:
            await self._end(tx, sessions.c.key_hash == token_hash(old), "replaced")
        now = self._clock.now()
        ended = or_(sessions.c.expires_at < now - KEPT, sessions.c.revoked_at < now - KEPT)
        await tx.execute(delete(sessions).where(sessions.c.user_id == user_id, ended))
        key, identifier = new_token(), new_id()
        lifetime = REMEMBERED if remember else UNREMEMBERED
        await tx.execute(
            sessions.insert().values(
                id=identifier,
                key_hash=token_hash(key),
                user_id=user_id,
                identity_id=identity_id,
                remember=remember,
                created_at=now,
                last_seen_at=now,
                expires_at=now + lifetime,
                user_agent=user_agent[:300],
                ip=ip[:64],
            )
        )
        return NewSession(identifier, self._cookie(key), int(lifetime) if remember else None)

    async def resolve(self, cookie: str) -> SessionInfo | None:
        """The session in force, or None where the cookie is forged, over, or its person may not come in any more."""
        now, steady = self._clock.now(), self._steady()
        entry = self._cache.get(cookie)
        if entry is not None and steady - entry.checked < RECHECK:
            if now < entry.ends_at:
                return entry.info
            del self._cache[cookie]
            return None
        key = self._key_of(cookie) if len(cookie) < 1000 else None
        if key is None:
            return None
        async with self._db.glance() as tx:
            row = await tx.first(_WITH_PERSON.where(sessions.c.key_hash == token_hash(key)))
        if row is None or (ends_at := _ends_at(row, now)) <= now:
            self._cache.pop(cookie, None)
            return None
        info = self._info(row)
        self._cache[cookie] = _Entry(info, steady, ends_at)
        self._cache.move_to_end(cookie)
        if len(self._cache) > _CACHED:
            self._cache.popitem(last=False)
        if now - row["last_seen_at"] > TOUCH:
            self._tasks.spawn(self._touch(row["id"], now), "session last seen")
        return info

    async def in_force(self, ids: Collection[str]) -> dict[str, SessionInfo]:
        """Those of the sessions that are still in force, with the people as they are now."""
        now = self._clock.now()
        found: dict[str, SessionInfo] = {}
        wanted = list(ids)
        async with self._db.read(one_moment=False) as tx:
            for start in range(0, len(wanted), 500):
                rows = await tx.all(_WITH_PERSON.where(sessions.c.id.in_(wanted[start : start + 500])))
                found.update({row["id"]: self._info(row) for row in rows if _ends_at(row, now) > now})
        return found

    async def of_user(self, user_id: str) -> list[DeviceInfo]:
        """The person's sessions in force, last seen first."""
        now = self._clock.now()
        async with self._db.read() as tx:
            rows = await tx.all(
                _WITH_PERSON.where(sessions.c.user_id == user_id).order_by(sessions.c.last_seen_at.desc())
            )
        return [
            DeviceInfo(
                id=row["id"],
                user_id=row["user_id"],
                created_at=row["created_at"],
                last_seen_at=row["last_seen_at"],
                expires_at=row["expires_at"],
                user_agent=row["user_agent"],
                ip=row["ip"],
                remember=row["remember"],
            )
            for row in rows
            if _ends_at(row, now) > now
        ]

    async def end(self, tx: Tx, user_id: str, session_id: str, reason: str) -> bool:
        """End one session of the person. False where there is none."""
        return bool(
            await self._end(tx, and_(sessions.c.id == session_id, sessions.c.user_id == user_id), reason)
        )

    async def end_all(
        self,
        tx: Tx,
        user_id: str,
        reason: str,
        *,
        but: str | None = None,
        identity_id: str | None = None,
    ) -> int:
        """End the person's sessions, but for the session `but`; identity_id: only those it signed in. Returns how many."""
        where = [sessions.c.user_id == user_id]
        if but is not None:
            where.append(sessions.c.id != but)
        if identity_id is not None:
            where.append(sessions.c.identity_id == identity_id)
        return len(await self._end(tx, and_(*where), reason))

    def forget(self, user_id: str) -> None:
        """Read the person's sessions again at their next request."""
        for cookie in [cookie for cookie, entry in self._cache.items() if entry.info.user_id == user_id]:
            del self._cache[cookie]

    async def _end(self, tx: Tx, where: ColumnElement[bool], reason: str) -> Sequence[RowMapping]:
        result = await tx.execute(
            update(sessions)
            .where(where, sessions.c.revoked_at.is_(None))
            .values(revoked_at=self._clock.now(), revoked_reason=reason)
            .returning(sessions.c.id, sessions.c.user_id)
        )
        ended = list(result.mappings())
        for user_id in {row["user_id"] for row in ended}:
            tx.after_commit(lambda user_id=user_id: self.forget(user_id))  # type: ignore[misc]  # bound default
            ids = [row["id"] for row in ended if row["user_id"] == user_id]
            await self._bus.publish(tx, SessionsEnded(user_id=user_id, session_ids=ids), Audience.nobody())
        return ended

    async def _touch(self, session_id: str, now: float) -> None:
        async with self._db.begin() as tx:
            await tx.execute(update(sessions).where(sessions.c.id == session_id).values(last_seen_at=now))

    async def _on_ended(self, event: SessionsEnded) -> None:
        self.forget(event.user_id)

    async def _on_changed(self, event: AccountChanged) -> None:
        self.forget(event.user_id)

    @cached_property
    def _key(self) -> OctKey:
        # Imported with the first cookie: the library is a tenth of a start, and whoever is not signed in yet does not need it.
        from joserfc.jwk import OctKey

        return OctKey.import_key(self._signing_key)

    def _cookie(self, key: str) -> str:
        from joserfc import jwt

        return jwt.encode({"alg": _ALGORITHM}, {"sid": key}, self._key, algorithms=[_ALGORITHM])

    def _key_of(self, cookie: str) -> str | None:
        from joserfc import jwt
        from joserfc.errors import JoseError

        try:
            claims: dict[str, Any] = jwt.decode(cookie, self._key, algorithms=[_ALGORITHM]).claims
        except (JoseError, ValueError, TypeError, AttributeError, AssertionError, RecursionError):
            # The library trips over headers of an odd shape before it looks at the signature.
            return None
        key = claims.get("sid")
        return key if isinstance(key, str) else None

    def _info(self, row: RowMapping) -> SessionInfo:
        return SessionInfo(
            id=row["id"],
            user_id=row["user_id"],
            viewer=viewer_of_row(row, self._roles),
            status=Status(row["status"]),
            identity_id=row["identity_id"],
            created_at=row["created_at"],
            expires_at=row["expires_at"],
            name=row["display_name"] or row["username"],
            locale=row["locale"],
            timezone=row["timezone"],
            theme=row["theme"],
            avatar=row["avatar"],
        )


def viewer_of_row(row: RowMapping, roles: Roles) -> Viewer:
    """The person of a joined row. While the account is pending the role is `pending`, without permissions."""
    active = row["status"] == Status.ACTIVE
    return Viewer(
        id=row["user_id"],
        username=row["username"],
        role=row["role"] if active else PENDING_ROLE,
        permissions=roles.permissions_of(row["role"]) if active else frozenset(),
        locale=row["locale"] or "en",
        timezone=row["timezone"] or "UTC",
    )


_WITH_PERSON = (
    select(
        sessions,
        users.c.username,
        users.c.display_name,
        users.c.avatar,
        users.c.role,
        users.c.status,
        users.c.locale,
        users.c.timezone,
        users.c.theme,
        identities.c.revoked_at.label("identity_revoked_at"),
    )
    .join(users, users.c.id == sessions.c.user_id)
    .outerjoin(identities, identities.c.id == sessions.c.identity_id)
)


def _ends_at(row: RowMapping, now: float) -> float:
    """When the session ends if nobody uses it again; `now` where it is over already."""
    if row["revoked_at"] is not None or row["identity_revoked_at"] is not None:
        return now
    if row["status"] == Status.SUSPENDED:
        return now
    idle = REMEMBERED_IDLE if row["remember"] else UNREMEMBERED_IDLE
    return float(min(row["expires_at"], row["last_seen_at"] + idle))
