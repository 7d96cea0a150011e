"""Subscriptions to channels and playlists: what is new there is downloaded by itself, for the person who subscribed.

A subscription is looked at when it is due, by one job at a time. New items become an ordinary download of the person, which counts
against their submissions; an item that was ever part of one of their downloads, or there before, is never submitted again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from sqlalchemy import delete, select, update
from sqlalchemy.engine import RowMapping

from medianest_core.base.clock import Clock
from medianest_core.base.ids import new_id
from medianest_core.base.texts import N_
from medianest_core.domain.accounts.errors import Missing
from medianest_core.domain.downloads.entries import TooManySubmissions
from medianest_core.domain.downloads.filters import Wanted, check, choose, dates
from medianest_core.domain.downloads.keeping import Keeping, remember
from medianest_core.domain.downloads.submission import Submission, Wish
from medianest_core.ledger.enqueue import Ledger
from medianest_core.sdk.downloads import Inspection
from medianest_core.sdk.errors import ProviderError, UserError
from medianest_core.sdk.jobs import Job, JobContext, Retry, Schedule
from medianest_core.sdk.permissions import OWNER
from medianest_core.sdk.routes import Viewer
from medianest_core.store.engine import Database, Tx
from medianest_core.store.errors import Stale
from medianest_core.store.repos import audit
from medianest_core.store.tables.accounts import users
from medianest_core.store.tables.downloads import (
    download_items,
    download_subscription_known,
    download_subscriptions,
)

DUE, LOOK, KEEP = "downloads.subscriptions", "downloads.subscription", "downloads.subscription_keep"
LOOK_EVERY = 300.0
"""Seconds between two rounds that ask which subscriptions are due."""
KEEP_EVERY = 900.0
"""Seconds between two rounds that remove what is not kept: between looks things finish, and days pass."""
MOST = 100
_AGAIN = 900.0
"""Seconds after which one that failed is looked at again; twice as many with each further failure, up to a day."""
_WISHES = tuple(field.name for field in dataclasses.fields(Wanted))


class DueArgs(BaseModel):
    """Nothing to choose."""


class LookArgs(BaseModel):
    subscription_id: str


class KeepArgs(BaseModel):
    """subscription_id: "" for all."""

    subscription_id: str = ""


@dataclass(frozen=True, slots=True)
class Subscription:
    """due_at: of the next look; None while it is paused. last_at: of the last look that worked. newest_at: of the last one that found
    something. error: what went wrong since, in plain words; "" for nothing."""

    id: str
    user_id: str
    instance_id: str
    name: str
    kind: str
    wanted: Wanted
    paused_at: float | None
    due_at: float | None
    last_at: float | None
    newest_at: float | None
    error: str
    version: int
    created_at: float


class Following:
    def __init__(
        self,
        db: Database,
        ledger: Ledger,
        submission: Submission,
        keeping: Keeping,
        clock: Clock,
    ) -> None:
        self._db = db
        self._ledger = ledger
        self._submission = submission
        self._keeping = keeping
        self._clock = clock

    def jobs(self) -> list[Job[Any]]:
        return [
            Job(
                DUE,
                self._due,
                DueArgs,
                title=N_("Look for new videos"),
                schedule=Schedule(every=LOOK_EVERY),
                unique_by=lambda args: "all",
            ),
            Job(
                LOOK,
                self._look,
                LookArgs,
                title=N_("Look at a subscription"),
                # A look that fails is due again by its own time.
                retry=Retry(attempts=2),
                unique_by=lambda args: args.subscription_id,
                limit=2,
                policy=OWNER,
            ),
            Job(
                KEEP,
                self._keep,
                KeepArgs,
                title=N_("Remove what subscriptions do not keep"),
                schedule=Schedule(every=KEEP_EVERY),
                unique_by=lambda args: args.subscription_id or "all",
                policy=OWNER,
            ),
        ]

    async def add(self, viewer: Viewer, wanted: Wanted) -> Subscription:
        """Subscribe, and look for the first time soon. Raises UserError, NotReady and other ProviderErrors."""
        check(wanted)
        instance_id, found = await self._submission.look(wanted.url)
        if found.kind == "video":
            raise UserError("This is a single video. Give the address of a channel or a playlist.", "url")
        self._submission.check(instance_id, Wish(wanted.quality, wanted.container))
        now, identifier = self._clock.now(), new_id()
        async with self._db.begin() as tx:
            mine = await tx.all(
                select(download_subscriptions.c.url).where(download_subscriptions.c.user_id == viewer.id)
            )
            if len(mine) >= MOST:
                raise UserError(N_("You have {count} subscriptions already.").format(count=MOST), "url")
            if found.url in {row["url"] for row in mine}:
                raise UserError("You have subscribed to this already.", "url")
            await tx.execute(
                download_subscriptions.insert().values(
                    id=identifier,
                    user_id=viewer.id,
                    instance_id=instance_id,
                    url=found.url,
                    name=found.title[:500] or found.url,
                    kind=found.kind,
                    wishes=_stored(wanted),
                    due_at=now,
                    error="",
                    failures=0,
                    version=1,
                    created_at=now,
                )
            )
            if not wanted.earlier:
                await remember(tx, identifier, [one.key for one in found.items])
            await self._enqueue(tx, identifier, viewer.id)
            await audit.record(
                tx,
                actor=viewer.id,
                action="subscription.added",
                target=identifier,
                details={"url": found.url},
            )
        return await self.get(viewer, identifier)

    async def list(self, viewer: Viewer) -> list[Subscription]:
        """The viewer's own, by name."""
        async with self._db.read() as tx:
            rows = await tx.all(
                select(download_subscriptions)
                .where(download_subscriptions.c.user_id == viewer.id)
                .order_by(download_subscriptions.c.name, download_subscriptions.c.id)
            )
        return [_subscription(row) for row in rows]

    async def get(self, viewer: Viewer, identifier: str) -> Subscription:
        """Raises Missing for one that is not the viewer's."""
        async with self._db.read() as tx:
            return _subscription(await self._row(tx, viewer, identifier))

    async def change(self, viewer: Viewer, identifier: str, wanted: Wanted, version: int) -> None:
        """Other wishes; the address stays. Raises UserError, Missing, Stale."""
        check(wanted)
        async with self._db.begin() as tx:
            row = await self._row(tx, viewer, identifier)
            self._submission.check(row["instance_id"], Wish(wanted.quality, wanted.container))
            due = (
                None
                if row["paused_at"] is not None
                else min(row["due_at"] or 0.0, self._clock.now() + wanted.every)
            )
            await self._change(tx, viewer, row, version, "changed", wishes=_stored(wanted), due_at=due)
            await self._ledger.enqueue(tx, KEEP, KeepArgs(subscription_id=identifier), owner=row["user_id"])

    async def beyond(self, viewer: Viewer, identifier: str, wanted: Wanted) -> Sequence[str]:
        """Titles of the videos that would be removed at once with these wishes, the newest first. Raises UserError, Missing."""
        check(wanted)
        return await self._keeping.beyond((await self.get(viewer, identifier)).id, wanted)

    async def pause(self, viewer: Viewer, identifier: str, paused: bool, version: int) -> None:
        """Hold it still, or let it go on: then it is looked at soon, and what came meanwhile is fetched. Raises Missing, Stale."""
        now = self._clock.now()
        async with self._db.begin() as tx:
            row = await self._row(tx, viewer, identifier)
            values = {"paused_at": now, "due_at": None} if paused else {"paused_at": None, "due_at": now}
            await self._change(
                tx, viewer, row, version, "paused" if paused else "resumed", failures=0, error="", **values
            )
            if not paused:
                await self._enqueue(tx, identifier, row["user_id"])

    async def look_now(self, viewer: Viewer, identifier: str) -> None:
        """Raises Missing; UserError while it is paused."""
        async with self._db.begin() as tx:
            row = await self._row(tx, viewer, identifier)
            if row["paused_at"] is not None:
                raise UserError("It is paused. Let it go on first.")
            await tx.execute(
                update(download_subscriptions)
                .where(download_subscriptions.c.id == identifier)
                .values(due_at=self._clock.now())
            )
            await self._enqueue(tx, identifier, row["user_id"])

    async def remove(self, viewer: Viewer, identifier: str) -> None:
        """Unsubscribe; what was downloaded stays. Raises Missing."""
        async with self._db.begin() as tx:
            row = await self._row(tx, viewer, identifier)
            await tx.execute(delete(download_subscriptions).where(download_subscriptions.c.id == identifier))
            await audit.record(
                tx,
                actor=viewer.id,
                action="subscription.removed",
                target=identifier,
                details={"url": row["url"]},
            )

    async def _due(self, context: JobContext, args: DueArgs) -> dict[str, int]:
        async with self._db.begin() as tx:
            rows = await tx.all(
                select(download_subscriptions.c.id, download_subscriptions.c.user_id)
                .join(users, users.c.id == download_subscriptions.c.user_id)
                .where(
                    users.c.status == "active",
                    download_subscriptions.c.paused_at.is_(None),
                    download_subscriptions.c.due_at <= self._clock.now(),
                )
            )
            for row in rows:
                await self._enqueue(tx, row["id"], row["user_id"])
        return {"due": len(rows)}

    async def _look(self, context: JobContext, args: LookArgs) -> dict[str, int]:
        async with self._db.read() as tx:
            row = await tx.first(
                select(download_subscriptions, users.c.username, users.c.role)
                .join(users, users.c.id == download_subscriptions.c.user_id)
                .where(download_subscriptions.c.id == args.subscription_id, users.c.status == "active")
            )
        now = self._clock.now()
        if row is None or row["paused_at"] is not None or row["due_at"] > now:
            return {"new": 0}
        viewer = Viewer(row["user_id"], row["username"], row["role"], frozenset())
        try:
            new = await self._fetch(viewer, _subscription(row))
        except TooManySubmissions as full:
            # Not a failure: it goes on as soon as the person may submit again.
            await self._note(row["id"], due_at=max(full.retry_at, now + 1), error=str(full))
            return {"new": 0}
        except (ProviderError, UserError) as error:
            failures = row["failures"] + 1
            wait = min(86_400.0, _AGAIN * 2 ** min(failures - 1, 10))
            await self._note(row["id"], due_at=now + wait, error=str(error), failures=failures)
            return {"new": 0}
        done: dict[str, Any] = {"due_at": now + _subscription(row).wanted.every, "last_at": now}
        if new:
            done["newest_at"] = now
        await self._note(row["id"], error="", failures=0, **done)
        return {"new": new, "removed": await self._keeping.take_away(row["id"], _subscription(row).wanted)}

    async def _keep(self, context: JobContext, args: KeepArgs) -> dict[str, int]:
        """Without a subscription: of all that are not paused."""
        one = download_subscriptions.c.id == args.subscription_id
        going_on = download_subscriptions.c.paused_at.is_(None)
        async with self._db.read() as tx:
            rows = await tx.all(
                select(download_subscriptions).where(one if args.subscription_id else going_on)
            )
        removed = 0
        for row in rows:
            context.check_cancelled()
            removed += await self._keeping.take_away(row["id"], _subscription(row).wanted)
        return {"removed": removed}

    async def _fetch(self, viewer: Viewer, one: Subscription) -> int:
        _, found = await self._submission.look(one.wanted.url, one.instance_id, anew=True)
        known, had, now = await self._known(one, found), await self._keeping.dates(one.id), self._clock.now()
        chosen = choose(one.wanted, found, known, had, now)
        if chosen.passed:
            # Later it would look new, when there is room because something was removed by hand.
            async with self._db.begin() as tx:
                await remember(tx, one.id, chosen.passed)
        if not chosen.keys:
            return 0
        wish = Wish(
            one.wanted.quality,
            one.wanted.container,
            items=chosen.keys,
            subscription=one.id,
            dates=dates(found, set(chosen.keys), had, now),
        )
        made = await self._submission.submit(viewer, one.wanted.url, wish, one.instance_id)
        return len(chosen.keys) if made else 0

    async def _known(self, one: Subscription, found: Inspection) -> set[str]:
        """Keys that were there before, or that are part of a download of the person's, whatever became of it."""
        keys = [item.key for item in found.items]
        known: set[str] = set()
        async with self._db.read() as tx:
            for start in range(0, len(keys), 500):
                some = keys[start : start + 500]
                for table, mine in (
                    (download_items, download_items.c.user_id == one.user_id),
                    (
                        download_subscription_known,
                        download_subscription_known.c.subscription_id == one.id,
                    ),
                ):
                    rows = await tx.execute(select(table.c.key).where(mine, table.c.key.in_(some)))
                    known |= {row[0] for row in rows}
        return known

    async def _enqueue(self, tx: Tx, identifier: str, owner: str) -> None:
        await self._ledger.enqueue(tx, LOOK, LookArgs(subscription_id=identifier), owner=owner)

    async def _note(self, identifier: str, **values: Any) -> None:
        async with self._db.begin() as tx:
            await tx.execute(
                update(download_subscriptions)
                .where(
                    download_subscriptions.c.id == identifier, download_subscriptions.c.paused_at.is_(None)
                )
                .values(**values)
            )

    async def _row(self, tx: Tx, viewer: Viewer, identifier: str) -> RowMapping:
        """The viewer's own; an admin's may be anybody's."""
        wanted = select(download_subscriptions).where(download_subscriptions.c.id == identifier)
        if not viewer.is_admin:
            wanted = wanted.where(download_subscriptions.c.user_id == viewer.id)
        row = await tx.first(wanted)
        if row is None:
            raise Missing("There is no such subscription.")
        return row

    async def _change(
        self, tx: Tx, viewer: Viewer, row: RowMapping, version: int, action: str, **values: Any
    ) -> None:
        done = await tx.execute(
            update(download_subscriptions)
            .where(download_subscriptions.c.id == row["id"], download_subscriptions.c.version == version)
            .values(**values, version=version + 1)
        )
        if not done.rowcount:
            raise Stale({"version": row["version"], **row["wishes"]})
        await audit.record(tx, actor=viewer.id, action=f"subscription.{action}", target=row["id"])


def _stored(wanted: Wanted) -> dict[str, Any]:
    return {name: value for name, value in dataclasses.asdict(wanted).items() if name != "url"}


def _subscription(row: RowMapping) -> Subscription:
    wishes = {name: value for name, value in row["wishes"].items() if name in _WISHES}
    return Subscription(
        id=row["id"],
        user_id=row["user_id"],
        instance_id=row["instance_id"],
        name=row["name"],
        kind=row["kind"],
        wanted=Wanted(url=row["url"], **wishes),
        paused_at=row["paused_at"],
        due_at=row["due_at"],
        last_at=row["last_at"],
        newest_at=row["newest_at"],
        error=row["error"],
        version=row["version"],
        created_at=row["created_at"],
    )
