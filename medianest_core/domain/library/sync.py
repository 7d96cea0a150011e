"""The job `library.sync`: gathers from all sources at once and writes what changed, batch by batch.

One writer takes the batches of all sources in turn. A source that fails is named in the run's problems and loses nothing.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from sys import intern
from typing import Any, cast

from sqlalchemy import select, update

from medianest_core.base.clock import Clock
from medianest_core.base.logging import get_logger
from medianest_core.bus.events import LibraryChanged, SyncProgress, SystemAlert
from medianest_core.bus.outbox import EventBus
from medianest_core.domain.library import heap, sources
from medianest_core.domain.library.absence import Known, judge
from medianest_core.domain.library.bulk import chunks
from medianest_core.domain.library.collections import CollectionReader
from medianest_core.domain.library.finalize import Applied, Batch, apply
from medianest_core.domain.library.gather import Gatherer, Listing, Pace, Problem
from medianest_core.domain.library.membership import Incoming, Place
from medianest_core.domain.library.priorities import load_priorities
from medianest_core.domain.library.progress import InstanceProgress, RunProgress
from medianest_core.domain.library.runs import Runs, SyncArgs
from medianest_core.host.instances import Handle, Instances
from medianest_core.sdk.errors import NotReady, ProviderError
from medianest_core.sdk.events import Audience
from medianest_core.sdk.jobs import JobContext
from medianest_core.sdk.media import SEASON, SHOW, Library, MediaCapability, MediaSource
from medianest_core.store.engine import Database, Tx
from medianest_core.store.tables.library import libraries, library_sources, records

_log = get_logger(__name__)
_CONFIRM_AFTER = 600.0
_TELL_EVERY = 3.0
_PROGRESS_EVERY = 0.25
_RECENT_MARGIN = 300.0
_QUEUE = 3
GONE_BATCH = 500
_PART = 5000


@dataclass(slots=True)
class Work:
    """One transaction's worth. mark, returned: keys whose count of misses changes."""

    instance_id: str
    incoming: list[Incoming] = field(default_factory=list)
    gone: list[Place] = field(default_factory=list)
    mark: list[str] = field(default_factory=list)
    returned: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Report:
    """What a run did; stored as its `counts`."""

    applied: Applied = field(default_factory=Applied)
    complete: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    failed: set[str] = field(default_factory=set)
    asked: int = 0
    unconfirmed: set[str] = field(default_factory=set)

    def counts(self, progress: RunProgress) -> dict[str, Any]:
        return {
            "added": self.applied.added,
            "changed": self.applied.changed,
            "removed": self.applied.removed,
            "complete": self.complete,
            "instances": {
                instance: {name: facts[name] for name in ("done", "changed", "unchanged", "state")}
                for instance, facts in progress.facts().items()
            },
        }


class Sync:
    """Runs syncs. One object per process; `run` is the job's handler."""

    def __init__(self, db: Database, bus: EventBus, instances: Instances, runs: Runs, clock: Clock) -> None:
        self._db = db
        self._bus = bus
        self._instances = instances
        self._runs = runs
        self._clock = clock

    async def run(self, ctx: JobContext, args: SyncArgs) -> dict[str, Any]:
        """Returns the run's counts. Raises the first error where no source could be read."""
        async with ctx.begin() as tx:
            run_id = await self._runs.begin(cast(Tx, tx), args, ctx.job_id)
        if run_id is None:
            return {"joined": True}
        return await _Run(self, ctx, args, run_id).all()


