"""What the library has of the titles that catalogs name."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import text

from medianest_core.domain.discover.entries import Entry
from medianest_core.domain.library.reading.known import Named, lookup, titles_of
from medianest_core.sdk.catalog import CatalogPerson, CatalogSeason
from medianest_core.sdk.errors import NotReady
from medianest_core.sdk.media import MediaRecord
from tests.fakes.catalog import film
from tests.fakes.media import movie
from tests.integration.discover.conftest import ANN, World


def titles(entries: Sequence[Entry]) -> list[str]:
    return [entry.title for entry in entries]


async def test_a_page_says_what_the_library_has(world: World) -> None:
    world.server.put(
        movie("1", "Salt Meridian", ids={"tmdb": "11", "imdb": "tt11"}),
        movie("2", "Second", ids={"imdb": "tt12"}),
        movie("3", "Another", ids={"tmdb": "99"}),
    )
    await world.sync()
    shelf = world.catalog("tmdb")
    shelf.entries = [
        film(11, "Salt Meridian"),
        film(12, "Salt and Second", ids={"imdb": "tt12"}),
        film(13, "Salt Road"),
        film(11, "Salt the Series", kind="show"),
    ]
    found = await world.discover.search(ANN, "salt")
    by_key = {entry.key: entry for entry in found.entries}
    assert len(by_key) == 4
    held = by_key["movie:tmdb:11"].available
    assert held is not None
    assert list(held.instance_ids) == ["plex"]
    assert held.poster is not None
    detail = await world.library.title(held.title_id)
    assert detail is not None
    assert detail.row.title == "Salt Meridian"
    assert by_key["movie:tmdb:12"].available is not None
    assert by_key["movie:tmdb:13"].available is None
    assert by_key["show:tmdb:11"].available is None
    assert found.attributions == ["Told by the fake catalog."]
    assert (found.asked, found.troubles, found.total) == (1, [], 4)


async def test_one_read_says_it_for_a_whole_page(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.server.put(*(movie(str(number), ids={"tmdb": str(number)}) for number in range(60)))
    await world.sync()
    world.catalog("tmdb").entries = [film(number, ids={"imdb": f"tt{number}"}) for number in range(40)]
    mine = asyncio.current_task()
    reads = 0
    glance = world.floor.db.glance

    def counted(**options: Any) -> Any:
        nonlocal reads
        # The dispatcher looks at its schedules now and then.
        reads += asyncio.current_task() is mine
        return glance(**options)

    monkeypatch.setattr(world.floor.db, "glance", counted)
    found = await world.discover.feed(ANN, "trending")
    assert [entry.available is not None for entry in found.entries] == [True] * 40
    assert reads == 1


async def test_the_read_uses_the_key_of_the_ids(world: World) -> None:
    world.server.put(*(movie(str(number), ids={"tmdb": str(number)}) for number in range(500)))
    await world.sync()
    dialect = world.floor.db.engine.dialect
    statement = lookup(
        {(kind, name, str(n)) for kind in ("movie", "show") for name in ("tmdb", "imdb") for n in range(20)},
        {f"movie|2000|movie {n}" for n in range(20)},
    )
    asked = str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
    async with world.floor.db.begin() as tx:
        if dialect.name == "sqlite":
            explain = "EXPLAIN QUERY PLAN "
        else:
            explain = "EXPLAIN "
            # So few rows are quicker read from end to end; what matters is that there is a way by the key.
            await tx.execute(text("SET LOCAL enable_seqscan = off"))
        plan = [str(row) for row in (await tx.execute(text(explain + asked))).all()]
    assert any("title_ids" in line for line in plan)
    assert not any(re.search(r"SCAN (title_ids|titles)|Seq Scan", line) for line in plan), plan


async def test_a_name_and_a_year_count_where_ids_say_nothing(world: World) -> None:
    world.server.put(
        movie("1", "Salt Meridian", year=2021, ids={"imdb": "tt1"}),
        movie("2", "Sea Wall", year=2019, ids={"tmdb": "900"}),
        movie("3", "Home video", year=2020, ids={}),
        movie("4", "Twice", year=2001, ids={"imdb": "tt4"}),
        movie("5", "Twice", year=2001, ids={"imdb": "tt5"}),
    )
    await world.sync()
    wanted = {
        "salt": Named("movie", {"tmdb": "11"}, ("Salz-Meridian", "Salt Meridian"), 2021),
        "another year": Named("movie", {"tmdb": "11"}, ("Salt Meridian",), 2020),
        "without a year": Named("movie", {"tmdb": "11"}, ("Salt Meridian",)),
        "another kind": Named("show", {"tmdb": "11"}, ("Salt Meridian",), 2021),
        "another id": Named("movie", {"tmdb": "901"}, ("Sea Wall",), 2019),
        "no ids": Named("movie", {}, ("home VIDEO",), 2020),
        "two of one name": Named("movie", {"tmdb": "12"}, ("Twice",), 2001),
        "one of two": Named("movie", {"imdb": "tt5"}, ("Twice",), 2001),
    }
    rows = await titles_of(world.floor.db, list(wanted.values()))
    found = {name: row.title for name, row in zip(wanted, rows, strict=True) if row is not None}
    assert found == {"salt": "Salt Meridian", "no ids": "Home video", "one of two": "Twice"}


async def test_details_with_people_seasons_and_what_the_library_has_of_them(world: World) -> None:
    def part(key: str, kind: str, parent: str | None, index: int) -> MediaRecord:
        return MediaRecord(key, kind, f"{kind} {index}", "1", parent=parent, index=index)

    world.server.put(
        MediaRecord("s", "show", "Wayfarers", "1", 2014, {"tvdb": "70"}),
        part("s1", "season", "s", 1),
        part("e1", "episode", "s1", 1),
        part("e2", "episode", "s1", 2),
    )
    await world.sync()
    shelf = world.catalog("tmdb")
    shelf.details["show tmdb 7"] = film(
        7,
        "Wayfarers",
        kind="show",
        ids={"tvdb": "70"},
        image="/poster.jpg",
        people=(CatalogPerson("Ada Quill", "Mara", "/ada.jpg"), CatalogPerson("")),
        seasons=(CatalogSeason(1, "Season 1", 8, "2014-09-01"), CatalogSeason(2, "Season 2", 6)),
        fields={"tagline": "On the road.", "status": "Ended"},
    )
    found = await world.discover.details(ANN, "show", {"tmdb": "7"})
    assert found.entry is not None
    assert found.entry.available is not None
    assert found.entry.image is not None
    assert found.entry.image.startswith("catalog/")
    assert [(one.name, one.role, one.image is not None) for one in found.people] == [
        ("Ada Quill", "Mara", True)
    ]
    assert [(one.number, one.episodes, one.held) for one in found.seasons] == [(1, 8, 2), (2, 6, 0)]
    assert found.seasons[0].title_id is not None
    assert found.fields == {"tagline": "On the road.", "status": "Ended"}
    assert found.attributions == ["Told by the fake catalog."]


async def test_what_the_household_has_is_known_also_without_a_catalog(world: World) -> None:
    world.server.put(movie("1", "Salt Meridian", year=2021, ids={"tmdb": "11"}))
    await world.sync()
    world.catalog("tmdb").fail = NotReady("No connection.")
    found = await world.discover.details(ANN, "movie", {"tmdb": "11"})
    assert found.entry is not None
    assert (found.entry.title, found.entry.year, found.entry.sources) == ("Salt Meridian", 2021, ())
    assert found.entry.available is not None
    assert len(found.troubles) == 1


async def test_availability_of_named_titles(world: World) -> None:
    world.server.put(movie("1", ids={"tmdb": "11"}))
    await world.sync()
    wanted = [("movie", {"tmdb": "11"}), ("movie", {"tmdb": "12"}), ("show", {"tmdb": "11"}), ("movie", {})]
    found = await world.discover.availability(wanted)
    assert [one is not None for one in found] == [True, False, False, False]
    assert await world.discover.availability([]) == []
