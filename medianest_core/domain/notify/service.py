"""Notifications: writes them into inboxes, in the transaction of what they are about, and tells people live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import delete, func, select, update
from sqlalchemy.engine import RowMapping

from medianest_core.base.clock import Clock, SystemClock
from medianest_core.base.ids import new_id, token_hash
from medianest_core.bus.events import UserNotification
from medianest_core.bus.outbox import EventBus
from medianest_core.domain.accounts.roles import ADMIN_ROLE
from medianest_core.domain.notify.kinds import kind_of
from medianest_core.domain.notify.outside import Outside
from medianest_core.domain.notify.wording import Translate, Wording
from medianest_core.sdk.events import Audience
from medianest_core.sdk.storage import Transaction
from medianest_core.store.engine import Database
from medianest_core.store.paging import mark, past
from medianest_core.store.tables.accounts import users
from medianest_core.store.tables.notify import notifications

KEPT = 180 * 86_400.0
"""Read ones are forgotten half a year after they came."""


_KEY = 120


@dataclass(frozen=True, slots=True)
class Notification:
    """One entry of an inbox, in the reader's language. link: path of the portal. Times: epoch seconds."""

    id: str
    kind: str
    title: str
    body: str
    tone: str
    icon: str
    link: str | None
    params: Mapping[str, Any]
    created_at: float
    read_at: float | None


@dataclass(frozen=True, slots=True)
class Inbox:
    items: Sequence[Notification]
    next_cursor: str | None
    unread: int


class Notifications:
    """outside: how people are told elsewhere too; None: nowhere but here."""

    def __init__(
        self,
        db: Database,
        bus: EventBus,
        *,
        clock: Clock | None = None,
        translate: Translate = lambda locale, message: message,
        outside: Outside | None = None,
    ) -> None:
        self._db = db
        self._bus = bus
        self._clock = clock or SystemClock()
        self._wording = Wording(translate)
        self._outside = outside

    @property
    def outside(self) -> Outside:
        """Channels, choices and deliveries."""
        assert self._outside is not None
        return self._outside

    async def notify(
        self,
        tx: Transaction,
        user_id: str,
        kind: str,
        params: Mapping[str, Any] | None = None,
        link: str | None = None,
        *,
        coalesce: str | None = None,
    ) -> str | None:
        """Put one into the person's inbox; returns its id.

        coalesce: while an unread one with this key is there, nothing happens and None is returned; so also for unknown people.
        """
        person = (
            (await tx.execute(select(users.c.id, users.c.locale).where(users.c.id == user_id)))
            .mappings()
            .first()
        )
        if person is None:
            return None
        coalesce = _short(coalesce) if coalesce is not None else None
        if coalesce is not None:
            there = select(notifications.c.id).where(
                notifications.c.user_id == user_id,
                notifications.c.coalesce_key == coalesce,
                notifications.c.read_at.is_(None),
            )
            if (await tx.execute(there.limit(1))).first() is not None:
                return None
        values = {
            "id": new_id(),
            "user_id": user_id,
            "kind": kind,
            "params": dict(params or {}),
            "link": link,
            "coalesce_key": coalesce or None,
            "created_at": self._clock.now(),
            "read_at": None,
        }
        await tx.execute(notifications.insert().values(**values))
        if self._outside is not None:
            await self._outside.planning.plan(tx, str(values["id"]), user_id, kind, params or {})
        shown = self._show(values, person["locale"] or "en")
        event = UserNotification(
            notification_id=shown.id,
            kind=kind,
            title=shown.title,
            body=shown.body,
            link=link or "",
            params=dict(shown.params),
            unread=await _unread(tx, user_id),
        )
        await self._bus.publish(tx, event, Audience.user(user_id))
        return shown.id

    async def notify_admins(
        self,
        tx: Transaction,
        kind: str,
        params: Mapping[str, Any] | None = None,
        link: str | None = None,
        *,
        coalesce: str | None = None,
    ) -> None:
        """The same for every active admin."""
        admins = await tx.execute(
            select(users.c.id).where(users.c.role == ADMIN_ROLE, users.c.status == "active")
        )
        for user_id in admins.scalars().all():
            await self.notify(tx, user_id, kind, params, link, coalesce=coalesce)

    async def settle(self, tx: Transaction, coalesce: str) -> None:
        """What the key stands for is over: unread ones of it count as read, for everyone."""
        await tx.execute(
            update(notifications)
            .where(notifications.c.coalesce_key == _short(coalesce), notifications.c.read_at.is_(None))
            .values(read_at=self._clock.now())
        )

    async def inbox(
        self,
        user_id: str,
        *,
        locale: str = "en",
        unread_only: bool = False,
        cursor: str | None = None,
        limit: int = 30,
    ) -> Inbox:
        """Newest first. cursor: `next_cursor` of the page before."""
        wanted = (
            select(notifications)
            .where(notifications.c.user_id == user_id)
            .order_by(notifications.c.created_at.desc(), notifications.c.id.desc())
        )
        if unread_only:
            wanted = wanted.where(notifications.c.read_at.is_(None))
        if cursor:
            wanted = wanted.where(past(cursor, notifications.c.created_at, notifications.c.id))
        async with self._db.read(one_moment=False) as tx:
            rows = await tx.all(wanted.limit(limit + 1))
            unread = await _unread(tx, user_id)
        items = [self._show(row, locale) for row in rows[:limit]]
        more = mark(items[-1].created_at, items[-1].id) if len(rows) > limit else None
        return Inbox(items, more, unread)

    async def unread(self, user_id: str) -> int:
        async with self._db.glance() as tx:
            return await _unread(tx, user_id)

    async def mark_read(self, user_id: str, ids: Sequence[str] | None = None) -> int:
        """Mark those of the person's notifications, or all of them. Returns how many are unread now."""
        async with self._db.begin() as tx:
            change = update(notifications).where(
                notifications.c.user_id == user_id, notifications.c.read_at.is_(None)
            )
            if ids is not None:
                change = change.where(notifications.c.id.in_(list(ids)[:500]))
            await tx.execute(change.values(read_at=self._clock.now()))
            await tx.execute(
                delete(notifications).where(
                    notifications.c.user_id == user_id,
                    notifications.c.created_at < self._clock.now() - KEPT,
                    notifications.c.read_at.is_not(None),
                )
            )
            return await _unread(tx, user_id)

    def _show(self, row: Mapping[str, Any] | RowMapping, locale: str) -> Notification:
        kind = kind_of(row["kind"])
        params = dict(cast("Mapping[str, Any]", row["params"]))
        title, body = self._wording.told(kind, params, locale)
        return Notification(
            id=row["id"],
            kind=row["kind"],
            title=title,
            body=body,
            tone=kind.tone,
            icon=kind.icon,
            link=row["link"],
            params=params,
            created_at=row["created_at"],
            read_at=row["read_at"],
        )


def _short(key: str) -> str:
    """What fits into the column, and is another for each key."""
    return key if len(key) <= _KEY else key[: _KEY - 33] + "~" + token_hash(key)[:32]


async def _unread(tx: Transaction, user_id: str) -> int:
    result = await tx.execute(
        select(func.count())
        .select_from(notifications)
        .where(notifications.c.user_id == user_id, notifications.c.read_at.is_(None))
    )
    return int(result.scalar() or 0)
