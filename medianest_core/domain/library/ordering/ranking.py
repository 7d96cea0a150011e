"""Changing the order of sources: shown before it is saved, saved with all orders before it, applied without asking any server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import orjson
from pydantic import BaseModel, ConfigDict
from sqlalchemy import delete, select, update

from medianest_core.base.clock import Clock
from medianest_core.base.texts import N_
from medianest_core.bus.events import LibraryChanged
from medianest_core.bus.outbox import EventBus
from medianest_core.domain.library.ordering.prospect import Prospect, prospect
from medianest_core.domain.library.stored import sources
from medianest_core.domain.library.stored.owned import of_several
from medianest_core.domain.library.stored.priorities import (
    GROUP_NAMES,
    Orders,
    load_orders,
    load_priorities,
    priorities_of,
    store_orders,
)
from medianest_core.domain.library.writing.finalize import Applied, Batch, next_title_locked, remerge
from medianest_core.host.instances import Instances
from medianest_core.ledger.enqueue import Ledger
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.events import Audience
from medianest_core.sdk.fields import FieldOwner
from medianest_core.sdk.jobs import Job, JobContext, Retry
from medianest_core.sdk.media import MediaSource
from medianest_core.store.engine import Database, Tx
from medianest_core.store.errors import Stale
from medianest_core.store.repos.audit import record
from medianest_core.store.tables.decisions import priority_versions
from medianest_core.store.tables.library import sync_runs
from medianest_core.store.tables.plugins import instances as instance_rows
from medianest_core.store.transaction import alone

JOB = "library.remerge"
MERGING = "merging"
KEPT = 100
"""Saved orders that are kept, for undoing."""
_OFF = "~off"
_PART = 300


class RemergeArgs(BaseModel):
    """version: of the orders."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int
    run: int


@dataclass(frozen=True, slots=True)
class Ranked:
    """The orders in force. version: 0 before any was saved. at, actor: of the last change. former: whether there is one to go back to.
    job_id: of the job that applied the last change."""

    orders: Orders
    version: int = 0
    at: float | None = None
    actor: str | None = None
    job_id: str | None = None
    former: bool = False


@dataclass(frozen=True, slots=True)
class Rankable:
    """An instance that can stand in the order. holds: it has titles itself; others only add to them."""

    id: str
    title: str
    plugin: str
    service: str
    enabled: bool
    holds: bool


