"""Accounts as rows: reading them, and the few things an admin or their owner may change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import available_timezones

from sqlalchemy import Select, and_, func, or_, select, update
from sqlalchemy.engine import RowMapping

from medianest_core.base.clock import Clock
from medianest_core.base.ids import new_id
from medianest_core.base.texts import N_
from medianest_core.bus.events import AccountChanged
from medianest_core.bus.outbox import EventBus
from medianest_core.domain.accounts.errors import Missing, NotAllowed
from medianest_core.domain.accounts.models import Status, User
from medianest_core.domain.accounts.roles import ADMIN_ROLE, ROLES, USER_ROLE
from medianest_core.domain.accounts.sessions import Sessions
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.events import Audience
from medianest_core.store.engine import Database, Tx
from medianest_core.store.errors import Stale
from medianest_core.store.paging import mark, past
from medianest_core.store.repos import audit, settings_history
from medianest_core.store.tables.accounts import users

THEMES = ("auto", "mn-dark", "mn-light")
_EDITABLE = frozenset({"display_name", "email", "locale", "timezone", "theme"})


@dataclass(frozen=True, slots=True)
class UserPage:
    """next_cursor: hand it back for the next page; None where this was the last."""

    users: Sequence[User]
    next_cursor: str | None
    total: int


def user_of(row: RowMapping) -> User:
    return User(
        **{name: row[name] for name in User.__dataclass_fields__ if name != "status"},
        status=Status(row["status"]),
    )


class Users:
    def __init__(self, db: Database, bus: EventBus, sessions: Sessions, clock: Clock) -> None:
        self._db = db
        self._bus = bus
        self._sessions = sessions
        self._clock = clock

    async def get(self, user_id: str) -> User:
        """Raises Missing."""
        async with self._db.read() as tx:
            return await self.read(tx, user_id)

    async def read(self, tx: Tx, user_id: str) -> User:
        """The same inside a transaction."""
        row = await tx.first(select(users).where(users.c.id == user_id))
        if row is None:
            raise Missing("There is no such account.")
        return user_of(row)

    async def list(
        self,
        *,
        status: Status | None = None,
        role: str | None = None,
        text: str = "",
        cursor: str | None = None,
        limit: int = 50,
    ) -> UserPage:
        """Newest first. text: part of a name or an e-mail address."""
        conditions = []
        if status is not None:
            conditions.append(users.c.status == status.value)
        if role is not None:
            conditions.append(users.c.role == role)
        if text:
            conditions.append(
                or_(
                    *(
                        column.icontains(text, autoescape=True)
                        for column in (users.c.username, users.c.display_name, users.c.email)
                    )
                )
            )
        page: Select[Any] = select(users).where(*conditions)
        if cursor is not None:
            page = page.where(past(cursor, users.c.created_at, users.c.id))
        async with self._db.read() as tx:
            rows = await tx.all(page.order_by(users.c.created_at.desc(), users.c.id.desc()).limit(limit + 1))
            total = await tx.scalar(select(func.count()).select_from(users).where(*conditions))
        found = [user_of(row) for row in rows[:limit]]
        more = mark(found[-1].created_at, found[-1].id) if len(rows) > limit else None
        return UserPage(found, more, int(total or 0))

    async def counts(self) -> Mapping[str, int]:
        """How many accounts there are by status."""
        async with self._db.read() as tx:
            rows = await tx.all(select(users.c.status, func.count().label("n")).group_by(users.c.status))
        return {status.value: 0 for status in Status} | {row["status"]: row["n"] for row in rows}

    async def insert(
        self,
        tx: Tx,
        *,
        username: str,
        role: str,
        status: Status,
        email: str | None = None,
        avatar: str | None = None,
        locale: str | None = None,
    ) -> User:
        """Make an account and tell the admins."""
        identifier = new_id()
        await tx.execute(
            users.insert().values(
                id=identifier,
                username=username[:100],
                display_name="",
                email=email,
                avatar=avatar,
                role=role,
                status=status.value,
                locale=locale,
                created_at=self._clock.now(),
                version=1,
            )
        )
        user = await self.read(tx, identifier)
        await self.announce(tx, user, "created")
        return user

    async def set_status(self, user_id: str, status: Status, version: int | None, actor: str | None) -> User:
        """Approve, suspend or take back. Raises Missing, Stale, NotAllowed."""
        return await self.change(user_id, version, actor, status=status)

    async def set_role(self, user_id: str, role: str, version: int | None, actor: str | None) -> User:
        """Change what they may do; their sessions end, since a session never changes its rights."""
        return await self.change(user_id, version, actor, role=role)

    async def edit(
        self, user_id: str, values: Mapping[str, Any], version: int | None, actor: str | None
    ) -> User:
        """Change display_name, email, locale, timezone or theme. Raises Missing, Stale, UserError. Empty text: not chosen."""
        return await self.change(user_id, version, actor, values=values)

    async def change(
        self,
        user_id: str,
        version: int | None,
        actor: str | None,
        *,
        values: Mapping[str, Any] | None = None,
        role: str | None = None,
        status: Status | None = None,
    ) -> User:
        """`edit`, `set_role` and `set_status` as one: all of it, or nothing."""
        clean = _clean(values) if values is not None else None
        if role is not None and role not in ROLES:
            raise UserError(N_("Choose one of {roles}.").format(roles=", ".join(ROLES)), "role")
        async with self._db.begin() as tx:
            user = await self.read(tx, user_id)
            changes = clean is not None or role not in (None, user.role) or status not in (None, user.status)
            if changes and version is not None and version != user.version:
                raise Stale(_values(user))
            if clean is not None:
                action = "user.edited" if actor != user_id else None
                user = await self._change(tx, user, clean, None, actor, action)
                await self.announce(tx, user, "edited")
            if role is not None and role != user.role:
                user = await self._change(tx, user, {"role": role}, None, actor, "user.role")
                await self._sessions.end_all(tx, user_id, "role changed")
                await self.announce(tx, user, "role")
            if status is not None and status is not user.status:
                user = await self._to_status(tx, user, status, actor)
        return user

    async def _to_status(self, tx: Tx, before: User, status: Status, actor: str | None) -> User:
        if status is Status.PENDING:
            raise NotAllowed("An account cannot become pending again; suspend it.")
        what = {Status.SUSPENDED: "suspended"}.get(
            status, "approved" if before.status is Status.PENDING else "reinstated"
        )
        user = await self._change(tx, before, {"status": status.value}, None, actor, f"user.{what}")
        if status is Status.SUSPENDED:
            await self._sessions.end_all(tx, user.id, "suspended")
        await self.announce(tx, user, what)
        return user

    async def remove(self, user_id: str, version: int | None, actor: str | None) -> None:
        """Delete the account with everything that hangs on it. Raises Missing, Stale, NotAllowed."""
        async with self._db.begin() as tx:
            user = await self.read(tx, user_id)
            if version is not None and version != user.version:
                raise Stale(_values(user))
            await self._sessions.end_all(tx, user_id, "removed")
            await tx.execute(users.delete().where(users.c.id == user_id))
            await settings_history.forget(tx, user_id)
            await self._keep_an_admin(tx, user)
            await audit.record(
                tx, actor=actor, action="user.removed", target=user_id, details={"username": user.username}
            )
            await self._bus.publish(
                tx,
                AccountChanged(user_id=user_id, what="removed", username=user.username),
                Audience.admins(),
            )

    async def signed_in(self, tx: Tx, user_id: str) -> None:
        """Note the time of a sign-in."""
        await tx.execute(update(users).where(users.c.id == user_id).values(last_login_at=self._clock.now()))

    async def announce(self, tx: Tx, user: User, what: str) -> None:
        """Tell the admins, and listeners, what became of an account."""
        await self._bus.publish(
            tx,
            AccountChanged(
                user_id=user.id,
                what=what,
                username=user.name,
                status=user.status.value,
                role=user.role,
            ),
            Audience.admins(),
        )
        tx.after_commit(lambda: self._sessions.forget(user.id))

    async def _change(
        self,
        tx: Tx,
        before: User,
        values: Mapping[str, Any],
        version: int | None,
        actor: str | None,
        action: str | None,
    ) -> User:
        expected = before.version if version is None else version
        result = await tx.execute(
            update(users)
            .where(users.c.id == before.id, users.c.version == expected)
            .values(**values, version=expected + 1)
        )
        if result.rowcount != 1:
            raise Stale(_values(before))
        after = await self.read(tx, before.id)
        await self._keep_an_admin(tx, before)
        if action is not None:
            await audit.record(
                tx,
                actor=actor,
                action=action,
                target=before.id,
                details={name: [getattr(before, name), getattr(after, name)] for name in values},
            )
        return after

    async def role_from_service(self, tx: Tx, user: User, *, admin: bool) -> User:
        """The role that a service gives the person. The last admin stays one: a group renamed there must not lock the portal."""
        role = ADMIN_ROLE if admin else USER_ROLE
        values: dict[str, Any] = {"role": role}
        if admin and user.status is Status.PENDING:
            values["status"] = Status.ACTIVE.value
        if role == user.role and len(values) == 1:
            return user
        if not admin and user.status is Status.ACTIVE:
            others = await tx.all(
                select(users.c.id)
                .where(
                    users.c.role == ADMIN_ROLE,
                    users.c.status == Status.ACTIVE.value,
                    users.c.id != user.id,
                )
                .with_for_update()
            )
            if not others:
                return user
        after = await self._change(tx, user, values, None, None, "user.role")
        await self._sessions.end_all(tx, user.id, "role changed")
        await self.announce(tx, after, "role")
        return after

    async def _keep_an_admin(self, tx: Tx, before: User) -> None:
        if before.role != ADMIN_ROLE or before.status is not Status.ACTIVE:
            return
        # The rows are locked where the database can, so that two admins cannot demote each other at once.
        left = await tx.all(
            select(users.c.id)
            .where(and_(users.c.role == ADMIN_ROLE, users.c.status == Status.ACTIVE.value))
            .with_for_update()
        )
        if not left:
            raise NotAllowed("This is the last admin. Make someone else an admin first.")


def _clean(values: Mapping[str, Any]) -> dict[str, Any]:
    """What may be edited, checked. Raises UserError."""
    clean = {name: (value or None) for name, value in values.items() if name in _EDITABLE}
    if "display_name" in clean:
        clean["display_name"] = (clean["display_name"] or "")[:100]
    if (zone := clean.get("timezone")) and zone not in available_timezones():
        raise UserError("This is no time zone we know.", "timezone")
    if (theme := clean.get("theme")) and theme not in THEMES:
        raise UserError("There is no such theme.", "theme")
    if (email := clean.get("email")) and (len(email) > 320 or "@" not in email):
        raise UserError("This is no e-mail address.", "email")
    return clean


def _values(user: User) -> dict[str, Any]:
    return {name: getattr(user, name) for name in User.__dataclass_fields__}
