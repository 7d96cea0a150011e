"""The library as pages, the API and other domains use it. Reads come from the database, never from a server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from pydantic import BaseModel
from sqlalchemy import select

from medianest_core.base.clock import Clock
from medianest_core.base.logging import get_logger
from medianest_core.base.tasks import TaskKeeper
from medianest_core.base.texts import N_
from medianest_core.bus.events import InstanceChanged
from medianest_core.bus.outbox import EventBus
from medianest_core.cache.cached import LIBRARY, Caches
from medianest_core.cache.memory import MemoryCache
from medianest_core.domain.library.checking.matching import Matching
from medianest_core.domain.library.checking.verification import Verification
from medianest_core.domain.library.enriching.details import Details
from medianest_core.domain.library.enriching.enrich import Enrich
from medianest_core.domain.library.ordering.ranking import Ranking
from medianest_core.domain.library.past.history import KEEP_DAYS
from medianest_core.domain.library.past.past import Past
from medianest_core.domain.library.pictures.images import collection_image_id
from medianest_core.domain.library.reading.collections import CollectionReader, StoredCollection
from medianest_core.domain.library.reading.facets import Facets
from medianest_core.domain.library.reading.field_index import FieldIndex
from medianest_core.domain.library.reading.people import FoundPerson, people_among
from medianest_core.domain.library.reading.query import (
    LibraryQuery,
    Listings,
    Page,
    TitleRow,
    title_row,
)
from medianest_core.domain.library.reading.titles import (
    Availability,
    Change,
    Episode,
    RecentTitle,
    TitleDetail,
    Titles,
)
from medianest_core.domain.library.syncing.absences import Absences
from medianest_core.domain.library.syncing.finding import Finding
from medianest_core.domain.library.syncing.orders import Orders, media_servers
from medianest_core.domain.library.syncing.run_changes import RunChanges, run_changes
from medianest_core.domain.library.syncing.runs import JOB, Run, Runs, SyncArgs
from medianest_core.domain.library.syncing.source_settings import SourceSchedule
from medianest_core.domain.library.syncing.sync import Sync
from medianest_core.host.instances import Handle, Instances
from medianest_core.ledger.enqueue import Ledger
from medianest_core.sdk.errors import MediaNestError, NotFound, NotReady, ProviderError
from medianest_core.sdk.fields import FieldOwner, TitleKey
from medianest_core.sdk.jobs import Job, JobContext, Retry, Schedule
from medianest_core.sdk.media import Collection, MediaCapability, MediaChoice, MediaSource
from medianest_core.store.engine import Database
from medianest_core.store.errors import DatabaseAway
from medianest_core.store.repos.audit import record
from medianest_core.store.tables.library import (
    collection_items,
    collections,
    libraries,
    library_sources,
    records,
    titles,
)
from medianest_core.store.transaction import alone

_log = get_logger(__name__)
LOOK_EVERY = 15.0
"""Seconds between two looks at which source is due."""
Choosing = Callable[[TitleKey, Sequence[MediaChoice]], Awaitable[str | None]]
"""Which instance opens a title that several have; None: the usual one."""
COLLECTIONS_EVERY = 600.0


class CollectionArgs(BaseModel):
    """All collections of all servers."""


@dataclass(frozen=True, slots=True)
class LibrarySection:
    """A section of a server. held: titles that are gone at the server and kept until an admin agrees. first_complete_at: None
    before the first complete sync. locations: folders as the server sees them."""

    instance_id: str
    key: str
    title: str
    kind: str
    locations: Sequence[str]
    listed: bool
    held: int
    first_complete_at: float | None


@dataclass(frozen=True, slots=True)
class CollectionCard:
    """image: image id. posters: image ids of its first titles, for collections without a picture of their own."""

    instance_id: str
    key: str
    library: str
    title: str
    summary: str
    count: int
    smart: bool
    image: str | None
    posters: Sequence[str]


@dataclass(frozen=True, slots=True)
class CollectionDetail:
    """items: in the collection's order, as far as the library knows them."""

    card: CollectionCard
    items: Sequence[TitleRow]