class Ranking:
    """`jobs()` go into the job registry."""

    def __init__(
        self, db: Database, bus: EventBus, ledger: Ledger, instances: Instances, clock: Clock
    ) -> None:
        self._db = db
        self._bus = bus
        self._ledger = ledger
        self._instances = instances
        self._clock = clock

    def jobs(self) -> list[Job[Any]]:
        return [
            Job(
                JOB,
                self.run,
                RemergeArgs,
                title=N_("Merge again in the new order"),
                limit=1,
                retry=Retry(attempts=5, delay=5.0),
            )
        ]

    def rankable(self) -> list[Rankable]:
        """All instances that say something of titles, those that hold them first, by their titles."""
        found = []
        for info in self._instances.all():
            holds = self._instances.has(MediaSource, info.id)
            if holds or self._instances.has(FieldOwner, info.id):
                found.append(Rankable(info.id, info.title, info.plugin, info.service, info.enabled, holds))
        return sorted(found, key=lambda one: (not one.holds, one.title.casefold(), one.id))

    async def current(self) -> Ranked:
        async with self._db.read() as tx:
            return await self._current(tx)

    async def preview(self, orders: Orders) -> Prospect:
        """What these orders would change; nothing is written. Raises UserError for what is no order."""
        wanted = _checked(orders)
        async with self._db.read() as tx:
            present = await load_priorities(tx)
        return await prospect(self._db, present, replace(priorities_of(wanted), off=present.off))

    async def save(self, orders: Orders, version: int | None, actor: str | None) -> Ranked:
        """Store them and begin to merge again. version: as they were read; None for whatever it is.

        Raises Stale where they changed meanwhile, UserError for what is no order.
        """
        wanted = _checked(orders)
        async with self._db.begin() as tx:
            await alone(tx, "library")
            await next_title_locked(tx)
            present = await self._current(tx)
            if version is not None and version != present.version:
                raise Stale({"version": present.version, "orders": present.orders})
            if _same(wanted, present.orders):
                return present
            return await self._store(tx, wanted, present, actor, "library.priorities")

    async def undo(self, version: int | None, actor: str | None) -> Ranked:
        """Go back to the orders before the last change of them. Raises Stale; UserError where there are none."""
        async with self._db.begin() as tx:
            await alone(tx, "library")
            await next_title_locked(tx)
            present = await self._current(tx)
            if version is not None and version != present.version:
                raise Stale({"version": present.version, "orders": present.orders})
            rows = await tx.all(select(priority_versions).order_by(priority_versions.c.version.desc()))
            former = next(
                (found for row in rows if not _same(found := _orders(row["orders"]), present.orders)), {}
            )
            if not present.former:
                raise UserError(N_("There is no earlier order."))
            return await self._store(tx, former, present, actor, "library.priorities_undone")

    async def instances_changed(self) -> None:
        """Merge again where another set of instances is switched off than at the last time."""
        async with self._db.begin() as tx:
            await alone(tx, "library")
            await next_title_locked(tx)
            row = await tx.first(
                select(priority_versions).order_by(priority_versions.c.version.desc()).limit(1)
            )
            known = await sources.numbers(tx, ())
            off = [one for one in await _switched_off(tx) if one in known]
            before = list(row["orders"].get(_OFF, ())) if row is not None else []
            if off != before:
                present = await self._current(tx)
                await self._store(tx, present.orders, present, None, "library.priorities")

    async def run(self, ctx: JobContext, args: RemergeArgs) -> dict[str, Any]:
        """Returns {"changed": titles}. What is newer than `version` by now is applied as well, so a later job finds nothing to do."""
        done = Applied()
        state = "failed"
        try:
            several = of_several()
            async with self._db.read() as tx:
                wanted = sorted({int(row[0]) for row in (await tx.execute(several)).all()})
                actor = await tx.scalar(
                    select(priority_versions.c.actor).where(priority_versions.c.version == args.version)
                )
            for start in range(0, len(wanted), _PART):
                ctx.check_cancelled()
                async with ctx.begin() as transaction:
                    await alone(transaction, "library")
                    tx = cast(Tx, transaction)
                    # First of all, as syncs do: two that take the same rows in another order would wait for each other.
                    await next_title_locked(tx)
                    numbers = await sources.numbers(tx, ())
                    batch = Batch(
                        args.run, await load_priorities(tx), numbers, self._clock.now(), actor=actor
                    )
                    applied = await remerge(tx, batch, wanted[start : start + _PART])
                    done += applied
                    if applied.changed:
                        await self._bus.publish(
                            tx,
                            LibraryChanged(
                                run_id=str(args.run),
                                changed=applied.changed,
                                title_ids=[str(title) for title in applied.titles],
                            ),
                            Audience.library(),
                        )
                await ctx.progress(min(start + _PART, len(wanted)), len(wanted))
            state = "done"
        finally:
            async with ctx.begin() as closing:
                await alone(closing, "library")
                await closing.execute(
                    update(sync_runs)
                    .where(sync_runs.c.id == args.run)
                    .values(state=state, ended_at=self._clock.now(), counts={"changed": done.changed})
                )
        return {"changed": done.changed}

    async def _current(self, tx: Tx) -> Ranked:
        rows = await tx.all(select(priority_versions).order_by(priority_versions.c.version.desc()))
        orders = await load_orders(tx)
        if not rows:
            return Ranked(orders)
        last = rows[0]
        former = any(not _same(_orders(row["orders"]), orders) for row in rows)
        return Ranked(orders, last["version"], last["at"], last["actor"], last["job_id"], former)

    async def _store(self, tx: Tx, orders: Orders, present: Ranked, actor: str | None, action: str) -> Ranked:
        now, version = self._clock.now(), present.version + 1
        if present.version == 0:
            # What was before the first change, so that it can be undone.
            await tx.execute(
                priority_versions.insert().values(**_row(0, now, None, present.orders, [], None))
            )
        run = await self._open_run(tx, version, actor)
        await store_orders(tx, orders)
        job_id = await self._ledger.enqueue(tx, JOB, RemergeArgs(version=version, run=run), owner=actor)
        await tx.execute(update(sync_runs).where(sync_runs.c.id == run).values(job_id=job_id))
        off = [one for one in await _switched_off(tx) if one in await sources.numbers(tx, ())]
        await tx.execute(priority_versions.insert().values(**_row(version, now, actor, orders, off, job_id)))
        await tx.execute(delete(priority_versions).where(priority_versions.c.version <= version - KEPT))
        await record(
            tx,
            actor=actor,
            action=action,
            target=str(version),
            details={"before": _plain(present.orders), "after": _plain(orders)},
        )
        return Ranked(orders, version, now, actor, job_id, True)

    async def _open_run(self, tx: Tx, version: int, actor: str | None) -> int:
        """Its changes are a run's, so that they can be looked at and rolled back like those of a sync."""
        now = self._clock.now()
        made = await tx.execute(
            sync_runs.insert()
            .values(
                scope=orjson.dumps({"priorities": version}).decode(),
                forced=False,
                job_id="",
                state=MERGING,
                requested_by=actor,
                created_at=now,
                started_at=now,
                counts={},
                problems=[],
            )
            .returning(sync_runs.c.id)
        )
        return int(made.scalar_one())


