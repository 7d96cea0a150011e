"""Searching and browsing what exists in the world, beside what the household has."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Mapping, Sequence

import pytest
from PIL import Image

from medianest_core.domain.discover.entries import Entry, RequestMark
from medianest_core.domain.discover.service import LISTS, LISTS_STALE
from medianest_core.host.states import InstanceState
from medianest_core.sdk.catalog import Catalog, CatalogPage, Feed
from medianest_core.sdk.errors import AuthFailed, InvalidResponse, NotFound, NotReady, RateLimited
from medianest_core.sdk.routes import Viewer
from tests.fakes.catalog import BareCatalog, film
from tests.fakes.late import Late
from tests.integration.discover.conftest import ANN, World


def titles(entries: Sequence[Entry]) -> list[str]:
    return [entry.title for entry in entries]


@pytest.fixture
def world(quick_world: World) -> World:
    return quick_world


async def test_two_catalogs_make_one_list(world: World) -> None:
    world.catalog("tmdb").entries = [film(1, "One"), film(2, "Two", ids={"imdb": "tt2"})]
    world.catalog("seerr").entries = [film(2, "Zwei"), film(3, "Three")]
    found = await world.discover.feed(ANN, "trending")
    assert titles(found.entries) == ["Two", "One", "Three"]
    assert found.entries[0].sources == ("tmdb", "seerr")
    [feed] = world.discover.feeds()
    assert (feed.name, feed.sources) == ("trending", ("tmdb", "seerr"))


async def test_one_that_is_away_is_named_and_spoils_nothing(world: World) -> None:
    world.catalog("good").entries = [film(1, "Salt")]
    world.catalog("bad").fail = AuthFailed("The service refuses the token.")
    world.catalog("busy").fail = RateLimited("The service asks us to slow down.", 3)
    world.catalog("broken").answer = "no page at all"
    world.catalog("odd").answer = CatalogPage([film(2, "Odd"), None])  # type: ignore[list-item]  # a plugin's mistake
    world.instances.states["away"] = InstanceState.RETRYING
    world.catalog("away")
    found = await world.discover.search(ANN, "salt")
    assert titles(found.entries) == ["Salt"]
    told = {trouble.instance_id: trouble.reason for trouble in found.troubles}
    assert told["bad"] == "The service refuses the token."
    assert told["busy"] == "The service asks us to slow down."
    assert told["away"] == "It does not answer."
    assert "not understood" in told["broken"]
    assert "not understood" in told["odd"]
    assert found.asked == 6


async def test_one_that_is_late_is_not_waited_for_and_there_the_next_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.catalog("quick").entries = [film(1, "Salt")]
    slow = world.catalog("slow")
    slow.entries, slow.gate = [film(2, "Salt too")], Late(monkeypatch, 30.0)
    world.discover.patience = 20.0
    found = await world.discover.search(ANN, "salt")
    assert titles(found.entries) == ["Salt"]
    [trouble] = found.troubles
    assert (trouble.instance_id, trouble.late, trouble.shown_from) == ("slow", True, None)
    assert trouble.reason == "Slow did not answer in time."
    slow.gate.set()
    found = await world.discover.search(ANN, "salt")
    assert titles(found.entries) == ["Salt", "Salt too"]
    assert slow.asked == [("search", "salt", 1, "en")]


async def test_an_older_answer_is_shown_while_a_catalog_is_away_or_late(world: World) -> None:
    shelf = world.catalog("tmdb")
    shelf.entries = [film(1, "Salt")]
    first = world.clock.now()
    await world.discover.search(ANN, "salt")
    world.clock.advance(LISTS + 1)
    shelf.fail = NotReady("No connection.")
    found = await world.discover.search(ANN, "salt")
    assert titles(found.entries) == ["Salt"]
    assert [(one.late, one.shown_from) for one in found.troubles] == [(False, first)]
    shelf.fail, shelf.gate, world.discover.patience = None, asyncio.Event(), 0.05
    found = await world.discover.search(ANN, "salt")
    assert titles(found.entries) == ["Salt"]
    assert [(one.late, one.shown_from) for one in found.troubles] == [(True, first)]
    assert found.attributions == ["Told by the fake catalog."]
    shelf.gate.set()
    world.discover.patience = 20.0
    assert not (await world.discover.search(ANN, "salt")).troubles
    world.clock.advance(LISTS + LISTS_STALE + 1)
    shelf.fail = NotReady("No connection.")
    found = await world.discover.search(ANN, "salt")
    assert (titles(found.entries), len(found.troubles)) == ([], 1)


async def test_many_who_ask_the_same_ask_once(world: World) -> None:
    shelf = world.catalog("tmdb")
    shelf.entries = [film(1, "Salt")]
    await asyncio.gather(*(world.discover.search(ANN, text) for text in ("salt", "Salt ", " SALT")))
    assert len(shelf.asked) == 1
    german = Viewer("bea", "bea", "user", frozenset(), locale="de")
    await world.discover.search(german, "salt")
    await world.discover.search(ANN, "salt", 2)
    assert [one[2:] for one in shelf.asked] == [(1, "en"), (1, "de"), (2, "en")]


async def test_nothing_is_asked_for_an_empty_text(world: World) -> None:
    shelf = world.catalog("tmdb")
    assert (await world.discover.search(ANN, "  ")).entries == ()
    assert shelf.asked == []


async def test_feeds_of_those_that_have_some(world: World) -> None:
    shelf = world.catalog("tmdb")
    shelf.feeds = [Feed("trending", "Trending"), Feed("upcoming", "Upcoming", ("movie",))]
    world.instances.add("bare", Catalog, BareCatalog(shelf))
    world.instances.states["away"] = InstanceState.RETRYING
    world.catalog("away")
    assert [(one.name, one.kinds, one.plugin) for one in world.discover.feeds()] == [
        ("trending", (), "fake"),
        ("upcoming", ("movie",), "fake"),
    ]
    found = await world.discover.feed(ANN, "no such list")
    assert (found.entries, [one.instance_id for one in found.troubles]) == ([], ["away"])


async def test_details_that_nobody_knows(world: World) -> None:
    shelf = world.catalog("tmdb")
    found = await world.discover.details(ANN, "movie", {"tmdb": "404"})
    assert (found.entry, found.troubles) == (None, [])
    shelf.fail = InvalidResponse("A page instead of an answer.")
    found = await world.discover.details(ANN, "movie", {"tmdb": "405"})
    assert found.entry is None
    assert [one.reason for one in found.troubles] == ["A page instead of an answer."]


async def test_details_of_another_title_are_not_believed(world: World) -> None:
    world.catalog("tmdb").details["movie tmdb 1"] = film(2, "Somebody else's")
    assert (await world.discover.details(ANN, "movie", {"tmdb": "1"})).entry is None


async def test_requests_mark_entries_for_the_viewer(world: World) -> None:
    world.catalog("tmdb").entries = [film(1), film(2)]
    asked: list[tuple[str, list[str]]] = []

    async def marks(viewer: Viewer, entries: Sequence[Entry]) -> Mapping[str, RequestMark]:
        asked.append((viewer.id, [entry.key for entry in entries]))
        return {"movie:tmdb:2": RequestMark("r1", "pending", mine=True)}

    world.discover.requests = marks
    found = await world.discover.feed(ANN, "trending")
    assert [entry.request for entry in found.entries] == [None, RequestMark("r1", "pending", mine=True)]
    assert asked == [("ann", ["movie:tmdb:1", "movie:tmdb:2"])]


async def test_pictures_come_through_our_own_address_and_nothing_else_does(world: World) -> None:
    written = io.BytesIO()
    Image.new("RGB", (500, 750), (20, 90, 120)).save(written, "JPEG")
    shelf = world.catalog("tmdb")
    shelf.entries, shelf.image = [film(1, image="poster:/a.jpg")], written.getvalue()
    [entry] = (await world.discover.feed(ANN, "trending")).entries
    assert entry.image is not None
    picture = entry.image.removeprefix("catalog/")
    served = await world.discover.pictures.serve(picture, 300, "image/webp")
    assert served.media_type == "image/webp"
    await world.discover.pictures.serve(picture, 300, "image/webp")
    assert [one for one in shelf.asked if one[0] == "image"] == [("image", "poster:/a.jpg", 320, 480)]
    other = "A" if picture[0] != "A" else "B"
    for wrong in ("", "x", "ä", other + picture[1:], picture[:-2], picture + "AAAA", "A" * 5000):
        with pytest.raises(NotFound):
            await world.discover.pictures.serve(wrong, 300)
    world.instances.remove("tmdb")
    with pytest.raises(NotReady):
        await world.discover.pictures.serve(picture, 900)
