"""The job `library.enrich`: asks field owners about the titles of the library, by the ids that servers gave them.

New titles first, then those that changed, then those not asked about for longest; a batch at a time, each stored when it has
come, so that a job that is stopped or killed goes on where it was. An owner that asks for a pause gets it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, cast

from pydantic import BaseModel, ConfigDict
from sqlalchemy import delete, select

from medianest_core.base.clock import Clock
from medianest_core.base.failpoints import failpoint
from medianest_core.base.logging import get_logger
from medianest_core.base.texts import N_
from medianest_core.bus.outbox import EventBus
from medianest_core.domain.library.stored import owned, sources
from medianest_core.domain.library.stored.priorities import load_priorities
from medianest_core.domain.library.writing.finalize import Batch, next_title_locked, remerge
from medianest_core.domain.library.writing.news import News
from medianest_core.domain.library.writing.turns import TURN, wait_for_turn
from medianest_core.host.instances import Handle, Instances
from medianest_core.ledger.enqueue import Ledger
from medianest_core.sdk.errors import AuthFailed, NotReady, ProviderError, RateLimited, RetryLater
from medianest_core.sdk.fields import FieldCapability, FieldOwner
from medianest_core.sdk.jobs import Job, JobContext, Retry, Schedule
from medianest_core.store.engine import Database, Tx
from medianest_core.store.tables.library import field_owners
from medianest_core.store.transaction import alone

JOB = "library.enrich"
QUEUE = "background"
BATCH = 50
PAUSE = 0.25
"""Seconds between two questions."""
EVERY = 3600.0
_FORGET = 500
_MARGIN = 300.0
_IDS_AT_ONCE = 100_000
_log = get_logger(__name__)


class EnrichArgs(BaseModel):
    """The owner to ask; empty: each of them, in a job of its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    instance_id: str = ""


class Enrich:
    """pause: seconds between two batches."""

    def __init__(
        self,
        db: Database,
        bus: EventBus,
        ledger: Ledger,
        instances: Instances,
        clock: Clock,
        *,
        pause: float = PAUSE,
    ) -> None:
        self._db = db
        self._bus = bus
        self._ledger = ledger
        self._instances = instances
        self._clock = clock
        self.pause = pause

    def jobs(self) -> list[Job[Any]]:
        return [
            Job(
                JOB,
                self.run,
                EnrichArgs,
                title=N_("Complete titles from other services"),
                limit=3,
                retry=Retry(attempts=5, delay=30.0, factor=3.0, longest=900.0),
                schedule=Schedule(every=EVERY),
                unique_by=lambda args: args.instance_id or "all",
                queue=QUEUE,
            )
        ]

    async def request(self, tx: Tx, instance_id: str = "") -> None:
        """Ask one owner, or each that is ready, what it knows of titles that are new or due."""
        wanted = [instance_id] if instance_id else [one.instance.id for one in self._owners(ready=True)]
        for one in wanted:
            await self._ledger.enqueue(tx, JOB, EnrichArgs(instance_id=one))

    async def request_now(self, instance_id: str) -> None:
        """`request` in a transaction of its own."""
        async with self._db.begin() as tx:
            await alone(tx, "library")
            await self.request(tx, instance_id)

    def _owners(self, *, ready: bool = False) -> list[Handle[FieldOwner]]:
        return self._instances.ready(FieldOwner) if ready else self._instances.any(FieldOwner)  # type: ignore[type-abstract]  # a key, not made

    def _owner(self, instance_id: str) -> Handle[FieldOwner] | None:
        return next((one for one in self._owners(ready=True) if one.instance.id == instance_id), None)

    async def run(self, ctx: JobContext, args: EnrichArgs) -> dict[str, Any]:
        """Returns {"asked", "probed", "changed": titles, "away": whether it stopped because the owner is away}; for all owners
        {"owners": how many}. Raises what the owner raised while it is there; batches before and after a failed one are stored."""
        if not args.instance_id:
            return await self._each(ctx)
        async with self._db.read() as tx:
            await wait_for_turn(tx, ctx, JOB)
        if args.instance_id not in {info.id for info in self._instances.all()}:
            return await _Forgetting(self, ctx, args.instance_id).run()
        if self._owner(args.instance_id) is None:
            return {"asked": 0, "probed": 0, "changed": 0, "away": True}
        return await _Asking(self, ctx, args.instance_id).run()

    async def _each(self, ctx: JobContext) -> dict[str, Any]:
        async with self._db.read() as tx:
            stored = await owned.owners_stored(tx)
        configured = {info.id for info in self._instances.all()}
        wanted = {one.instance.id for one in self._owners(ready=True)} | (stored.keys() - configured)
        async with ctx.begin() as writing:
            await alone(writing, "library")
            for instance_id in sorted(wanted):
                await ctx.enqueue(writing, JOB, EnrichArgs(instance_id=instance_id))
        return {"owners": len(wanted)}


