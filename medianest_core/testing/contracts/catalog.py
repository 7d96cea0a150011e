"""The contract of a Catalog."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, ClassVar

from medianest_core.sdk.catalog import Catalog, CatalogCapability, CatalogEntry, CatalogPage, Feed
from medianest_core.sdk.errors import NotFound
from medianest_core.sdk.media import Image
from medianest_core.sdk.service import Provider
from medianest_core.testing.contracts.clients import NobodyThere
from medianest_core.testing.contracts.common import CommonContract
from medianest_core.testing.contracts.contract import clause

NONSENSE = "qzxv jkwq vvzzx"


class CatalogContract(CommonContract[Catalog[Any, Any]]):
    """words: a search that finds something. nobody: kind and ids of a title that the service does not know."""

    kind: ClassVar[type[Provider[Any, Any]]] = Catalog
    words: ClassVar[str] = "the"
    nobody: ClassVar[tuple[str, Mapping[str, str]]] = ("movie", {"tmdb": "999999999", "imdb": "tt99999999"})

    async def read(self, provider: Catalog[Any, Any]) -> CatalogPage:
        return await provider.search(self.words)

    async def _found(self) -> list[CatalogEntry]:
        return list((await self.subject.search(self.words)).entries)

    async def _details(self) -> CatalogEntry:
        one = (await self._found())[0]
        return await self.subject.details(one.kind, one.ids)

    @clause()
    async def test_a_search_finds_entries(self) -> None:
        page = await self.subject.search(self.words)
        assert isinstance(page, CatalogPage)
        assert page.entries and all(isinstance(one, CatalogEntry) for one in page.entries)

    @clause()
    async def test_every_entry_has_a_title_and_a_kind(self) -> None:
        for one in await self._found():
            assert one.title.strip() and one.kind.strip(), one

    @clause()
    async def test_every_entry_is_known_by_ids(self) -> None:
        for one in await self._found():
            assert one.ids and all(
                isinstance(part, str) and part for pair in one.ids.items() for part in pair
            ), one

    @clause()
    async def test_entries_are_told_apart(self) -> None:
        keys = [(one.kind, *sorted(one.ids.items())) for one in await self._found()]
        assert len(keys) == len(set(keys))

    @clause()
    async def test_a_page_says_which_it_is(self) -> None:
        page = await self.subject.search(self.words, 1)
        assert page.page == 1 <= page.pages
        assert page.total is None or page.total >= len(page.entries)

    @clause()
    async def test_beyond_the_last_page_there_is_nothing(self) -> None:
        last = (await self.subject.search(self.words)).pages
        assert list((await self.subject.search(self.words, last + 1)).entries) == []

    @clause()
    async def test_nonsense_finds_nothing(self) -> None:
        assert list((await self.subject.search(NONSENSE)).entries) == []

    @clause()
    async def test_facts_have_their_units(self) -> None:
        for one in [*await self._found(), await self._details()]:
            assert one.rating is None or 0 <= one.rating <= 10, one.rating
            assert one.year is None or 1870 <= one.year <= 2200, one.year
            assert one.runtime is None or 0 < one.runtime < 360_000, "runtime is in seconds"
            assert one.runtime is None or one.runtime >= 60, "runtime is in seconds"

    @clause()
    async def test_dates_are_iso_dates(self) -> None:
        one = await self._details()
        for said in (one.released, *(season.released for season in one.seasons)):
            if said is not None:
                assert _is_date(said), f"{said!r} is no date as YYYY-MM-DD"

    @clause()
    async def test_other_languages_may_be_asked_for(self) -> None:
        page = await self.subject.search(self.words, language="de")
        assert isinstance(page, CatalogPage)

    @clause()
    async def test_details_are_of_the_title_that_was_asked_for(self) -> None:
        one = (await self._found())[0]
        told = await self.subject.details(one.kind, one.ids)
        assert isinstance(told, CatalogEntry)
        assert told.kind == one.kind and one.ids.items() <= told.ids.items(), told.ids

    @clause()
    async def test_details_say_more_than_the_list(self) -> None:
        one = (await self._found())[0]
        told = await self.subject.details(one.kind, one.ids)
        assert told.title.strip()
        assert told.year == one.year

    @clause()
    async def test_details_of_nobody_are_not_found(self) -> None:
        kind, ids = self.nobody
        error = await self.trouble(lambda: self.subject.details(kind, ids))
        assert isinstance(error, NotFound), f"it says {error!r}"

    @clause()
    async def test_seasons_are_numbered_once(self) -> None:
        numbers: list[list[int]] = []
        for one in await self._found():
            told = await self.subject.details(one.kind, one.ids)
            numbers.append([season.number for season in told.seasons])
        assert all(len(found) == len(set(found)) for found in numbers), numbers

    @clause(CatalogCapability.DISCOVER)
    async def test_feeds_are_told_apart_without_asking(self) -> None:
        http = NobodyThere()
        async with self.another(http) as catalog:
            feeds = catalog.feeds()
        assert http.asked == []
        assert feeds and all(isinstance(one, Feed) and one.name and one.title.strip() for one in feeds)
        assert len({one.name for one in feeds}) == len(feeds)

    @clause(CatalogCapability.DISCOVER)
    async def test_every_feed_can_be_read(self) -> None:
        for feed in self.subject.feeds():
            page = await self.subject.discover(feed.name)
            assert isinstance(page, CatalogPage) and page.page == 1
            kinds = {one.kind for one in page.entries}
            assert not feed.kinds or kinds <= set(feed.kinds), f"{feed.name} holds {kinds}"

    @clause(CatalogCapability.DISCOVER)
    async def test_some_feed_holds_something(self) -> None:
        pages = [await self.subject.discover(feed.name) for feed in self.subject.feeds()]
        assert any(page.entries for page in pages)

    @clause(CatalogCapability.DISCOVER)
    async def test_an_unknown_feed_is_not_found(self) -> None:
        error = await self.trouble(lambda: self.subject.discover("no_such_feed"))
        assert isinstance(error, NotFound), f"it says {error!r}"

    @clause(CatalogCapability.EXTERNAL_IDS)
    async def test_external_ids_hold_the_one_that_was_asked_by(self) -> None:
        one = (await self._found())[0]
        told = await self.subject.external_ids(one.kind, one.ids)
        assert one.ids.items() <= told.items(), told
        assert all(isinstance(part, str) and part for pair in told.items() for part in pair), told

    @clause(CatalogCapability.IMAGES)
    async def test_a_poster_can_be_had(self) -> None:
        references = [one.image for one in await self._found() if one.image]
        assert references, "no title of the stand-in has a poster"
        image = await self.subject.image(references[0], 100, 150)
        assert isinstance(image, Image) and image.content and image.media_type.startswith("image/")

    @clause(CatalogCapability.IMAGES)
    async def test_a_poster_that_is_not_there_is_not_found(self) -> None:
        error = await self.trouble(lambda: self.subject.image("/no-such-picture.jpg", 100, 150))
        assert isinstance(error, NotFound), f"it says {error!r}"


def _is_date(text: str) -> bool:
    try:
        return datetime.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