def priorities_run(scope: str) -> int | None:
    """The version of the orders that a run applied; None for any other run."""
    return int(orjson.loads(scope)["priorities"]) if scope.startswith('{"priorities"') else None


async def _switched_off(tx: Tx) -> list[str]:
    rows = await tx.execute(select(instance_rows.c.id).where(instance_rows.c.enabled.is_(False)))
    return sorted(row[0] for row in rows.all())


def _row(
    version: int, at: float, actor: str | None, orders: Orders, off: Sequence[str], job_id: str | None
) -> dict[str, Any]:
    kept = {**_plain(orders), **({_OFF: list(off)} if off else {})}
    return {"version": version, "at": at, "actor": actor, "orders": kept, "job_id": job_id}


def _orders(stored: Mapping[str, Any]) -> dict[str, list[list[str]]]:
    return {group: ranks for group, ranks in stored.items() if group != _OFF}


def _plain(orders: Orders) -> dict[str, list[list[str]]]:
    return {group: [list(rank) for rank in ranks] for group, ranks in orders.items() if ranks}


def _same(one: Orders, other: Orders) -> bool:
    def form(orders: Orders) -> dict[str, list[list[str]]]:
        return {group: [sorted(rank) for rank in ranks] for group, ranks in _plain(orders).items()}

    return form(one) == form(other)


def _checked(orders: Orders) -> dict[str, list[list[str]]]:
    """Without empty ranks. Raises UserError for a group that there is not, and for an instance that stands in a group twice."""
    found = {}
    for group, ranks in orders.items():
        if group not in GROUP_NAMES:
            raise UserError(N_("There is no group of fields “{name}”.").format(name=group[:40]))
        named = [instance for rank in ranks for instance in rank]
        if len(named) != len(set(named)):
            raise UserError(N_("A source can stand in an order only once."))
        kept = [list(rank) for rank in ranks if rank]
        if kept:
            found[group] = kept
    return found