class _Asking:
    """One job that asks one owner."""

    def __init__(self, enrich: Enrich, ctx: JobContext, instance_id: str) -> None:
        self._enrich = enrich
        self._db = enrich._db
        self._clock = enrich._clock
        self._ctx = ctx
        self._instance = instance_id
        self._news = News(enrich._bus, ctx)
        self._source = 0
        self._fields: Mapping[str, Sequence[str]] = {}
        self._asked = self._probed = self._changed = 0
        self._total = 0
        self._failed: ProviderError | None = None

    async def run(self) -> dict[str, Any]:
        handle = self._owner()
        if handle is None:
            return self._report(away=True)
        self._fields = {kind: tuple(names) for kind, names in handle.api.fields().items()}
        async with self._ctx.begin() as transaction:
            await alone(transaction, "library")
            tx = cast(Tx, transaction)
            self._source = (await sources.numbers(tx, [self._instance]))[self._instance]
            since = await self._since(tx, owned.reading_of(self._fields, handle.api.reading))
        try:
            await self._note_changes(handle, since)
            now = self._clock.now()
            async with self._db.read() as reading:
                self._total = await owned.count_due(reading, self._source, self._fields, now)
            there = await self._new() and await self._due(now)
        finally:
            await self._news.close()
        if self._failed is not None:
            raise self._failed
        return self._report(away=not there)

    def _owner(self) -> Handle[FieldOwner] | None:
        return self._enrich._owner(self._instance)

    def _report(self, *, away: bool) -> dict[str, Any]:
        return {"asked": self._asked, "probed": self._probed, "changed": self._changed, "away": away}

    async def _since(self, tx: Tx, reading: str) -> float | None:
        """Until when the owner has told what changed; None at the first time, when everything is asked about anyway. An owner that
        reads its answers otherwise than when it was asked is asked about everything again."""
        mine = field_owners.c.source == self._source
        row = await tx.first(select(field_owners).where(mine))
        if row is None:
            now = self._clock.now()
            await tx.execute(
                field_owners.insert().values(source=self._source, changes_at=now, reading=reading)
            )
            return None
        if row["reading"] != reading:
            # What was asked before this was kept is as good as what is asked now.
            if row["reading"] is not None:
                await owned.ask_all_again(tx, self._source)
            await tx.execute(field_owners.update().where(mine).values(reading=reading))
        return cast("float | None", row["changes_at"])

    async def _note_changes(self, handle: Handle[FieldOwner], since: float | None) -> None:
        """Titles that the owner itself says changed are due. One that cannot say so now loses nothing: it is asked next time."""
        if since is None or not handle.can(FieldCapability.CHANGES):
            return
        now, changed = self._clock.now(), set()
        try:
            async for ids in handle.api.changes(since - _MARGIN):
                changed |= {f"{provider}:{value}" for provider, value in ids.items()}
                if len(changed) > _IDS_AT_ONCE:
                    break
        except RateLimited as error:
            raise _pause(error) from error
        except ProviderError as error:
            _log.info("an owner does not say what changed", instance=self._instance, reason=str(error))
            return
        async with self._ctx.begin() as transaction:
            await alone(transaction, "library")
            tx = cast(Tx, transaction)
            if changed:
                await owned.ask_again_by_ids(tx, self._source, changed)
            await tx.execute(
                field_owners.update().where(field_owners.c.source == self._source).values(changes_at=now)
            )

    async def _new(self) -> bool:
        """False where the owner is away."""
        after = 0
        while True:
            async with self._db.read() as tx:
                asked = await owned.next_new(tx, self._source, self._fields, after, BATCH)
            if not asked:
                return True
            after = asked[-1].title_id
            if not await self._batch(asked):
                return False

    async def _due(self, now: float) -> bool:
        after = (-1.0, 0)
        while True:
            async with self._db.read() as tx:
                asked, after = await owned.next_due(tx, self._source, self._fields, now, after, BATCH)
            if not asked:
                return True
            if not await self._batch(asked):
                return False

    async def _batch(self, asked: Sequence[owned.Asked]) -> bool:
        """Ask about these titles and write down the answer. False where the owner is away."""
        handle = self._owner()
        if handle is None:
            return False
        try:
            report = await handle.api.report([one.key for one in asked])
        except RateLimited as error:
            raise _pause(error) from error
        except (NotReady, AuthFailed) as error:
            if self._owner() is None:
                return False
            raise NotReady(str(error)) from error
        except ProviderError as error:
            _log.info("an owner cannot answer now", instance=self._instance, reason=str(error))
            self._failed = self._failed or error
        else:
            failpoint("library.enriching")
            await self._store(handle, asked, report)
        self._asked += len(asked)
        await self._ctx.progress(self._asked, max(self._total, self._asked))
        self._ctx.check_cancelled()
        await asyncio.sleep(self._enrich.pause)
        return True

    async def _store(self, handle: Handle[FieldOwner], asked: Sequence[owned.Asked], report: Any) -> None:
        again = owned.AGAIN_TOLD if handle.can(FieldCapability.CHANGES) else owned.AGAIN
        async with self._ctx.begin() as transaction:
            await alone(transaction, "library")
            tx = cast(Tx, transaction)
            # First of all, as syncs do: two that take the same rows in another order would wait for each other.
            await next_title_locked(tx)
            now = self._clock.now()
            told = await owned.store(tx, self._source, asked, self._fields, report, now, again)
            if told.titles:
                numbers = await sources.numbers(tx, ())
                batch = Batch(0, await load_priorities(tx), numbers, now, untold=frozenset(told.first))
                applied = await remerge(tx, batch, told.titles)
                self._changed += applied.changed
                await self._news.add(tx, applied)
        self._probed += len(report.probed)