class Library:
    """Facade; see the modules for the parts. `jobs()` go into the job registry, `start()` after the host has started."""

    def __init__(
        self,
        *,
        db: Database,
        bus: EventBus,
        ledger: Ledger,
        instances: Instances,
        clock: Clock,
        caches: Caches | None = None,
        history_days: float = KEEP_DAYS,
        choosing: Choosing | None = None,
    ) -> None:
        self._db = db
        self.choosing = choosing
        self._bus = bus
        self._instances = instances
        self._clock = clock
        caches = caches or Caches(MemoryCache(), clock)
        self._links = caches.add("links", str, fresh=LIBRARY)
        self.listings = Listings(db)
        self.titles = Titles(db)
        self.fields = FieldIndex(db)
        self.runs = Runs(db, ledger, clock)
        self.details = Details(db, bus, ledger, instances, clock)
        self.enrich = Enrich(db, bus, ledger, instances, clock)
        self.orders = Orders(db, self.runs, media_servers(instances))
        self.schedule = SourceSchedule(db, instances, clock)
        self.sync = Sync(db, bus, instances, self.runs, self.details, clock, self.enrich, self.schedule)
        self.finding = Finding(db, instances, self.runs)
        self.absences = Absences(db, bus, self.runs, clock)
        self.matching = Matching(db, bus, clock)
        self.ranking = Ranking(db, bus, ledger, instances, clock)
        self.past = Past(db, bus, ledger, clock, keep_days=history_days)
        self.verification = Verification(db, ledger, instances, clock)
        self._tasks = TaskKeeper()
        self._unsubscribe: list[Callable[[], None]] = []

    def jobs(self) -> list[Job[Any]]:
        return [
            Job(
                JOB,
                self.sync.run,
                SyncArgs,
                title=N_("Sync the library"),
                limit=4,
                retry=Retry(attempts=3, delay=20.0, factor=4.0),
            ),
            Job(
                "library.collections",
                self._refresh_collections,
                CollectionArgs,
                title=N_("Refresh collections"),
                limit=1,
                retry=Retry(attempts=1),
                schedule=Schedule(every=COLLECTIONS_EVERY),
                unique_by=lambda args: "all",
            ),
            *self.details.jobs(),
            *self.finding.jobs(),
            *self.past.jobs(),
            *self.verification.jobs(),
            *self.ranking.jobs(),
            *self.enrich.jobs(),
        ]

    async def start(self) -> None:
        """Follow the instances: a source that is ready for the first time, or again after a failed run, is synced."""
        self._unsubscribe.append(self._bus.subscribe(InstanceChanged, self._instance_changed, name="library"))
        self._tasks.spawn(self._keep_schedule(), name="the schedule of syncs")
        for handle in self._instances.ready(MediaSource):  # type: ignore[type-abstract]  # a key, not made
            await self._sync_if_new(handle.instance.id)

    async def stop(self) -> None:
        await self._tasks.close()
        for end in self._unsubscribe:
            end()
        self._unsubscribe.clear()

    # Reading

    async def list_titles(self, query: LibraryQuery) -> Page:
        """Raises UserError for a sort or cursor that is not ours."""
        return await self.listings.page(self._asked(query))

    async def generation(self) -> int:
        """Grows with every change of the library: what was made of an older one may be out of date."""
        return await self.listings.generation()

    async def facets(self, query: LibraryQuery = LibraryQuery()) -> Facets:  # noqa: B008  # it is frozen
        """What can be chosen, with counts beside what `query` has chosen already."""
        return await self.listings.facets(replace(query, answering=self._answering()))

    def _asked(self, query: LibraryQuery) -> LibraryQuery:
        return replace(query, answering=self._answering()) if query.availability == "now" else query

    def _answering(self) -> tuple[str, ...]:
        ready = self._instances.ready(MediaSource)  # type: ignore[type-abstract]  # a key, not made
        return tuple(sorted(handle.instance.id for handle in ready))

    async def search(self, text: str, limit: int = 20) -> list[TitleRow]:
        return await self.listings.search(text, limit)

    async def people(self, words: str, title_ids: Sequence[int]) -> list[FoundPerson]:
        """Who of those that took part in these titles bears the words in their name."""
        return await people_among(self._db, words, title_ids)

    async def title(self, title_id: int) -> TitleDetail | None:
        """None where there is no such title. Where a source has more to tell of it than is stored, it is asked now;
        `LibraryChanged` says when its answer is there."""
        detail = await self.titles.detail(title_id)
        if detail is not None and detail.unread:
            self._tasks.spawn(self.details.request_titles(detail.unread), name="details of a title")
        return detail

    async def episodes(self, season_id: int) -> list[Episode]:
        return await self.titles.episodes(season_id)

    async def recent(self, limit: int = 24, kinds: Sequence[str] = ()) -> list[RecentTitle]:
        return await self.titles.recent(limit, kinds)

    async def titles_at(self, instance_id: str, keys: Sequence[str]) -> dict[str, int]:
        """key at that source → title id, of those the library has."""
        async with self._db.read() as tx:
            rows = await tx.execute(
                select(records.c.key, records.c.title_id)
                .join(library_sources, library_sources.c.id == records.c.source)
                .where(library_sources.c.instance_id == instance_id, records.c.key.in_(keys))
            )
            return {row[0]: row[1] for row in rows}

    async def changes(self, title_id: int, limit: int = 100) -> list[Change]:
        return await self.titles.changes(title_id, limit)

    async def sections(self, instance_id: str | None = None) -> list[LibrarySection]:
        """All sections of all servers, in their order."""
        statement = select(libraries).order_by(libraries.c.instance_id, libraries.c.position, libraries.c.key)
        if instance_id is not None:
            statement = statement.where(libraries.c.instance_id == instance_id)
        async with self._db.read() as tx:
            return [
                LibrarySection(
                    row["instance_id"],
                    row["key"],
                    row["title"],
                    row["kind"],
                    row["locations"],
                    bool(row["listed"]),
                    row["held"],
                    row["first_complete_at"],
                )
                for row in await tx.all(statement)
            ]

    async def deep_link(self, title_id: int, instance_id: str | None = None) -> str:
        """Address that opens the title in the service's own player. Raises NotFound, NotReady and other ProviderErrors."""
        detail = await self.titles.detail(title_id)
        if detail is None:
            raise NotFound("There is no such title.")
        error: ProviderError = NotFound("No server has this title.")
        places = [one for one in detail.availability if instance_id in (None, one.instance_id)]
        first = await self._chosen(detail, places) if instance_id is None else None
        for place in sorted(places, key=lambda one: one.instance_id != first):
            try:
                source = self._source(place.instance_id)
                made = partial(source.api.deep_link, place.key)
                return await self._links.get(f"{place.instance_id} {place.key}", made)
            except ProviderError as failed:
                error = failed
        raise error

    async def _chosen(self, detail: TitleDetail, places: Sequence[Availability]) -> str | None:
        """The instance that plugins would open it at, where several could."""
        found = {one.instance_id: (self._instances.info(one.instance_id), one.key) for one in places}
        if self.choosing is None or len(found) < 2:
            return None
        row = detail.row
        title = TitleKey(str(row.id), row.kind, detail.ids, row.title, row.year or None)
        choices = [
            MediaChoice(id, info.title, info.plugin, info.service, key)
            for id, (info, key) in found.items()
            if info is not None
        ]
        return await self.choosing(title, choices)

    # Collections: read from the stored copy, written at the server

    async def collections(self, instance_id: str | None = None) -> list[CollectionCard]:
        wanted = () if instance_id is None else (collections.c.instance_id == instance_id,)
        statement = select(collections).where(*wanted).order_by(collections.c.title, collections.c.key)
        async with self._db.read() as tx:
            rows = await tx.all(statement)
            first = await tx.all(
                select(
                    collection_items.c.instance_id,
                    collection_items.c.collection,
                    titles.c.id,
                    titles.c.poster,
                )
                .select_from(collections)
                .join(
                    collection_items,
                    (collection_items.c.instance_id == collections.c.instance_id)
                    & (collection_items.c.collection == collections.c.key)
                    & (collection_items.c.position < 4),
                )
                .join(library_sources, library_sources.c.instance_id == collection_items.c.instance_id)
                .join(
                    records,
                    (records.c.source == library_sources.c.id) & (records.c.key == collection_items.c.key),
                )
                .join(titles, titles.c.id == records.c.title_id)
                .where(*wanted)
                .order_by(collection_items.c.position)
            )
        posters: dict[tuple[str, str], list[str]] = {}
        for row in first:
            if row["poster"]:
                asset = "poster" if row["poster"][0] == "p" else "thumb"
                posters.setdefault((row["instance_id"], row["collection"]), []).append(
                    f"{row['id']}-{asset}-{row['poster'][1:]}"
                )
        return [
            _card(StoredCollection(**row), posters.get((row["instance_id"], row["key"]), [])) for row in rows
        ]

    async def collection(self, instance_id: str, key: str) -> CollectionDetail | None:
        """None where the stored copy has no such collection."""
        async with self._db.read() as tx:
            row = await tx.first(
                select(collections).where(collections.c.instance_id == instance_id, collections.c.key == key)
            )
            if row is None:
                return None
            rows = await tx.all(
                select(titles)
                .join(records, records.c.title_id == titles.c.id)
                .join(library_sources, library_sources.c.id == records.c.source)
                .join(
                    collection_items,
                    (collection_items.c.instance_id == library_sources.c.instance_id)
                    & (collection_items.c.key == records.c.key),
                )
                .where(
                    library_sources.c.instance_id == instance_id,
                    collection_items.c.collection == key,
                )
                .order_by(collection_items.c.position)
            )
        items = list({one["id"]: title_row(one) for one in rows}.values())
        return CollectionDetail(
            _card(StoredCollection(**row), [i.poster for i in items if i.poster][:4]), items
        )

    async def create_collection(
        self, instance_id: str, library: str, title: str, title_ids: Sequence[int], actor: str | None
    ) -> str:
        """Make a collection at the server, of those titles it has; returns its key. Raises ProviderErrors."""
        handle = self._collecting(instance_id)
        keys = await self._keys_at(instance_id, title_ids)
        made = await handle.api.create_collection(library, title, keys)
        await self._reread(handle, made, actor, "collection.created")
        return made.key

    async def add_to_collection(
        self, instance_id: str, key: str, title_ids: Sequence[int], actor: str | None
    ) -> None:
        handle = self._collecting(instance_id)
        await handle.api.add_to_collection(key, await self._keys_at(instance_id, title_ids))
        await self._reread(handle, await self._stored(instance_id, key), actor, "collection.extended")

    async def remove_from_collection(
        self, instance_id: str, key: str, title_id: int, actor: str | None
    ) -> None:
        handle = self._collecting(instance_id)
        for item in await self._keys_at(instance_id, [title_id]):
            await handle.api.remove_from_collection(key, item)
        await self._reread(handle, await self._stored(instance_id, key), actor, "collection.reduced")

    async def reread_collection(self, instance_id: str, library: str, key: str) -> None:
        """Bring the stored copy of one collection up to date. Raises ProviderErrors."""
        handle = self._collecting(instance_id)
        for one in await handle.api.collections(library):
            if one.key == key:
                await CollectionReader(self._db, self._db.begin, handle).one(one)

    # Steering

    async def request_sync(
        self,
        *,
        instance_ids: Sequence[str] | None = None,
        libraries: Sequence[str] | None = None,
        force: bool = False,
        actor: str | None = None,
    ) -> str:
        """Job id of the run that answers this; a present run of the same scope where there is one."""
        args = SyncArgs(
            instance_ids=tuple(instance_ids) if instance_ids is not None else None,
            libraries=tuple(libraries) if libraries is not None else None,
            force=force,
        )
        return await self.runs.request(args, actor)

    async def request_titles(self, instance_id: str, keys: Sequence[str] | None) -> str:
        """Read these of a source's records again; None: whatever changed lately."""
        if keys is None:
            return await self.runs.request(SyncArgs(instance_ids=(instance_id,), recent=True))
        return await self.runs.request(SyncArgs(instance_ids=(instance_id,), keys=tuple(keys)))

    async def sync_runs(self, limit: int = 20) -> list[Run]:
        """Newest first."""
        return await self.runs.latest(limit)

    async def changes_of(self, run: Run, after: int = 0, limit: int = 100) -> RunChanges:
        """What it changed, or would have changed, title by title."""
        return await run_changes(self._db, run, after, limit)

    # Inside

    async def _keep_schedule(self) -> None:
        while True:
            try:
                await self.schedule.tick(self.runs.request_in)
            except DatabaseAway:
                _log.info("the schedule of syncs waits for the database")
            except Exception:
                _log.exception("the schedule of syncs failed; it goes on with the next look")
            await asyncio.sleep(LOOK_EVERY)

    async def _instance_changed(self, event: InstanceChanged) -> None:
        if event.state == "removed":
            await self.schedule.forget(event.instance_id)
            await self.runs.request(SyncArgs(instance_ids=(event.instance_id,)))
            await self.enrich.request_now(event.instance_id)
        elif event.state in ("enabled", "disabled"):
            await self.ranking.instances_changed()
        elif event.state == "ready":
            if self._instances.has(MediaSource, event.instance_id):
                await self._sync_if_new(event.instance_id)
            if self._instances.has(FieldOwner, event.instance_id):
                await self.enrich.request_now(event.instance_id)

    async def _sync_if_new(self, instance_id: str) -> None:
        async with self._db.read() as tx:
            first = await tx.scalar(
                select(library_sources.c.first_complete_at).where(
                    library_sources.c.instance_id == instance_id
                )
            )
        if first is None or await self._failed_lately(instance_id):
            await self.runs.request(SyncArgs(instance_ids=(instance_id,)))
        else:
            await self.details.request_missing(instance_id)

    async def _failed_lately(self, instance_id: str) -> bool:
        """Whether the newest run that concerned the instance could not read it."""
        for run in await self.runs.latest(20):
            if instance_id in run.counts.get("instances", {}):
                return any(problem["instance_id"] == instance_id for problem in run.problems)
        return False

    async def _refresh_collections(self, ctx: JobContext, args: CollectionArgs) -> dict[str, int]:
        changed = 0
        for handle in self._instances.ready(MediaSource):  # type: ignore[type-abstract]  # a key, not made
            reader = CollectionReader(self._db, ctx.begin, handle)
            for section in await self.sections(handle.instance.id):
                if not section.listed:
                    continue
                try:
                    changed += await reader.library(section.key)
                except ProviderError as error:
                    _log.info(
                        "collections cannot be read now", instance=handle.instance.id, reason=str(error)
                    )
                    break
        return {"changed": changed}

    def _source(self, instance_id: str) -> Handle[MediaSource]:
        try:
            return self._instances.get(MediaSource, instance_id)  # type: ignore[type-abstract]  # a key, not made
        except ProviderError:
            raise
        except MediaNestError as error:
            raise NotReady("This server is no longer configured.") from error

    def _collecting(self, instance_id: str) -> Handle[MediaSource]:
        handle = self._source(instance_id)
        if not handle.can(MediaCapability.COLLECTIONS):
            raise NotReady(N_("{title} has no collections.").format(title=handle.instance.title))
        return handle

    async def _keys_at(self, instance_id: str, title_ids: Sequence[int]) -> list[str]:
        async with self._db.read() as tx:
            rows = await tx.execute(
                select(records.c.key)
                .join(library_sources, library_sources.c.id == records.c.source)
                .where(library_sources.c.instance_id == instance_id, records.c.title_id.in_(title_ids))
                .order_by(records.c.key)
            )
        keys = [row[0] for row in rows]
        if not keys:
            raise NotFound("This server has none of these titles.")
        return keys

    async def _stored(self, instance_id: str, key: str) -> Collection:
        async with self._db.read() as tx:
            row = await tx.first(
                select(collections).where(collections.c.instance_id == instance_id, collections.c.key == key)
            )
        if row is None:
            raise NotFound("There is no such collection.")
        values = {name: value for name, value in row.items() if name != "instance_id"}
        return Collection(**values)

    async def _reread(
        self, handle: Handle[MediaSource], collection: Collection, actor: str | None, action: str
    ) -> None:
        await self.reread_collection(handle.instance.id, collection.library, collection.key)
        async with self._db.begin() as tx:
            await alone(tx, "library")
            await record(
                tx,
                actor=actor,
                action=action,
                target=f"{handle.instance.id}/{collection.key}",
                details={"title": collection.title},
            )


def _card(stored: StoredCollection, posters: Sequence[str]) -> CollectionCard:
    return CollectionCard(
        instance_id=stored.instance_id,
        key=stored.key,
        library=stored.library,
        title=stored.title,
        summary=stored.summary,
        count=stored.count,
        smart=bool(stored.smart),
        image=collection_image_id(stored.instance_id, stored.image) if stored.image else None,
        posters=posters,
    )
