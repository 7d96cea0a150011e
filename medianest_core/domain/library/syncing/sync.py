"""The job `library.sync`: gathers from all sources at once and writes what changed, batch by batch.

One writer takes whatever the sources have ready. A source that fails, hangs or takes too long is named in the run's problems
and loses nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import func, select

from medianest_core.base.clock import Clock
from medianest_core.base.failpoints import failpoint
from medianest_core.base.logging import get_logger
from medianest_core.base.patience import bearing
from medianest_core.base.texts import N_
from medianest_core.bus.events import LibraryChanged, SyncEnded, SyncProgress, SystemAlert
from medianest_core.bus.outbox import EventBus
from medianest_core.domain.library.enriching.details import Details
from medianest_core.domain.library.enriching.enrich import Enrich
from medianest_core.domain.library.operations import operation_of
from medianest_core.domain.library.stored import sources
from medianest_core.domain.library.stored.bulk import chunks
from medianest_core.domain.library.stored.priorities import load_priorities
from medianest_core.domain.library.syncing.absences import HELD_LINK
from medianest_core.domain.library.syncing.gather import BATCH, NO_MEDIA, Problem
from medianest_core.domain.library.syncing.handover import Handover
from medianest_core.domain.library.syncing.known import stored_libraries
from medianest_core.domain.library.syncing.patience import watched
from medianest_core.domain.library.syncing.progress import InstanceProgress, RunProgress
from medianest_core.domain.library.syncing.rehearsal import Rehearsal
from medianest_core.domain.library.syncing.runs import Runs, SyncArgs
from medianest_core.domain.library.syncing.source_reader import GONE_BATCH, SourceReader
from medianest_core.domain.library.syncing.source_settings import SourceSchedule
from medianest_core.domain.library.syncing.targets import keys_of
from medianest_core.domain.library.syncing.work import Frame, Report, Work, write
from medianest_core.domain.library.writing import heap, kept
from medianest_core.domain.library.writing.finalize import Applied, Batch, next_title_locked, remerge
from medianest_core.domain.library.writing.pace import Pace
from medianest_core.host.instances import Handle, Instances
from medianest_core.sdk.errors import ProviderError
from medianest_core.sdk.events import Audience
from medianest_core.sdk.jobs import JobContext
from medianest_core.sdk.media import MediaSource
from medianest_core.store.engine import Database, Tx
from medianest_core.store.errors import DatabaseAway
from medianest_core.store.tables.library import library_sources, sync_changes, sync_runs, titles
from medianest_core.store.transaction import alone

_log = get_logger(__name__)
_CONFIRM_AFTER = 600.0
_TELL_EVERY = 3.0
_PROGRESS_EVERY = 0.25
_AT_ONCE = 600
"""Records of one transaction, where several sources bring some."""
_FEWEST = 100
"""Of one source in it, however many there are."""
_TIDY_EVERY = 10
"""Batches after which memory that became free goes back to the system."""
TRIES = 3
"""How often titles that could not be read are tried again by themselves."""
TRY_AFTER = 60.0
"""Seconds before the first of these; each further one waits four times as long."""


class Sync:
    """Runs syncs. One object per process; `run` is the job's handler."""

    def __init__(
        self,
        db: Database,
        bus: EventBus,
        instances: Instances,
        runs: Runs,
        details: Details,
        clock: Clock,
        enrich: Enrich,
        schedule: SourceSchedule,
    ) -> None:
        self._details = details
        self._enrich = enrich
        self._db = db
        self._bus = bus
        self._instances = instances
        self._runs = runs
        self._clock = clock
        self._schedule = schedule

    async def run(self, ctx: JobContext, args: SyncArgs) -> dict[str, Any]:
        """Returns the run's counts. Raises the first error where no source could be read."""
        async with ctx.begin() as tx:
            await alone(tx, "library")
            begun = await self._runs.begin(cast(Tx, tx), args, ctx.job_id)
        if begun is None:
            return {"joined": True}
        run_id, args = begun
        return await _Run(self, ctx, args, run_id).all()


