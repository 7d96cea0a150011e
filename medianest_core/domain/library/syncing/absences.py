"""Titles that are gone at a server and kept for an admin: which they are, and what the admin decides."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, select, update

from medianest_core.base.clock import Clock
from medianest_core.bus.events import LibraryChanged, SystemAlert
from medianest_core.bus.outbox import EventBus
from medianest_core.domain.library.reading.query import TitleRow, title_row
from medianest_core.domain.library.stored import sources
from medianest_core.domain.library.stored.priorities import load_priorities
from medianest_core.domain.library.syncing.absence import KEPT
from medianest_core.domain.library.syncing.runs import Runs, SyncArgs
from medianest_core.domain.library.writing import kept
from medianest_core.domain.library.writing.finalize import Batch, next_title_locked, remerge
from medianest_core.sdk.errors import NotFound
from medianest_core.sdk.events import Audience
from medianest_core.store.engine import Database, Tx
from medianest_core.store.repos.audit import record
from medianest_core.store.tables.library import libraries, library_sources, records, titles
from medianest_core.store.transaction import alone

HELD_LINK = "/admin/sync/matching?show=held"


@dataclass(frozen=True, slots=True)
class HeldLibrary:
    """held: records that are gone at once, waiting for an admin. kept: records that an admin kept although they are gone. released:
    an admin agreed, and the next complete listing lets them go."""

    instance_id: str
    key: str
    title: str
    held: int
    kept: int
    released: bool


class Absences:
    def __init__(self, db: Database, bus: EventBus, runs: Runs, clock: Clock) -> None:
        self._db = db
        self._bus = bus
        self._runs = runs
        self._clock = clock

    async def waiting(self) -> int:
        """How many records wait for an admin."""
        async with self._db.glance() as tx:
            return int(await tx.scalar(select(func.sum(libraries.c.held))) or 0)

    async def held(self) -> list[HeldLibrary]:
        """The libraries with titles that are gone, by instance and library."""
        counted = (
            select(library_sources.c.instance_id, records.c.library, func.count().label("kept"))
            .join(library_sources, library_sources.c.id == records.c.source)
            .where(records.c.missing == KEPT)
            .group_by(library_sources.c.instance_id, records.c.library)
        )
        async with self._db.read() as tx:
            stays = {(row[0], row[1]): int(row[2]) for row in (await tx.execute(counted)).all()}
            rows = await tx.all(
                select(libraries).order_by(libraries.c.instance_id, libraries.c.position, libraries.c.key)
            )
        return [
            HeldLibrary(
                row["instance_id"], row["key"], row["title"], row["held"], count, bool(row["released"])
            )
            for row in rows
            if (count := stays.get((row["instance_id"], row["key"]), 0)) or row["held"] or row["released"]
        ]

    async def titles(
        self, instance_id: str, library: str, *, kept: bool = False, limit: int = 50, after: int = 0
    ) -> list[TitleRow]:
        """Those of a library that wait for an admin (or that one kept): films and shows, by their numbers, after `after`."""
        missing = records.c.missing == KEPT if kept else records.c.missing > 0
        statement = (
            select(titles)
            .where(
                titles.c.id.in_(
                    select(records.c.title_id)
                    .join(library_sources, library_sources.c.id == records.c.source)
                    .where(_of(instance_id, library), missing)
                ),
                titles.c.level == 0,
                titles.c.id > after,
            )
            .order_by(titles.c.id)
            .limit(limit)
        )
        async with self._db.read() as tx:
            return [title_row(row) for row in await tx.all(statement)]

    async def remove(self, instance_id: str, library: str, actor: str | None) -> str:
        """They are gone: the next complete listing that lacks them lets them go, also those that were kept before. Returns the id
        of the job that reads it. Raises NotFound."""
        async with self._db.begin() as tx:
            await alone(tx, "library")
            await self._decided(tx, instance_id, library, released=True)
            await self._set(tx, instance_id, library, records.c.missing == KEPT, 1)
            await record(
                tx, actor=actor, action="library.released", target=f"{instance_id}/{library}", details={}
            )
            return await self._runs.request_in(tx, SyncArgs(instance_ids=(instance_id,)), actor, fresh=True)

    async def keep(self, instance_id: str, library: str, actor: str | None) -> int:
        """They stay, and nobody is asked again until the server lists them. Returns how many. Raises NotFound."""
        async with self._db.begin() as tx:
            await alone(tx, "library")
            title = await self._decided(tx, instance_id, library, released=False)
            count = await self._set(tx, instance_id, library, records.c.missing > 0, KEPT)
            await record(
                tx,
                actor=actor,
                action="library.kept",
                target=f"{instance_id}/{library}",
                details={"count": count},
            )
            alert = SystemAlert(
                key=f"library.held:{instance_id}:{library}",
                level="warning",
                title=title,
                message="",
                link=HELD_LINK,
                active=False,
            )
            await self._bus.publish(tx, alert, Audience.admins())
            return count

    async def fields_kept(self) -> int:
        """How many titles lost so many fields at once that what was said before stays until an admin agrees."""
        async with self._db.read() as tx:
            return await kept.stuck(tx)

    async def let_fields_go(self, actor: str | None) -> int:
        """Those fields are really gone. Returns how many titles."""
        async with self._db.begin() as tx:
            await alone(tx, "library")
            await next_title_locked(tx)
            found = await kept.let_go(tx)
            numbers = await sources.numbers(tx, ())
            batch = Batch(0, await load_priorities(tx), numbers, self._clock.now(), actor=actor)
            applied = await remerge(tx, batch, found)
            await record(
                tx, actor=actor, action="library.fields_cleared", target="*", details={"count": len(found)}
            )
            changed = LibraryChanged(changed=applied.changed, title_ids=[str(one) for one in applied.titles])
            await self._bus.publish(tx, changed, Audience.library())
            alert = SystemAlert(
                key="library.fields_kept", level="warning", title="", message="", link=HELD_LINK, active=False
            )
            await self._bus.publish(tx, alert, Audience.admins())
            return len(found)

    @staticmethod
    async def _decided(tx: Tx, instance_id: str, library: str, *, released: bool) -> str:
        this = (libraries.c.instance_id == instance_id) & (libraries.c.key == library)
        title = await tx.scalar(select(libraries.c.title).where(this))
        if title is None:
            raise NotFound("There is no such library.")
        values: dict[str, object] = {"released": True} if released else {"released": False, "held": 0}
        await tx.execute(update(libraries).where(this).values(**values))
        return str(title)

    @staticmethod
    async def _set(tx: Tx, instance_id: str, library: str, which: ColumnElement[bool], missing: int) -> int:
        source = select(library_sources.c.id).where(library_sources.c.instance_id == instance_id)
        done = await tx.execute(
            update(records)
            .where(records.c.source == source.scalar_subquery(), records.c.library == library, which)
            .values(missing=missing)
        )
        return int(done.rowcount)


def _of(instance_id: str, library: str) -> ColumnElement[bool]:
    return and_(library_sources.c.instance_id == instance_id, records.c.library == library)
