"""Values that a server stops telling, over real syncs: kept until the others were asked, and for an admin where it is too much."""

from __future__ import annotations

from typing import Any

from medianest_core.bus.events import SystemAlert
from medianest_core.domain.library.reading.query import LibraryQuery
from medianest_core.sdk.errors import NotReady
from tests.fakes.media import movie
from tests.integration.library.conftest import Shelf


def film(**fields: Any) -> Any:
    return movie("1", "Heat", ids={"imdb": "tt1"}, fields=fields)


async def values(shelf: Shelf) -> dict[str, Any]:
    [row] = (await shelf.library.list_titles(LibraryQuery())).items
    detail = await shelf.library.title(row.id)
    assert detail is not None
    return dict(detail.values)


async def two(shelf: Shelf) -> None:
    shelf.server("a").put(film(tagline="A saga.", captions={"en": {"url": "1"}, "fr": {"url": "2"}}))
    shelf.server("b").put(film(studio="Warner"))
    await shelf.sync()


async def test_a_value_waits_until_the_other_server_was_asked(shelf: Shelf) -> None:
    await two(shelf)
    shelf.servers["a"].put(film(captions={"en": {"url": "1"}}))
    shelf.servers["b"].fail = NotReady("It does not answer.")
    await shelf.sync()
    found = await values(shelf)
    assert found["tagline"] == "A saga." and set(found["captions"]) == {"en", "fr"}
    await shelf.sync(instance_ids=("a",), force=True)
    assert (await values(shelf))["tagline"] == "A saga.", "the same server again decides nothing"
    shelf.servers["b"].fail = None
    await shelf.sync(instance_ids=("b",))
    found = await values(shelf)
    assert "tagline" not in found and set(found["captions"]) == {"en"}
    before = await shelf.dump()
    await shelf.sync()
    assert await shelf.dump() == before


async def test_a_value_goes_at_once_where_all_were_asked_in_the_run(shelf: Shelf) -> None:
    await two(shelf)
    shelf.servers["a"].put(film())
    await shelf.sync()
    found = await values(shelf)
    assert "tagline" not in found and "captions" not in found and found["studio"] == "Warner"


async def test_a_listing_that_breaks_off_clears_nothing(shelf: Shelf) -> None:
    await two(shelf)
    shelf.servers["a"].put(film())
    shelf.servers["b"].put(movie("2"), movie("3"))
    shelf.servers["b"].page = 1
    shelf.servers["b"].fail_after = 2
    await shelf.sync(instance_ids=("a", "b"))
    page = await shelf.library.list_titles(LibraryQuery())
    [heat] = [one for one in page.items if one.title == "Heat"]
    detail = await shelf.library.title(heat.id)
    assert detail is not None and detail.values["tagline"] == "A saga."


async def test_who_tells_it_again_ends_the_waiting(shelf: Shelf) -> None:
    await two(shelf)
    shelf.servers["a"].put(film())
    shelf.servers["b"].fail = NotReady("It does not answer.")
    await shelf.sync()
    shelf.servers["b"].fail = None
    shelf.servers["b"].put(film(tagline="Another."))
    await shelf.sync()
    assert (await values(shelf))["tagline"] == "Another."


async def test_a_record_that_loses_too_much_at_once_is_kept_for_the_admin(shelf: Shelf) -> None:
    names = ("tagline", "studio", "directors", "writers", "content_rating", "released_on", "original_title")
    full = {name: [name] if name in ("directors", "writers") else "2000-01-01" for name in names}
    shelf.server("a").put(film(**full))
    await shelf.sync()
    shelf.servers["a"].put(film())
    await shelf.sync()
    assert {name: (await values(shelf)).get(name) for name in names} == full
    await shelf.floor.bus.drain()
    assert [one.key for one in shelf.floor.heard if isinstance(one, SystemAlert)] == ["library.fields_kept"]
    assert await shelf.library.absences.fields_kept() == 1
    assert await shelf.library.absences.let_fields_go(None) == 1
    assert "tagline" not in await values(shelf)
    assert await shelf.library.absences.fields_kept() == 0


async def test_an_admin_is_told_once_of_what_is_kept_and_when_it_is_over(shelf: Shelf) -> None:
    names = ("tagline", "studio", "content_rating", "released_on", "original_title", "sort_title")
    full = dict.fromkeys(names, "2000-01-01")
    shelf.server("a").put(film(**full), movie("2"))
    await shelf.sync()
    shelf.servers["a"].put(film())
    for options in ({}, {}, {"keys": ("2",)}, {"force": True}):
        await shelf.sync(**options)
    shelf.servers["a"].put(film(**full))
    for _ in range(2):
        await shelf.sync()
    await shelf.floor.bus.drain()
    told = [one for one in shelf.floor.heard if isinstance(one, SystemAlert)]
    assert [(one.key, one.active) for one in told] == [
        ("library.fields_kept", True),
        ("library.fields_kept", False),
    ]


async def test_a_server_that_is_removed_hands_over_at_once(shelf: Shelf) -> None:
    await two(shelf)
    shelf.instances.remove("a")
    await shelf.sync()
    found = await values(shelf)
    assert "tagline" not in found and found["studio"] == "Warner"