class _Run:
    def __init__(self, sync: Sync, ctx: JobContext, args: SyncArgs, run_id: int) -> None:
        self._db = sync._db
        self._bus = sync._bus
        self._instances = sync._instances
        self._runs = sync._runs
        self._clock = sync._clock
        self._details = sync._details
        self._enrich = sync._enrich
        self._schedule = sync._schedule
        self.ctx = ctx
        self.args = args
        self.run_id = run_id
        self.report = Report()
        self.progress = RunProgress()
        self._handover = Handover()
        self._told = Applied()
        self._tell = Pace(_TELL_EVERY)
        self._show = Pace(_PROGRESS_EVERY)
        self._errors: list[Exception] = []
        self._rehearsal = Rehearsal() if args.dry_run else None
        self._counted = 0
        """Newest row of `sync_changes` whose operation has been counted."""

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
            keys = await keys_of(tx, self.args.titles)
        handles = self._handles()
        self.report.asked = len(handles)
        ids = [handle.instance.id for handle in handles]
        if self._rehearsal is None:
            async with self.ctx.begin() as writing:
                await alone(writing, "library")
                self._sources = await sources.numbers(cast(Tx, writing), ids)
        else:
            async with self._db.read() as tx:
                self._sources = await sources.numbers(tx, ())
        if self.args.titles is not None and not any(keys.get(one) for one in ids):
            self.report.problems.append(Problem("", None, N_("None of the servers has these titles.")))
        reading = sum(handle.instance.ready for handle in handles)
        self._frame = Frame(
            db=self._db,
            begin=self.ctx.begin,
            args=self.args,
            report=self.report,
            progress=self.progress,
            sources=self._sources,
            keys=keys,
            put=self._handover.put,
            batch=min(BATCH, max(_FEWEST, _AT_ONCE // max(1, reading))),
            step=self._step,
        )
        writer = asyncio.create_task(self._write_all())
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._stop_with(writer))
                readers = [group.create_task(self._source(handle)) for handle in handles]
                readers.append(group.create_task(self._forget_removed()))
                group.create_task(self._end_after(readers))
        except BaseExceptionGroup as errors:
            # What comes out of here is the writer's own failure, or the database's: sources keep theirs to themselves.
            raise errors.exceptions[0] from None
        finally:
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
        self._look_for_nothing(ids)
        if self._rehearsal is None:
            await self._settle()
        else:
            batch = Batch(self.run_id, self._priorities, dict(self._sources), self._clock.now())
            self.report.applied, self.report.would = await self._rehearsal.play(self._db, batch)

    def _look_for_nothing(self, listing: Sequence[str]) -> None:
        """Names what was asked for and is nowhere: most often it is mistyped. listing: ids of the servers that were read."""
        problems = self.report.problems
        # One that was removed is meant: its titles are forgotten.
        there = {info.id for info in self._instances.all()}
        for instance_id in self.args.instance_ids or ():
            if instance_id in there and instance_id not in listing:
                problems.append(Problem(instance_id, None, NO_MEDIA))
        seen = any(one.kinds for one in self.progress.instances.values())
        gone = bool(self.report.unconfirmed)
        if self.args.kinds and listing and not (seen or gone or self.args.recent or problems):
            kinds = ", ".join(self.args.kinds)
            message = N_("None of the servers lists anything of these kinds: {kinds}.").format(kinds=kinds)
            problems.append(Problem("", None, message))

    async def _settle(self) -> None:
        """Values that waited for a source to be asked, and were kept until then."""
        async with self._db.read() as reading:
            told = await self._runs.last_stuck(reading)
            if not told and not await kept.any_kept(reading):
                return
        async with self.ctx.begin() as transaction:
            await alone(transaction, "library")
            tx = cast(Tx, transaction)
            await next_title_locked(tx)
            priorities = await load_priorities(tx)
            changed = await kept.settle(tx, self.report.complete, priorities.off)
            if changed:
                numbers = await sources.numbers(tx, ())
                batch = Batch(self.run_id, priorities, numbers, self._clock.now())
                applied = await remerge(tx, batch, changed)
                self.report.applied += applied
                self._told += applied
            count = self.report.stuck = await kept.stuck(tx)
            if count > told or (told and not count):
                await self._tell_stuck(tx, count)

    async def _tell_stuck(self, tx: Tx, count: int) -> None:
        """Once, when there are more of them, and when there are none any more."""
        message = N_("{count} titles lost many fields at once. They are kept until an admin agrees.")
        await self._bus.publish(
            tx,
            SystemAlert(
                key="library.fields_kept",
                level="warning",
                title=N_("Titles lost much at once"),
                message=message.format(count=count) if count else "",
                link=HELD_LINK,
                active=count > 0,
            ),
            Audience.admins(),
        )

    async def _end_after(self, readers: list[asyncio.Task[None]]) -> None:
        try:
            await asyncio.gather(*readers)
        finally:
            # Also where a source ended its own task: nobody may wait for it.
            self._handover.end()

    @staticmethod
    async def _stop_with(writer: asyncio.Task[None]) -> None:
        """Ends all readers when the writer fails, so that none waits for ever until its work is taken."""
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
            settings = await self._schedule.of(instance.id)
            reader = SourceReader(
                self._frame, handle, shown, settings, runs=self._runs, bus=self._bus, clock=self._clock
            )
            with bearing(settings.borne):
                await watched(
                    reader.read(), reader.pulse, patience=settings.patience, longest=settings.longest
                )
        except DatabaseAway:
            # Not the source's fault: all of it is done again once there is room to write.
            raise
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

    # Writing

    async def _write_all(self) -> None:
        written = 0
        while works := await self._handover.take():
            if self._rehearsal is not None:
                for work in works:
                    self._rehearsal.keep(work)
                continue
            async with self.ctx.begin() as transaction:
                await alone(transaction, "library")
                tx = cast(Tx, transaction)
                # Not those of the run's beginning: an admin may have changed them since, and all titles were merged again.
                priorities = await load_priorities(tx)
                # Titles may have got records of a server that came to the portal meanwhile.
                self._sources.update(await sources.numbers(tx, ()))
                batch = Batch(self.run_id, priorities, self._sources, self._clock.now())
                self.report.written.update(work.instance_id for work in works if work.incoming)
                applied = await write(tx, batch, works)
                # Not kept until the next has come.
                works.clear()
                self.report.applied += applied
                self._told += applied
                if applied.changed or applied.removed:
                    await self._count_operations(tx)
                if self._tell.due():
                    await self._announce(tx)
            failpoint("library.written")
            written += 1
            if written % _TIDY_EVERY == 0:
                await asyncio.to_thread(heap.give_back)

    async def _count_operations(self, tx: Tx) -> None:
        """What the batch changed, by server, operation and kind of title."""
        mine = (sync_changes.c.run_id == self.run_id) & (sync_changes.c.id > self._counted)
        rows = await tx.execute(
            select(sync_changes.c.path, sync_changes.c.instance_id, titles.c.kind, func.count())
            .outerjoin(titles, titles.c.id == sync_changes.c.title_id)
            .where(mine)
            .group_by(sync_changes.c.path, sync_changes.c.instance_id, titles.c.kind)
        )
        for path, instance, kind, count in rows.all():
            name = operation_of(tuple(path))
            kinds = self.report.ops.setdefault(instance or "", {}).setdefault(name, {})
            kinds[kind or ""] = kinds.get(kind or "", 0) + count
            shown = self.progress.instances.get(instance or "")
            if shown is not None and self.args.ops is None:
                shown.changes[name] += count
        newest = await tx.scalar(select(func.max(sync_changes.c.id)).where(mine))
        self._counted = int(newest or self._counted)

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
            await alone(transaction, "library")
            tx = cast(Tx, transaction)
            await self._announce(tx)
            await self._runs.finish(
                tx,
                self.run_id,
                state=state,
                counts=counts,
                problems=[one.as_json() for one in self.report.problems],
                failed=self.report.unread,
            )
            if self.args.ops is None:
                # What was to change alone must not bring all the rest along.
                for instance_id in sorted(self.report.written):
                    await self._details.request(tx, instance_id)
                if self.report.written:
                    await self._enrich.request(tx)
            if state == "done" and self._rehearsal is None:
                await self._request_follow_ups(tx)
            await self._tell_end(tx, state)
            failpoint("library.closing")
        if state != "cancelled":
            await self._send()

    async def _tell_end(self, tx: Tx, state: str) -> None:
        """In the transaction that ends the run; a rehearsal tells nobody."""
        if self._rehearsal is not None:
            return
        run = await tx.one(select(sync_runs).where(sync_runs.c.id == self.run_id))
        applied, took = self.report.applied, self._clock.now() - (run["started_at"] or run["created_at"])
        await self._bus.publish(
            tx,
            SyncEnded(
                run_id=str(self.run_id),
                job_id=self.ctx.job_id,
                state=state,
                added=applied.added,
                changed=applied.changed,
                removed=applied.removed,
                problems=len(self.report.problems),
                seconds=round(took, 1),
                requested_by=run["requested_by"] or "",
            ),
            Audience.admins(),
        )

    async def _request_follow_ups(self, tx: Tx) -> None:
        """Another look at what is missing, and another try at what could not be read."""
        for instance_id in sorted(self.report.unconfirmed):
            again = SyncArgs(instance_ids=(instance_id,))
            await self._runs.request_in(tx, again, delay=_CONFIRM_AFTER)
        if self.args.tries >= TRIES:
            return
        for instance_id, keys in sorted(self.report.unread.items()):
            if keys and instance_id not in self.report.failed:
                retry = SyncArgs(
                    instance_ids=(instance_id,),
                    keys=tuple(sorted(set(keys))),
                    ops=self.args.ops,
                    tries=self.args.tries + 1,
                )
                await self._runs.request_in(tx, retry, delay=TRY_AFTER * 4**self.args.tries)

    async def _forget_removed(self) -> None:
        """Records of instances that are no longer configured go; what other sources say of their titles stays."""
        if not self.args.whole or self.args.dry_run or self.args.kinds or self.args.libraries:
            return
        configured = {info.id for info in self._instances.all()}
        async with self._db.read() as tx:
            rows = (await tx.execute(select(library_sources.c.instance_id, library_sources.c.id))).all()
        for instance_id, number in rows:
            wanted = self.args.instance_ids
            if instance_id in configured or (wanted is not None and instance_id not in wanted):
                continue
            self._sources[instance_id] = number
            stored = await stored_libraries(self._db, number)
            for part in chunks((key for one in stored.values() for key in one.digests), GONE_BATCH):
                await self._handover.put(Work(instance_id, gone=[(instance_id, key) for key in part]))
            async with self.ctx.begin() as writing:
                await alone(writing, "library")
                await sources.forget(cast(Tx, writing), instance_id)

    async def _step(self) -> None:
        """After each page: cancellation, and progress a few times a second."""
        self.ctx.check_cancelled()
        if self._show.due():
            await self._send()

    async def _send(self) -> None:
        done, total, left = self.progress.totals()
        facts = self.progress.facts()
        await self.ctx.progress(done, total, facts={"instances": facts, "eta": left})
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
