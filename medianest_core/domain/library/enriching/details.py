"""The job `library.details`: asks one source for everything it knows of the titles whose record changed since it was asked last.

A listing carries little of each title, and reading all of every title would take too long, so this happens afterwards, a batch
at a time. Each batch is stored when it has come: a job that is stopped goes on where it was. What fails keeps the listing's
values and is asked for again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, cast

from pydantic import BaseModel, ConfigDict

from medianest_core.base.clock import Clock
from medianest_core.base.logging import get_logger
from medianest_core.base.texts import N_
from medianest_core.bus.outbox import EventBus
from medianest_core.domain.library.stored import sources
from medianest_core.domain.library.stored.detail_rows import (
    BATCH,
    PASSES,
    Wanted,
    count_of,
    next_of,
    source_of,
    store,
    wanted_of,
)
from medianest_core.domain.library.stored.priorities import load_priorities
from medianest_core.domain.library.writing.finalize import Batch, next_title_locked, remerge
from medianest_core.domain.library.writing.news import News
from medianest_core.domain.library.writing.turns import TURN, wait_for_turn
from medianest_core.host.instances import Handle, Instances
from medianest_core.ledger.enqueue import Ledger
from medianest_core.sdk.errors import (
    AuthFailed,
    NotReady,
    ProviderError,
    RateLimited,
    RetryLater,
)
from medianest_core.sdk.jobs import Job, JobContext, Retry
from medianest_core.sdk.media import MediaCapability, MediaSource
from medianest_core.store.engine import Database, Tx
from medianest_core.store.tables.library import records
from medianest_core.store.transaction import alone

JOB = "library.details"
TITLE_JOB = "library.title_details"
QUEUE = "background"
PAUSE = 0.25
"""Seconds between two questions, so that the server has time for its viewers."""
_MOMENT = 30.0
_REMEMBERED = 500
_log = get_logger(__name__)


class DetailsArgs(BaseModel):
    """The instance to ask."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    instance_id: str