class _Forgetting:
    """One job that takes away what an owner said that is no longer configured."""

    def __init__(self, enrich: Enrich, ctx: JobContext, instance_id: str) -> None:
        self._enrich = enrich
        self._ctx = ctx
        self._instance = instance_id
        self._news = News(enrich._bus, ctx)

    async def run(self) -> dict[str, Any]:
        async with self._enrich._db.read() as reading:
            source = (await owned.owners_stored(reading)).get(self._instance)
        forgotten = changed = 0
        while source is not None:
            async with self._ctx.begin() as transaction:
                await alone(transaction, "library")
                tx = cast(Tx, transaction)
                await next_title_locked(tx)
                count, told = await owned.forget_some(tx, source, _FORGET)
                if not count:
                    await tx.execute(delete(field_owners).where(field_owners.c.source == source))
                    break
                numbers = await sources.numbers(tx, ())
                batch = Batch(0, await load_priorities(tx), numbers, self._enrich._clock.now())
                applied = await remerge(tx, batch, told)
                changed += applied.changed
                await self._news.add(tx, applied)
            forgotten += count
            await self._ctx.progress(forgotten)
            self._ctx.check_cancelled()
        await self._news.close()
        return {"forgotten": forgotten, "changed": changed}


def _pause(error: RateLimited) -> RetryLater:
    return RetryLater(N_("The server asks for a pause."), max(TURN, error.retry_after or 60.0))
