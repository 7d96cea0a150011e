"""Titles that exist in the world, as pages, the API and other domains use them: searching, browsing, details.

All catalogs are asked together and their answers joined; each entry says what the library has of it. A catalog that is away or late
is named beside what the others said; nothing here raises because of one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

from medianest_core.base.clock import Clock
from medianest_core.cache.cached import Caches
from medianest_core.domain.discover.asking import PATIENCE, Answers, Questions
from medianest_core.domain.discover.entries import (
    Availability,
    Details,
    Entry,
    FeedInfo,
    Person,
    RequestMark,
    Results,
    SeasonInfo,
    key_of,
)
from medianest_core.domain.discover.joining import Told, entry_of, joined, same, usable
from medianest_core.domain.discover.pictures import Pictures
from medianest_core.domain.library.pictures.image_store import ImageStore
from medianest_core.domain.library.reading.known import Named, titles_of
from medianest_core.domain.library.reading.query import TitleRow
from medianest_core.domain.library.reading.titles import Season
from medianest_core.domain.library.service import Library
from medianest_core.host.instances import Handle, Instances
from medianest_core.sdk.catalog import Catalog, CatalogCapability, CatalogEntry, CatalogPage, CatalogSeason
from medianest_core.sdk.errors import MediaNestError
from medianest_core.sdk.media import SHOW
from medianest_core.sdk.routes import Viewer
from medianest_core.store.engine import Database

LISTS, LISTS_STALE = 600.0, 86_400.0
DETAILS, DETAILS_STALE = 3_600.0, 7 * 86_400.0
LONGEST = 200
"""Characters of a search text."""
LAST_PAGE = 500
Marks = Callable[[Viewer, Sequence[Entry]], Awaitable[Mapping[str, RequestMark]]]
"""Which of these entries somebody has requested: entry key → mark, as that viewer may see it."""


class Discover:
    """requests: set by whoever knows of requests; without it no entry carries a mark. patience: seconds that a page waits for a
    catalog."""

    def __init__(
        self,
        *,
        db: Database,
        instances: Instances,
        library: Library,
        pictures: ImageStore,
        signing_key: bytes,
        caches: Caches,
        clock: Clock,
        patience: float = PATIENCE,
    ) -> None:
        self._db = db
        self._instances = instances
        self._library = library
        self._clock = clock
        self._lists = Questions(caches, "discover", CatalogPage, fresh=LISTS, stale=LISTS_STALE)
        self._details = Questions(caches, "catalog", CatalogEntry, fresh=DETAILS, stale=DETAILS_STALE)
        self.pictures = Pictures(instances, pictures, signing_key)
        self.requests: Marks | None = None
        self.patience = patience

    def catalogs(self) -> list[Handle[Catalog]]:
        """All that are configured and switched on, also those that are not ready; the oldest is believed first."""
        return self._instances.any(Catalog)  # type: ignore[type-abstract]  # a key, not made

    async def search(self, viewer: Viewer, text: str, page: int = 1) -> Results:
        """Titles that match, best first. An empty text finds nothing."""
        text, language = " ".join(text.split())[:LONGEST], _language(viewer)
        if not text:
            return Results(asked=len(self.catalogs()))
        page = min(max(page, 1), LAST_PAGE)
        answers = await self._lists.ask(
            self.catalogs(),
            f"search {language} {page} {text.casefold()}",
            lambda catalog: catalog.search(text, page, language),
            self.patience,
        )
        return await self._results(viewer, answers, page, text)

    def feeds(self) -> list[FeedInfo]:
        """The lists that can be browsed now, the best first. Feeds of one name of several catalogs are one."""
        found: dict[str, FeedInfo] = {}
        for handle in self.catalogs():
            if not handle.instance.ready or not handle.can(CatalogCapability.DISCOVER):
                continue
            try:
                feeds = handle.api.feeds()
            except MediaNestError:
                continue
            for feed in feeds:
                known = found.get(feed.name)
                if known is None:
                    found[feed.name] = FeedInfo(
                        feed.name,
                        feed.title,
                        handle.instance.plugin,
                        tuple(feed.kinds),
                        (handle.instance.id,),
                    )
                else:
                    kinds = tuple(dict.fromkeys((*known.kinds, *feed.kinds)))
                    found[feed.name] = replace(
                        known, kinds=kinds, sources=(*known.sources, handle.instance.id)
                    )
        return list(found.values())

    async def feed(self, viewer: Viewer, name: str, page: int = 1) -> Results:
        """A page of a feed of all catalogs that have it; nothing for a name that none knows."""
        page, language = min(max(page, 1), LAST_PAGE), _language(viewer)
        answers = await self._lists.ask(
            [handle for handle in self.catalogs() if handle.can(CatalogCapability.DISCOVER)],
            f"feed {language} {page} {name}",
            lambda catalog: catalog.discover(name, page, language),
            self.patience,
        )
        return await self._results(viewer, answers, page)

    async def details(self, viewer: Viewer, kind: str, ids: Mapping[str, str]) -> Details:
        """Everything known of the title with one of these ids, e.g. ("movie", {"tmdb": "603"})."""
        language = _language(viewer)
        wanted = {provider: value for provider, value in sorted(ids.items()) if value}
        named = " ".join(f"{provider}={value}" for provider, value in wanted.items())
        answers = await self._details.ask(
            self.catalogs(),
            f"details {language} {kind} {named}",
            lambda catalog: catalog.details(kind, wanted, language),
            self.patience,
        )
        told = [
            Told(answer.handle.instance.id, number, answer.value)
            for number, answer in enumerate(answers.found)
            if usable(answer.value) and same(answer.value, kind, wanted)
        ]
        entry = entry_of(told, self.pictures.image) if told else None
        named_so = _named(entry) if entry is not None else Named(kind, wanted)
        row = (await titles_of(self._db, [named_so]))[0]
        if entry is None:
            # What the household has can be shown while nobody else can be asked.
            entry = _from_library(row, wanted) if row is not None else None
        if entry is None:
            return Details(None, troubles=answers.troubles)
        first = told[0] if told else None
        marks = await self._marks(viewer, [entry])
        marked = replace(entry, available=_available(row), request=marks.get(entry.key))
        return Details(
            entry=marked,
            people=self._people(first) if first else (),
            seasons=await self._seasons(first, row) if kind == SHOW else (),
            fields={
                name: value for one in reversed(told) for name, value in one.entry.fields.items() if value
            },
            troubles=answers.troubles,
            attributions=self._attributions(answers),
        )

    async def availability(
        self, wanted: Sequence[tuple[str, Mapping[str, str]]]
    ) -> list[Availability | None]:
        """What the library has of titles named by kind and external ids: one read for all."""
        rows = await titles_of(self._db, [Named(kind, ids) for kind, ids in wanted])
        return [_available(row) for row in rows]

    async def _results(
        self, viewer: Viewer, answers: Answers[CatalogPage], page: int, text: str = ""
    ) -> Results:
        told = [
            Told(answer.handle.instance.id, place, entry)
            for answer in answers.found
            for place, entry in enumerate(answer.value.entries)
            if usable(entry)
        ]
        entries = joined(told, self.pictures.image, text)
        rows = await titles_of(self._db, [_named(entry) for entry in entries])
        marks = await self._marks(viewer, entries)
        entries = [
            replace(entry, available=_available(row), request=marks.get(entry.key))
            for entry, row in zip(entries, rows, strict=True)
        ]
        totals = [answer.value.total for answer in answers.found if answer.value.total is not None]
        return Results(
            entries=entries,
            page=page,
            pages=min(LAST_PAGE, max((answer.value.pages for answer in answers.found), default=1)),
            total=max(totals, default=None),
            troubles=answers.troubles,
            attributions=self._attributions(answers),
            asked=len(answers.found) + len(answers.troubles) + answers.unknown,
        )

    async def _marks(self, viewer: Viewer, entries: Sequence[Entry]) -> Mapping[str, RequestMark]:
        if self.requests is None or not entries:
            return {}
        return await self.requests(viewer, entries)

    def _attributions(self, answers: Answers[CatalogPage] | Answers[CatalogEntry]) -> list[str]:
        """Of the class, which is there also while an older answer of a service that is away is shown."""
        found: dict[str, None] = {}
        for answer in answers.found:
            provider = self._instances.provider_class(Catalog, answer.handle.instance.id)
            if sentence := getattr(provider, "attribution", ""):
                found.setdefault(str(sentence))
        return list(found)

    def _people(self, told: Told) -> list[Person]:
        return [
            Person(
                one.name, one.role, self.pictures.image(told.instance_id, one.image) if one.image else None
            )
            for one in told.entry.people
            if one.name
        ]

    async def _seasons(self, told: Told | None, row: TitleRow | None) -> list[SeasonInfo]:
        detail = await self._library.titles.detail(row.id) if row is not None else None
        held = (
            {season.index: season for season in detail.seasons if season.index is not None} if detail else {}
        )
        known = {season.number: season for season in told.entry.seasons} if told else {}
        return [_season(number, known.get(number), held.get(number)) for number in sorted({*known, *held})]


def _season(number: int, known: CatalogSeason | None, held: Season | None) -> SeasonInfo:
    return SeasonInfo(
        number=number,
        title=(known.title if known else "") or (held.title if held else ""),
        episodes=known.episodes if known else None,
        released=known.released if known else None,
        held=held.episodes if held else 0,
        title_id=held.id if held else None,
    )


def _available(row: TitleRow | None) -> Availability | None:
    if row is None or not row.instance_ids:
        return None
    return Availability(row.id, row.instance_ids, row.quality, row.children, row.poster)


def _from_library(row: TitleRow, ids: Mapping[str, str]) -> Entry:
    return Entry(
        key=key_of(row.kind, ids),
        kind=row.kind,
        ids=ids,
        title=row.title,
        year=row.year or None,
        released=row.released_on or None,
        rating=row.rating or None,
        runtime=row.duration or None,
        genres=row.genres,
        image=row.poster,
    )


def _named(entry: Entry) -> Named:
    return Named(entry.kind, entry.ids, (entry.title, entry.original_title), entry.year)


def _language(viewer: Viewer) -> str:
    return viewer.locale or "en"
