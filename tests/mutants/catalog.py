"""Catalogs that are wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from medianest_core.sdk import (
    CatalogCapability,
    CatalogEntry,
    CatalogPage,
    CatalogSeason,
    Feed,
    Image,
    NotFound,
)
from tests.kitchen_sink.catalog import SinkCatalog
from tests.kitchen_sink.test_contracts import TestCatalog
from tests.mutants.anything import add_all, add_hidden
from tests.mutants.wrong import Collection, Then, says, then

MUTANTS = Collection(TestCatalog)
_add = MUTANTS.add
add_all(MUTANTS, "search", CatalogPage([]))
add_hidden(MUTANTS, "external_ids", CatalogCapability.EXTERNAL_IDS)


def _entries(**changed: Any) -> dict[str, Any]:
    return {
        "search": then(lambda said: replace(said, entries=[replace(one, **changed) for one in said.entries]))
    }


def _details(**changed: Any) -> dict[str, Any]:
    return {"details": then(lambda said: replace(said, **changed))}


def _fewer(self: Any) -> list[Feed]:
    return [] if hasattr(self.http, "asked") else list(SinkCatalog.feeds(self))


async def english(self: Any, text: str, page: int = 1, language: str = "en") -> Any:
    return await SinkCatalog.search(self, text, page) if language == "en" else None


async def first_page(self: Any, text: str, page: int = 1, language: str = "en") -> Any:
    return replace(await SinkCatalog.search(self, text, 1), page=page)


async def anything(self: Any, text: str, page: int = 1, language: str = "en") -> Any:
    return await SinkCatalog.search(self, "the", page)


async def empty_for_nobody(
    self: Any, kind: str, ids: Mapping[str, str], language: str = "en"
) -> CatalogEntry:
    try:
        return await SinkCatalog.details(self, kind, ids)
    except NotFound:
        return CatalogEntry(kind, ids, "?")


async def any_feed(self: Any, feed: str, page: int = 1, language: str = "en") -> CatalogPage:
    return await SinkCatalog.discover(self, "trending", page)


async def lenient(self: Any, feed: str, page: int = 1, language: str = "en") -> CatalogPage:
    try:
        return await SinkCatalog.discover(self, feed, page)
    except NotFound:
        return CatalogPage([])


_add("test_a_search_finds_entries", "finds nothing", search=says(CatalogPage([])))
_add("test_every_entry_has_a_title_and_a_kind", "no titles", **_entries(title=""))
_add("test_every_entry_is_known_by_ids", "numbers for ids", **_entries(ids={"imdb": 5}))
_add("test_entries_are_told_apart", "one id for all", **_entries(kind="movie", ids={"imdb": "tt1"}))
_add(
    "test_a_page_says_which_it_is",
    "pages from nought",
    search=then(lambda said: replace(said, page=said.page - 1)),
)
_add("test_beyond_the_last_page_there_is_nothing", "the first page again and again", search=first_page)
_add("test_nonsense_finds_nothing", "finds anything", search=anything)
_add("test_facts_have_their_units", "minutes for seconds", **_details(runtime=90.0 / 2))
_add("test_dates_are_iso_dates", "a date in words", **_details(released="1 May 2020"))
_add("test_other_languages_may_be_asked_for", "English alone", search=english)
_add("test_details_are_of_the_title_that_was_asked_for", "details without its ids", **_details(ids={}))
_add("test_details_say_more_than_the_list", "details know less", **_details(year=None))
_add("test_details_of_nobody_are_not_found", "something for nobody", details=empty_for_nobody)
_add(
    "test_seasons_are_numbered_once",
    "a season twice",
    **_details(seasons=[CatalogSeason(1), CatalogSeason(1)]),
)
_add("test_feeds_are_told_apart_without_asking", "no lists while the service is away", feeds=_fewer)
_add("test_every_feed_can_be_read", "the same list for all", discover=any_feed)
_add(
    "test_some_feed_holds_something",
    "nothing in any list",
    discover=Then(lambda said, *_: replace(said, entries=[])),
)
_add("test_an_unknown_feed_is_not_found", "an empty list for what is none", discover=lenient)
_add("test_external_ids_hold_the_one_that_was_asked_by", "other ids alone", external_ids=says({"tvdb": "1"}))
_add("test_a_poster_can_be_had", "an empty picture", image=says(Image(b"", "image/png")))
_add(
    "test_a_poster_that_is_not_there_is_not_found", "a grey picture", image=says(Image(b"grey", "image/png"))
)