class TitleDetailsArgs(BaseModel):
    """keys: the source's own ids of the titles that someone looks at."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    instance_id: str
    keys: tuple[str, ...]


class Details:
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
        self._lately: dict[tuple[str, str], float] = {}

    def jobs(self) -> list[Job[Any]]:
        return [
            Job(
                JOB,
                self.run,
                DetailsArgs,
                title=N_("Read the details of titles"),
                limit=2,
                retry=Retry(attempts=5, delay=30.0, factor=3.0, longest=900.0),
                unique_by=lambda args: args.instance_id,
                queue=QUEUE,
            ),
            Job(
                TITLE_JOB,
                self.run_titles,
                TitleDetailsArgs,
                title=N_("Read the details of a title"),
                limit=4,
                retry=Retry(attempts=2, delay=5.0),
                unique_by=lambda args: f"{args.instance_id} {' '.join(args.keys)}",
            ),
        ]

    async def request(self, tx: Tx, instance_id: str) -> bool:
        """Read what is missing of a source, in the background. False where the source tells all in its listings."""
        if self._telling(instance_id) is None:
            return False
        await self._ledger.enqueue(tx, JOB, DetailsArgs(instance_id=instance_id))
        return True

    async def request_missing(self, instance_id: str) -> bool:
        """Like `request`, where something is missing."""
        if self._telling(instance_id) is None:
            return False
        async with self._db.read() as tx:
            source = await source_of(tx, instance_id)
            found = source is not None and any(
                [(await tx.execute(wanted_of(source, one).limit(1))).first() for one in PASSES]
            )
        if found:
            async with self._db.begin() as writing:
                await alone(writing, "library")
                await self.request(writing, instance_id)
        return found

    async def request_titles(self, missing: Mapping[str, Sequence[str]]) -> None:
        """Read these titles at once: instance id → keys. Sources that are away or have nothing to tell are passed over, and
        titles that were asked for a moment ago."""
        asked = [
            TitleDetailsArgs(instance_id=instance_id, keys=tuple(wanted[:BATCH]))
            for instance_id, keys in missing.items()
            if self._telling(instance_id, ready=True) is not None
            and (wanted := [key for key in keys if self._first_lately(instance_id, key)])
        ]
        if asked:
            async with self._db.begin() as tx:
                await alone(tx, "library")
                for args in asked:
                    await self._ledger.enqueue(tx, TITLE_JOB, args)

    def _first_lately(self, instance_id: str, key: str) -> bool:
        now = self._clock.now()
        if now - self._lately.get((instance_id, key), 0.0) < _MOMENT:
            return False
        if len(self._lately) >= _REMEMBERED:
            self._lately.clear()
        self._lately[(instance_id, key)] = now
        return True

    def _telling(self, instance_id: str, *, ready: bool = False) -> Handle[MediaSource] | None:
        """The source, if it tells more of a title than it lists."""
        found = self._instances.ready(MediaSource) if ready else self._instances.any(MediaSource)  # type: ignore[type-abstract]  # a key, not made
        return next(
            (one for one in found if one.instance.id == instance_id and one.can(MediaCapability.DETAILS)),
            None,
        )

    async def run(self, ctx: JobContext, args: DetailsArgs) -> dict[str, Any]:
        """Returns {"read": titles read, "changed": titles changed, "away": whether it stopped because the source is away}.

        Raises what the source raised while it is there; batches before and after a failed one are stored.
        """
        async with self._db.read() as tx:
            await wait_for_turn(tx, ctx, JOB)
            source = await source_of(tx, args.instance_id)
            total = 0 if source is None else await count_of(tx, source)
        reader = _Reader(self, ctx, args.instance_id)
        if source is None or self._telling(args.instance_id) is None:
            return reader.report(away=False)
        failed: ProviderError | None = None
        done = 0
        try:
            for condition in PASSES:
                after = ""
                while True:
                    handle = self._telling(args.instance_id, ready=True)
                    if handle is None:
                        return reader.report(away=True)
                    async with self._db.read() as tx:
                        wanted = await next_of(tx, source, condition, after, BATCH)
                    if not wanted:
                        break
                    after = wanted[-1].key
                    try:
                        await reader.batch(handle, source, wanted)
                    except RateLimited as error:
                        raise RetryLater(
                            N_("The server asks for a pause."), max(TURN, error.retry_after or 60.0)
                        ) from error
                    except (NotReady, AuthFailed) as error:
                        if self._telling(args.instance_id, ready=True) is None:
                            return reader.report(away=True)
                        raise NotReady(str(error)) from error
                    except ProviderError as error:
                        _log.info("details cannot be read now", instance=args.instance_id, reason=str(error))
                        failed = failed or error
                    done += len(wanted)
                    await ctx.progress(done, max(total, done))
                    ctx.check_cancelled()
                    await asyncio.sleep(self.pause)
        finally:
            await reader.news.close()
        if failed is not None:
            raise failed
        return reader.report(away=False)

    async def run_titles(self, ctx: JobContext, args: TitleDetailsArgs) -> dict[str, Any]:
        """Like `run`, for some titles."""
        handle = self._telling(args.instance_id, ready=True)
        reader = _Reader(self, ctx, args.instance_id)
        async with self._db.read() as tx:
            source = await source_of(tx, args.instance_id)
            if source is None or handle is None:
                return reader.report(away=handle is None)
            statement = wanted_of(source, records.c.key.in_(args.keys)).limit(BATCH)
            wanted = [Wanted(*row) for row in (await tx.execute(statement)).all()]
        if wanted:
            await reader.batch(handle, source, wanted)
            await reader.news.close()
        return reader.report(away=False)


class _Reader:
    """The batches of one job, and what they did."""

    def __init__(self, details: Details, ctx: JobContext, instance_id: str) -> None:
        self._clock = details._clock
        self._ctx = ctx
        self._instance = instance_id
        self.news = News(details._bus, ctx)
        self.read = 0
        self.changed = 0

    def report(self, *, away: bool) -> dict[str, Any]:
        return {"read": self.read, "changed": self.changed, "away": away}

    async def batch(self, handle: Handle[MediaSource], source: int, wanted: Sequence[Wanted]) -> None:
        """Ask for the details of these records, store them and merge their titles again. Raises ProviderErrors."""
        found = {one.key: one for one in await handle.api.details([one.key for one in wanted])}
        async with self._ctx.begin() as transaction:
            await alone(transaction, "library")
            tx = cast(Tx, transaction)
            # First of all, as syncs do: two that take the same rows in another order would wait for each other.
            await next_title_locked(tx)
            numbers = await sources.numbers(tx, ())
            if numbers.get(self._instance) != source:
                return
            stored = await store(tx, source, wanted, found)
            batch = Batch(
                0, await load_priorities(tx), numbers, self._clock.now(), untold=frozenset(stored.first)
            )
            if stored.titles:
                applied = await remerge(tx, batch, stored.titles)
                self.changed += applied.changed
                await self.news.add(tx, applied)
        self.read += len(found)