class _Run:
    def __init__(self, sync: Sync, ctx: JobContext, args: SyncArgs, run_id: int) -> None:
        self._db = sync._db
        self._bus = sync._bus
        self._instances = sync._instances
        self._runs = sync._runs
        self._clock = sync._clock
        self.ctx = ctx
        self.args = args
        self.run_id = run_id
        self.report = Report()
        self.progress = RunProgress()
        self._queue: asyncio.Queue[Work | None] = asyncio.Queue(_QUEUE)
        self._told = Applied()
        self._tell = Pace(_TELL_EVERY)
        self._show = Pace(_PROGRESS_EVERY)
        self._errors: list[Exception] = []

    async def all(self) -> dict[str, Any]:
        state = "failed"
        try:
            with heap.relaxed():
                await self._gather_and_write()
            state = "failed" if self.report.asked and len(self.report.failed) == self.report.asked else "done"
        except asyncio.CancelledError:
            state = "cancelled"
            raise
        except Exception as error:
            self.report.problems.append(Problem("", None, str(error)[:300]))
            raise
        finally:
            counts = self.report.counts(self.progress)
            await self._close(state, counts)
        if state == "failed":
            raise self._errors[0]
        return counts

    async def _gather_and_write(self) -> None:
        async with self._db.read() as tx:
            self._priorities = await load_priorities(tx)
        handles = self._handles()
        self.report.asked = len(handles)
        async with self.ctx.begin() as writing:
            self._sources = await sources.numbers(
                cast(Tx, writing), [handle.instance.id for handle in handles]
            )
        writer = asyncio.create_task(self._write_all())
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._stop_with(writer, group))
                readers = [group.create_task(self._source(handle)) for handle in handles]
                readers.append(group.create_task(self._forget_removed()))
                group.create_task(self._end_after(readers))
        except BaseExceptionGroup as errors:
            # What comes out of here is the writer's own failure: sources keep theirs to themselves.
            raise errors.exceptions[0] from None
        finally:
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)

    async def _end_after(self, readers: list[asyncio.Task[None]]) -> None:
        await asyncio.gather(*readers)
        await self._queue.put(None)

    @staticmethod
    async def _stop_with(writer: asyncio.Task[None], group: asyncio.TaskGroup) -> None:
        """Ends all readers when the writer fails, so that none waits for room in the queue for ever."""
        await writer

    def _handles(self) -> list[Handle[MediaSource]]:
        wanted = self.args.instance_ids
        return [
            handle
            for handle in self._instances.any(MediaSource)  # type: ignore[type-abstract]  # a key, not made
            if wanted is None or handle.instance.id in wanted
        ]

    # One source

    async def _source(self, handle: Handle[MediaSource]) -> None:
        instance = handle.instance
        shown = self.progress.of(instance.id, instance.title)
        try:
            if not instance.ready:
                raise NotReady(instance.reason or f"{instance.title} is not available.")
            shown.state = "listing"
            known = await self._known(instance.id)
            gatherer = Gatherer(
                instance.id,
                known,
                lambda incoming: self._queue.put(Work(instance.id, incoming)),
                shown,
                self._step,
                force=self.args.force,
            )
            if self.args.keys is not None:
                await self._titles(handle, gatherer, self.args.keys)
            else:
                await self._libraries(handle, gatherer, known, shown)
        except (ProviderError, TimeoutError) as error:
            self._fail(handle, shown, error)
        except Exception as error:
            _log.exception("a source could not be read", instance=instance.id)
            self._fail(handle, shown, error)
        else:
            shown.state = "done"
        await self._step()

    def _fail(self, handle: Handle[MediaSource], shown: InstanceProgress, error: Exception) -> None:
        message = str(error) or type(error).__name__
        shown.state, shown.message = "failed", message
        self.report.failed.add(handle.instance.id)
        self.report.problems.append(Problem(handle.instance.id, None, message))
        self._errors.append(error)

    async def _libraries(
        self,
        handle: Handle[MediaSource],
        gatherer: Gatherer,
        known: Mapping[str, Known],
        shown: InstanceProgress,
    ) -> None:
        found = list(await handle.api.libraries())
        await self._store_libraries(handle.instance.id, found)
        wanted = [one for one in found if self.args.libraries is None or one.key in self.args.libraries]
        collections = CollectionReader(self._db, self.ctx.begin, handle)
        errors: list[ProviderError] = []
        for library in wanted:
            try:
                if self.args.recent:
                    await self._recent(handle, gatherer, library)
                else:
                    await self._listing(handle, gatherer, library, known)
                    await collections.library(library.key)
            except ProviderError as error:
                errors.append(error)
                self.report.problems.append(Problem(handle.instance.id, library.key, str(error)))
                shown.message = str(error)
        if self.args.whole and self.args.libraries is None:
            await self._unlisted(handle, found, known)
        if errors and len(errors) == len(wanted):
            raise errors[0]

    async def _listing(
        self, handle: Handle[MediaSource], gatherer: Gatherer, library: Library, known: Mapping[str, Known]
    ) -> None:
        instance_id = handle.instance.id
        listing = await gatherer.library(library, handle.api.records(library))
        if listing.unreadable:
            self.report.problems.append(
                Problem(instance_id, library.key, f"{len(listing.unreadable)} records cannot be read.")
            )
        if not listing.complete:
            self.report.problems.append(
                Problem(
                    instance_id,
                    library.key,
                    f"The listing broke off: {len(listing.seen)} of {listing.total} titles came.",
                )
            )
            return
        await self._absent(instance_id, library.key, library.title, listing, known)
        await self._mark_complete(instance_id, library.key)

    async def _recent(self, handle: Handle[MediaSource], gatherer: Gatherer, library: Library) -> None:
        if not handle.can(MediaCapability.CHANGES):
            return
        since = await self._runs.last_complete(handle.instance.id, library.key)
        since = since if since is not None else self._clock.now() - 24 * 3600
        await gatherer.library(library, handle.api.changes(library, since - _RECENT_MARGIN))

    async def _titles(self, handle: Handle[MediaSource], gatherer: Gatherer, keys: tuple[str, ...]) -> None:
        incoming, gone = await gatherer.titles(handle.api, keys)
        if incoming:
            await self._queue.put(Work(handle.instance.id, incoming))
        if gone:
            # The next complete listing decides; this only makes it the second to say so.
            await self._queue.put(Work(handle.instance.id, mark=gone))
            self.report.unconfirmed.add(handle.instance.id)
        groups = {one.record.library for one in incoming if one.record.kind in (SHOW, SEASON)}
        if groups and handle.can(MediaCapability.CHANGES):
            for library in await handle.api.libraries():
                if library.key in groups:
                    await self._recent(handle, gatherer, library)

    async def _absent(
        self,
        instance_id: str,
        library: str,
        title: str,
        listing: Listing,
        known: Mapping[str, Known],
    ) -> None:
        if listing.returned:
            await self._queue.put(Work(instance_id, returned=listing.returned))
        mine = {key: one for key, one in known.items() if one.library == library}
        released, held = await self._release_of(instance_id, library)
        absence = judge(mine, listing.seen, released=released)
        if absence.mark:
            await self._queue.put(Work(instance_id, mark=list(absence.mark)))
            self.report.unconfirmed.add(instance_id)
        for part in chunks(absence.remove, GONE_BATCH):
            await self._queue.put(Work(instance_id, gone=[(instance_id, key) for key in part]))
        if absence.held != held or released:
            await self._hold(instance_id, library, title, absence.held)

    async def _unlisted(
        self, handle: Handle[MediaSource], found: list[Library], known: Mapping[str, Known]
    ) -> None:
        """Libraries that the server no longer names: all their titles are absent, so an admin decides."""
        named = {one.key for one in found}
        for library in {one.library for one in known.values()} - named:
            await self._absent(handle.instance.id, library, library, Listing(), known)

    async def _known(self, instance_id: str) -> dict[str, Known]:
        """Read in parts, so that rows and result are not in memory twice."""
        source = self._sources[instance_id]
        statement = (
            select(records.c.key, records.c.digest, records.c.library, records.c.parent, records.c.missing)
            .order_by(records.c.key)
            .limit(_PART)
        )
        known: dict[str, Known] = {}
        after = ""
        async with self._db.read() as tx:
            while True:
                part = statement.where(records.c.source == source, records.c.key > after)
                rows = (await tx.execute(part)).all()
                for key, digest, library, parent, missing in rows:
                    # Thousands of records share their library and their parent.
                    known[key] = Known(digest, intern(library), intern(parent) if parent else None, missing)
                if len(rows) < _PART:
                    return known
                after = rows[-1][0]

    # Writing

    async def _write_all(self) -> None:
        while (work := await self._queue.get()) is not None:
            batch = Batch(self.run_id, self._priorities, self._sources, self._clock.now())
            async with self.ctx.begin() as transaction:
                tx = cast(Tx, transaction)
                if work.incoming or work.gone:
                    applied = await apply(tx, batch, work.incoming, work.gone)
                    self.report.applied += applied
                    self._told += applied
                source = self._sources[work.instance_id]
                await _count_misses(tx, source, work.mark, records.c.missing + 1)
                await _count_misses(tx, source, work.returned, 0)
                if self._tell.due():
                    await self._announce(tx)

    async def _announce(self, tx: Tx) -> None:
        news, self._told = self._told, Applied()
        if news.added or news.changed or news.removed:
            await self._bus.publish(
                tx,
                LibraryChanged(
                    run_id=str(self.run_id),
                    added=news.added,
                    changed=news.changed,
                    removed=news.removed,
                    title_ids=[str(title) for title in news.titles],
                ),
                Audience.library(),
            )

    async def _close(self, state: str, counts: dict[str, Any]) -> None:
        async with self.ctx.begin() as transaction:
            tx = cast(Tx, transaction)
            await self._announce(tx)
            await self._runs.finish(
                tx,
                self.run_id,
                state=state,
                counts=counts,
                problems=[one.as_json() for one in self.report.problems],
            )
            for instance_id in sorted(self.report.unconfirmed):
                if state == "done":
                    again = SyncArgs(instance_ids=(instance_id,))
                    await self._runs.request_in(tx, again, delay=_CONFIRM_AFTER)

    async def _store_libraries(self, instance_id: str, found: list[Library]) -> None:
        async with self._db.read() as reading:
            changed = await sources.library_changes(reading, instance_id, found)
        if changed:
            async with self.ctx.begin() as tx:
                await sources.store_libraries(cast(Tx, tx), instance_id, changed, found)

    async def _mark_complete(self, instance_id: str, library: str) -> None:
        self.report.complete.append(f"{instance_id}/{library}")
        async with self._db.read() as tx:
            first = await tx.scalar(
                select(libraries.c.first_complete_at).where(
                    libraries.c.instance_id == instance_id, libraries.c.key == library
                )
            )
        if first is None:
            async with self.ctx.begin() as writing:
                now = self._clock.now()
                await writing.execute(
                    update(libraries)
                    .where(libraries.c.instance_id == instance_id, libraries.c.key == library)
                    .values(first_complete_at=now)
                )
                await writing.execute(
                    update(library_sources)
                    .where(
                        library_sources.c.instance_id == instance_id,
                        library_sources.c.first_complete_at.is_(None),
                    )
                    .values(first_complete_at=now)
                )

    async def _release_of(self, instance_id: str, library: str) -> tuple[bool, int]:
        async with self._db.read() as tx:
            row = await tx.first(
                select(libraries.c.released, libraries.c.held).where(
                    libraries.c.instance_id == instance_id, libraries.c.key == library
                )
            )
        return (bool(row["released"]), int(row["held"])) if row else (False, 0)

    async def _hold(self, instance_id: str, library: str, title: str, held: int) -> None:
        async with self.ctx.begin() as tx:
            await tx.execute(
                update(libraries)
                .where(libraries.c.instance_id == instance_id, libraries.c.key == library)
                .values(held=held, released=False)
            )
            await self._bus.publish(
                tx,
                SystemAlert(
                    key=f"library.held:{instance_id}:{library}",
                    level="warning",
                    title=title,
                    message=f"{held} titles of {title} are gone at once. They are kept until an admin agrees."
                    if held
                    else "",
                    link=f"/admin/services/{instance_id}",
                    active=held > 0,
                ),
                Audience.admins(),
            )

    async def _forget_removed(self) -> None:
        """Records of instances that are no longer configured go; what other sources say of their titles stays."""
        if not self.args.whole:
            return
        configured = {info.id for info in self._instances.all()}
        async with self._db.read() as tx:
            rows = (await tx.execute(select(library_sources.c.instance_id, library_sources.c.id))).all()
        for instance_id, number in rows:
            wanted = self.args.instance_ids
            if instance_id in configured or (wanted is not None and instance_id not in wanted):
                continue
            self._sources[instance_id] = number
            known = await self._known(instance_id)
            for part in chunks(known, GONE_BATCH):
                await self._queue.put(Work(instance_id, gone=[(instance_id, key) for key in part]))
            async with self.ctx.begin() as writing:
                await sources.forget(cast(Tx, writing), instance_id)

    async def _step(self) -> None:
        """After each page: cancellation, and progress a few times a second."""
        self.ctx.check_cancelled()
        if not self._show.due():
            return
        done, total, left = self.progress.totals()
        facts = self.progress.facts()
        await self.ctx.progress(done, total, facts={"instances": facts})
        await self._bus.send(
            SyncProgress(
                run_id=str(self.run_id),
                job_id=self.ctx.job_id,
                done=done,
                total=total,
                eta=left,
                instances=facts,
            ),
            Audience.admins(),
        )


async def _count_misses(tx: Tx, source: int, keys: list[str], value: Any) -> None:
    grouped: dict[int, list[str]] = defaultdict(list)
    grouped[source] = keys
    for part in chunks(keys):
        await tx.execute(
            update(records).where(records.c.source == source, records.c.key.in_(part)).values(missing=value)
        )
