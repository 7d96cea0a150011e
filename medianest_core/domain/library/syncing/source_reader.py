"""Reads one source during a run: its libraries whole, what changed lately, or single titles. It hands over work and writes no titles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from sqlalchemy import select, update

from medianest_core.base.clock import Clock
from medianest_core.base.texts import N_
from medianest_core.bus.events import SystemAlert
from medianest_core.bus.outbox import EventBus
from medianest_core.domain.library.reading.collections import CollectionReader
from medianest_core.domain.library.stored import sources
from medianest_core.domain.library.stored.bulk import chunks, select_rows
from medianest_core.domain.library.syncing.absence import KEPT, Known, judge
from medianest_core.domain.library.syncing.absences import HELD_LINK
from medianest_core.domain.library.syncing.gather import Gatherer, Listing, Problem
from medianest_core.domain.library.syncing.known import NOTHING, StoredLibrary, stored_libraries
from medianest_core.domain.library.syncing.narrow import Narrower
from medianest_core.domain.library.syncing.patience import Pulse
from medianest_core.domain.library.syncing.progress import InstanceProgress
from medianest_core.domain.library.syncing.runs import Runs
from medianest_core.domain.library.syncing.source_settings import SourceSettings
from medianest_core.domain.library.syncing.work import Frame, Work
from medianest_core.domain.library.writing.membership import Incoming
from medianest_core.host.instances import Handle
from medianest_core.sdk.errors import NotReady, ProviderError
from medianest_core.sdk.events import Audience
from medianest_core.sdk.media import EPISODE, MOVIE, SEASON, SHOW, Library, MediaCapability, MediaSource
from medianest_core.store.engine import Tx
from medianest_core.store.tables.library import libraries, library_sources, records
from medianest_core.store.transaction import alone

_RECENT_MARGIN = 300.0
GONE_BATCH = 500
_MOST_UNREAD = 500
_KNOWN = select(records.c.key, records.c.digest, records.c.library, records.c.parent, records.c.missing)
_WITHIN: Mapping[str, frozenset[str]] = {
    MOVIE: frozenset({MOVIE}),
    SHOW: frozenset({SHOW, SEASON, EPISODE}),
}
"""Kinds of records in a library of that kind, where that is certain."""


class SourceReader:
    """One source of one run."""

    def __init__(
        self,
        frame: Frame,
        handle: Handle[MediaSource],
        shown: InstanceProgress,
        settings: SourceSettings,
        *,
        runs: Runs,
        bus: EventBus,
        clock: Clock,
    ) -> None:
        self._frame = frame
        self._handle = handle
        self._instance = handle.instance.id
        self._shown = shown
        self._settings = settings
        self._runs = runs
        self._bus = bus
        self._clock = clock
        self.pulse = Pulse()
        self._narrower: Narrower | None = None
        self._stored: Mapping[str, StoredLibrary] = {}

    async def read(self) -> None:
        """All of it. Raises what the source raises where it does not answer as a whole."""
        instance, args = self._handle.instance, self._frame.args
        if not instance.ready:
            raise NotReady(instance.reason or N_("{title} is not available.").format(title=instance.title))
        self._shown.state = "listing"
        if not args.single:
            self._stored = await stored_libraries(self._frame.db, self._frame.sources.get(self._instance))
        if args.ops is not None:
            source = self._frame.sources.get(self._instance, 0)
            self._narrower = Narrower(self._frame.db, source, self._handle, args.ops, self._shown)
        gatherer = Gatherer(
            self._instance,
            self._hand,
            self._shown,
            self._step,
            force=args.force or args.ops is not None,
            kinds=args.kinds,
            at_once=self._settings.at_once,
            batch=self._frame.batch,
        )
        if args.single:
            await self._titles(gatherer, [*(args.keys or ()), *self._frame.keys.get(self._instance, ())])
        else:
            await self._libraries(gatherer)

    async def _step(self) -> None:
        self.pulse.beat()
        await self._frame.step()

    async def _put(self, work: Work) -> None:
        with self.pulse.ours():
            await self._frame.put(work)

    async def _hand(self, incoming: list[Incoming]) -> int:
        if self._narrower is None:
            count = len(incoming)
            await self._put(Work(self._instance, incoming))
            return count
        found = await self._narrower.batch(incoming)
        if found.unknown:
            self._problem(
                None, N_("{count} titles are not in the library yet.").format(count=len(found.unknown))
            )
        if found.incoming or found.details:
            await self._put(Work(self._instance, found.incoming, details=found.details))
        return len(found.incoming)

    def _problem(self, library: str | None, message: str) -> None:
        self._frame.report.problems.append(Problem(self._instance, library, message))

    # Libraries

    async def _libraries(self, gatherer: Gatherer) -> None:
        args = self._frame.args
        found = list(await self._handle.api.libraries())
        self.pulse.beat()
        if not args.dry_run:
            await self._store_libraries(found)
        wanted = [one for one in found if self._meant(one)]
        collections = CollectionReader(self._frame.db, self._frame.begin, self._handle)
        errors: list[ProviderError] = []
        for library in wanted:
            self._shown.section = library.title
            try:
                if args.recent:
                    await self._recent(gatherer, library)
                else:
                    await self._listing(gatherer, library)
                    if args.whole and not args.dry_run:
                        await collections.library(library.key)
                        self.pulse.beat()
            except ProviderError as error:
                errors.append(error)
                self._problem(library.key, str(error))
                self._shown.message = str(error)
        self._shown.section = ""
        if args.whole and args.libraries is None and args.kinds is None:
            await self._unlisted(found)
        if errors and len(errors) == len(wanted):
            raise errors[0]

    def _meant(self, library: Library) -> bool:
        args = self._frame.args
        if args.libraries is not None and library.key not in args.libraries:
            return False
        within = _WITHIN.get(library.kind)
        return args.kinds is None or within is None or not within.isdisjoint(args.kinds)

    def _all_kinds(self, library: Library) -> bool:
        """Whether every record of the library is meant, so that its absences can be judged."""
        kinds = self._frame.args.kinds
        return kinds is None or _WITHIN.get(library.kind, frozenset({""})) <= set(kinds)

    async def _listing(self, gatherer: Gatherer, library: Library) -> None:
        stored = self._stored.get(library.key, NOTHING)
        listing = await gatherer.library(library, stored, self._handle.api.records(library))
        if listing.unreadable:
            unread = self._frame.report.unread[self._instance]
            unread += listing.unreadable[: _MOST_UNREAD - len(unread)]
            self._problem(
                library.key, N_("{count} records cannot be read.").format(count=len(listing.unreadable))
            )
        if not listing.complete:
            self._problem(
                library.key,
                N_("The listing broke off: {seen} of {count} titles came.").format(
                    seen=listing.seen, count=listing.total
                ),
            )
            return
        if self._frame.args.whole and self._all_kinds(library):
            await self._absent(library.key, library.title, listing)
            if not self._frame.args.dry_run:
                await self._mark_complete(library.key)

    async def _recent(self, gatherer: Gatherer, library: Library) -> None:
        """Where the source cannot say what changed, its whole listing does; digests make that cheap."""
        if not self._handle.can(MediaCapability.CHANGES):
            await self._listing(gatherer, library)
            return
        since = await self._runs.last_complete(self._instance, library.key)
        since = since if since is not None else self._clock.now() - 24 * 3600
        stored = self._stored.get(library.key, NOTHING)
        await gatherer.library(library, stored, self._handle.api.changes(library, since - _RECENT_MARGIN))

    async def _absent(self, library: str, title: str, listing: Listing) -> None:
        if listing.returned:
            await self._put(Work(self._instance, returned=listing.returned))
        stored = listing.stored
        released, held = await self._release_of(library)
        absence = judge(
            await self._unseen(listing),
            frozenset(),
            released=released,
            more=len(stored.digests) - len(listing.unseen),
            more_kept=sum(
                1 for key, one in stored.missing.items() if one == KEPT and key not in listing.unseen
            ),
        )
        if absence.mark:
            await self._put(Work(self._instance, mark=list(absence.mark)))
            self._frame.report.unconfirmed.add(self._instance)
        for part in chunks(absence.remove, GONE_BATCH):
            await self._put(Work(self._instance, gone=[(self._instance, key) for key in part]))
        if (absence.held != held or released) and not self._frame.args.dry_run:
            await self._hold(library, title, absence.held)

    async def _unlisted(self, found: Sequence[Library]) -> None:
        """Libraries that the server no longer names: all their titles are absent, so an admin decides."""
        named = {one.key for one in found}
        for library in sorted(self._stored.keys() - named):
            await self._absent(library, library, Listing(self._stored[library]))

    async def _unseen(self, listing: Listing) -> Mapping[str, Known]:
        """What the listing lacks, with its misses as they were when it began."""
        missing = listing.stored.missing
        found = await self._recall(sorted(listing.unseen))
        return {key: one._replace(missing=missing.get(key, 0)) for key, one in found.items()}

    # Single titles

    async def _titles(self, gatherer: Gatherer, keys: Sequence[str]) -> None:
        args, report = self._frame.args, self._frame.report
        found = await gatherer.titles(self._handle.api, keys, self._recall)
        if found.failed:
            report.unread[self._instance] += list(found.failed)[:_MOST_UNREAD]
            first = next(iter(found.failed.values()))
            self._problem(
                None,
                N_("{count} titles could not be read: {reason}").format(
                    count=len(found.failed), reason=first
                ),
            )
        if found.incoming:
            for part in chunks(found.incoming, self._frame.batch):
                changed = await self._hand(part)
                self._shown.changed += changed
                self._shown.unchanged += len(part) - changed
        recalled = await self._recall(found.gone)
        gone = [key for key, one in recalled.items() if one.missing != KEPT]
        if found.gone and not recalled:
            self._problem(None, N_("The server has no such titles."))
        if gone and args.ops is None:
            # The next complete listing decides; this only makes it the second to say so.
            await self._put(Work(self._instance, mark=gone))
            report.unconfirmed.add(self._instance)
        groups = {one.record.library for one in found.incoming if one.record.kind in (SHOW, SEASON)}
        alone_meant = args.ops is not None or args.titles is not None or args.kinds is not None
        if groups and not alone_meant and self._handle.can(MediaCapability.CHANGES):
            for library in await self._handle.api.libraries():
                if library.key in groups:
                    await self._recent(gatherer, library)

    async def _recall(self, keys: Sequence[str]) -> Mapping[str, Known]:
        source = self._frame.sources.get(self._instance)
        if source is None or not keys:
            return {}
        statement = _KNOWN.where(records.c.source == source)
        async with self._frame.db.read() as tx:
            rows = await select_rows(tx, statement, records.c.key, list(keys))
        return {row[0]: Known(*row[1:]) for row in rows}

    # What the run keeps of the source itself

    async def _store_libraries(self, found: Sequence[Library]) -> None:
        async with self._frame.db.read() as reading:
            changed = await sources.library_changes(reading, self._instance, found)
        if changed:
            async with self._frame.begin() as tx:
                await alone(tx, "library")
                await sources.store_libraries(cast(Tx, tx), self._instance, changed, found)

    async def _mark_complete(self, library: str) -> None:
        self._frame.report.complete.append(f"{self._instance}/{library}")
        this = (libraries.c.instance_id == self._instance) & (libraries.c.key == library)
        async with self._frame.db.read() as tx:
            first = await tx.scalar(select(libraries.c.first_complete_at).where(this))
        if first is None:
            async with self._frame.begin() as writing:
                await alone(writing, "library")
                now = self._clock.now()
                await writing.execute(update(libraries).where(this).values(first_complete_at=now))
                await writing.execute(
                    update(library_sources)
                    .where(
                        library_sources.c.instance_id == self._instance,
                        library_sources.c.first_complete_at.is_(None),
                    )
                    .values(first_complete_at=now)
                )

    async def _release_of(self, library: str) -> tuple[bool, int]:
        async with self._frame.db.read() as tx:
            row = await tx.first(
                select(libraries.c.released, libraries.c.held).where(
                    libraries.c.instance_id == self._instance, libraries.c.key == library
                )
            )
        return (bool(row["released"]), int(row["held"])) if row else (False, 0)

    async def _hold(self, library: str, title: str, held: int) -> None:
        async with self._frame.begin() as tx:
            await alone(tx, "library")
            await tx.execute(
                update(libraries)
                .where(libraries.c.instance_id == self._instance, libraries.c.key == library)
                .values(held=held, released=False)
            )
            await self._bus.publish(
                tx,
                SystemAlert(
                    key=f"library.held:{self._instance}:{library}",
                    level="warning",
                    title=title,
                    message=N_(
                        "{count} titles of {title} are gone at once. They are kept until an admin agrees."
                    ).format(count=held, title=title)
                    if held
                    else "",
                    link=HELD_LINK,
                    active=held > 0,
                ),
                Audience.admins(),
            )
