"""Lists, filters, search and collections."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from sqlalchemy import text

from medianest_core.domain.library.reading.query import LibraryQuery
from medianest_core.host.states import InstanceState
from medianest_core.sdk.errors import NotFound, NotReady, UserError
from medianest_core.sdk.fields import TitleKey
from medianest_core.sdk.media import Collection, MediaChoice, MediaRecord
from medianest_core.sdk.media import Library as Section
from tests.databases import POSTGRESQL
from tests.fakes.media import movie
from tests.fakes.portal import Writes
from tests.integration.library.conftest import Shelf


async def filled(shelf: Shelf) -> None:
    server = shelf.server("a")
    uhd = {"width": 3840, "height": 2160, "hdr": "HDR10"}
    server.put(
        movie("1", "The Amélie Story", year=2001, fields={"genres": ["Comedy", "Drama"], "rating": 8.1}),
        movie("2", "Blade Runner", year=1982, fields={"genres": ["Sci-Fi"], "media": uhd, "rating": 9.0}),
        movie("3", "Çedilla 100%", year=1999, fields={"genres": ["Drama"], "directors": ["Wong Kar-wai"]}),
        movie("4", "Drama_Queen", year=0, fields={"cast": [{"name": "Björk", "role": "Selma"}]}),
    )
    await shelf.sync()


async def titles(shelf: Shelf, **query: object) -> list[str]:
    page = await shelf.library.list_titles(LibraryQuery(**query))  # type: ignore[arg-type]  # fields by name
    assert page.total == len(page.items)
    return [one.title for one in page.items]


async def test_filters_narrow_and_sorts_order(shelf: Shelf) -> None:
    await filled(shelf)
    assert await titles(shelf) == ["The Amélie Story", "Blade Runner", "Çedilla 100%", "Drama_Queen"]
    assert await titles(shelf, genres=("Drama",)) == ["The Amélie Story", "Çedilla 100%"]
    assert await titles(shelf, genres=("Sci-Fi", "Comedy")) == ["The Amélie Story", "Blade Runner"]
    assert await titles(shelf, genres=("Dra%",)) == []
    assert await titles(shelf, year_from=1990, year_to=2000) == ["Çedilla 100%"]
    assert await titles(shelf, year_to=2000) == ["Blade Runner", "Çedilla 100%"]
    assert await titles(shelf, qualities=(2160,)) == ["Blade Runner"]
    assert await titles(shelf, hdr=True) == ["Blade Runner"]
    assert await titles(shelf, sort="rating", descending=True, limit=4) == [
        "Blade Runner",
        "The Amélie Story",
        "Drama_Queen",
        "Çedilla 100%",
    ]
    assert await titles(shelf, kinds=("show",)) == []
    facets = await shelf.library.facets()
    assert facets.genres == {"Comedy": 1, "Drama": 2, "Sci-Fi": 1}
    assert (facets.kinds, facets.qualities, facets.instance_ids) == ({"movie": 4}, {2160: 1}, {"a": 4})
    assert (facets.year_from, facets.year_to) == (1980, 2009)
    assert facets.decades == {2000: 1, 1990: 1, 1980: 1}


@pytest.mark.parametrize("sort", ["title", "added", "year", "rating", "released"])
@pytest.mark.parametrize("descending", [False, True])
async def test_paging_meets_every_title_once(shelf: Shelf, sort: str, descending: bool) -> None:
    server = shelf.server("a")
    server.put(*(movie(str(n), f"Film {n % 7}", year=1990 + n % 3, ids={"imdb": str(n)}) for n in range(40)))
    await shelf.sync()
    seen: list[int] = []
    cursor = None
    while True:
        page = await shelf.library.list_titles(
            LibraryQuery(sort=sort, descending=descending, cursor=cursor, limit=7)
        )
        seen += [one.id for one in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 40


async def test_search_finds_beginnings_of_words_and_people(shelf: Shelf) -> None:
    await filled(shelf)

    async def found(words: str) -> list[str]:
        return [one.title for one in await shelf.library.search(words)]

    assert await found("amelie") == ["The Amélie Story"]
    assert await found("BLADE run") == ["Blade Runner"]
    assert await found("wong kar") == ["Çedilla 100%"]
    assert await found("bjork") == ["Drama_Queen"]
    assert await found("cedilla") == ["Çedilla 100%"]
    for strange in ("", "  ", '"', "*", "a OR b", "NEAR(", "'; DROP TABLE titles;--", "\0", "%"):
        await found(strange)
        await shelf.library.list_titles(LibraryQuery(text=strange))
    assert await titles(shelf, text="***") == []


@pytest.mark.parametrize("cursor", ["x", "e30", "WzEsMiwzXQ", "WyJ0aXRsZSIsMSwyXQ", "%%%", "ä"])
async def test_a_cursor_that_is_not_ours_is_refused(shelf: Shelf, cursor: str) -> None:
    with pytest.raises(UserError):
        await shelf.library.list_titles(LibraryQuery(cursor=cursor))


async def test_lists_use_an_index(shelf: Shelf, backend: str) -> None:
    await filled(shelf)
    plans = []
    explain = "EXPLAIN" if backend == POSTGRESQL else "EXPLAIN QUERY PLAN"
    async with shelf.floor.db.read() as tx:
        if backend == POSTGRESQL:
            # It would rather read and sort the few rows of a test.
            for way in ("seqscan", "bitmapscan", "sort", "incremental_sort"):
                await tx.execute(text(f"SET LOCAL enable_{way} = off"))
        for column in ("sort_title", "added_at", "year", "rating", "released_on"):
            rows = await tx.execute(
                text(
                    f"{explain} SELECT * FROM titles WHERE level = 0 AND ({column}, id) > ('1', 1)"
                    f" ORDER BY {column}, id LIMIT 61"
                )
            )
            plans.append((column, " ".join(str(row[-1]) for row in rows)))
    assert all(f"ix_titles_{column}" in plan for column, plan in plans), plans
    assert not any("sort" in plan.lower().replace("sort_title", "") for _, plan in plans), plans


async def test_new_episodes_bring_a_show_to_the_front(shelf: Shelf) -> None:
    server = shelf.server("a")
    server.libraries = [*server.libraries, Section("2", "Shows", "show")]
    server.put(
        movie("1", "Older", added_at=50.0),
        movie("2", "Newer", added_at=60.0),
        MediaRecord("s", "show", "Long ago", "2", added_at=1.0),
        MediaRecord("s1", "season", "Season 1", "2", parent="s", index=1, added_at=1.0),
        MediaRecord("e1", "episode", "One", "2", parent="s1", index=1, added_at=2.0),
        MediaRecord("e2", "episode", "Two", "2", parent="s1", index=2, added_at=99.0),
    )
    await shelf.sync()
    assert [(one.row.title, one.at) for one in await shelf.library.recent()] == [
        ("Long ago", 99.0),
        ("Newer", 60.0),
        ("Older", 50.0),
    ]
    assert [one.row.title for one in await shelf.library.recent(kinds=("movie",))] == ["Newer", "Older"]


async def test_collections_are_read_here_and_written_there(shelf: Shelf) -> None:
    server = shelf.server("a")
    server.put(*(movie(str(n), f"Film {n}") for n in range(5)))
    server.collections["c1"] = (Collection("c1", "Best of", "1", 2, "The best."), ["3", "1"])
    await shelf.sync()
    (card,) = await shelf.library.collections()
    assert (card.title, card.count, len(card.posters)) == ("Best of", 2, 2)
    detail = await shelf.library.collection("a", "c1")
    assert detail is not None
    assert [one.title for one in detail.items] == ["Film 3", "Film 1"]
    ids = {one.title: one.id for one in (await shelf.library.list_titles(LibraryQuery())).items}
    with Writes(shelf.floor.db) as writes:
        await shelf.sync()
    assert not {"collections", "collection_items"} & set(writes.tables)

    await shelf.library.add_to_collection("a", "c1", [ids["Film 4"], ids["Film 1"]], None)
    await shelf.library.remove_from_collection("a", "c1", ids["Film 3"], None)
    key = await shelf.library.create_collection("a", "1", "New", [ids["Film 0"]], None)
    assert server.collections["c1"][1] == ["1", "4"]
    for wanted, names in (("c1", ["Film 1", "Film 4"]), (key, ["Film 0"])):
        found = await shelf.library.collection("a", wanted)
        assert found is not None and [one.title for one in found.items] == names
    async with shelf.floor.db.read() as tx:
        actions = [row[0] for row in await tx.execute(text("SELECT action FROM audit ORDER BY id"))]
    assert actions == ["collection.extended", "collection.reduced", "collection.created"]

    shelf.instances.states["a"] = InstanceState.RETRYING
    assert len(await shelf.library.collections()) == 2, "the stored copy is still there"
    with pytest.raises(NotReady):
        await shelf.library.add_to_collection("a", "c1", [ids["Film 2"]], None)
    shelf.instances.states["a"] = InstanceState.READY
    with pytest.raises(NotFound):
        await shelf.library.add_to_collection("a", "c1", [987654], None)
    del server.collections["c1"]
    await shelf.sync()
    assert [one.title for one in await shelf.library.collections()] == ["New"]


async def test_a_title_opens_where_it_is(shelf: Shelf) -> None:
    one, two = shelf.server("a"), shelf.server("b")
    one.put(movie("1", "Heat"))
    two.put(movie("2", "Heat"))
    await shelf.sync()
    heat = (await shelf.library.search("heat"))[0]
    assert await shelf.library.deep_link(heat.id) == "https://example.com/a/1"
    assert await shelf.library.deep_link(heat.id, "b") == "https://example.com/b/2"
    asked: list[object] = []

    async def second(title: TitleKey, candidates: Sequence[MediaChoice]) -> str:
        asked.append((title.title, [(one.instance, one.key) for one in candidates]))
        return candidates[1].instance

    shelf.library.choosing = second
    assert await shelf.library.deep_link(heat.id) == "https://example.com/b/2"
    assert await shelf.library.deep_link(heat.id, "a") == "https://example.com/a/1"
    assert asked == [("Heat", [("a", "1"), ("b", "2")])], "only where the person did not say"
    shelf.instances.states["b"] = InstanceState.RETRYING
    assert await shelf.library.deep_link(heat.id) == "https://example.com/a/1", "a wish, and no more"
    shelf.instances.states["b"], shelf.library.choosing = InstanceState.READY, None
    shelf.instances.states["a"] = InstanceState.RETRYING
    assert await shelf.library.deep_link(heat.id) == "https://example.com/b/2"
    with pytest.raises(NotReady):
        await shelf.library.deep_link(heat.id, "a")
    with pytest.raises(NotFound):
        await shelf.library.deep_link(999)
    assert await shelf.library.title(999) is None


async def test_captions_are_told_with_english_first(shelf: Shelf) -> None:
    said = {tag: {"title": tag} for tag in ("de", "pt-BR", "en-GB", "ar", "eng")}
    shelf.server("a").put(movie("1", "Heat", fields={"captions": said}))
    await shelf.sync()
    detail = await shelf.library.title((await shelf.library.search("heat"))[0].id)
    assert detail is not None
    assert list(detail.values["captions"]) == ["en-GB", "eng", "ar", "de", "pt-BR"]
    assert list(detail.availability[0].captions) == ["en-GB", "eng", "ar", "de", "pt-BR"]


async def test_a_placeholder_is_that_of_the_picture_that_is_shown(shelf: Shelf) -> None:
    first, second = shelf.server("a"), shelf.server("b")
    first.put(movie("1", "Heat", fields={"assets": {"poster": "/a"}, "blurhash": {"backdrop": "A"}}))
    second.put(
        movie(
            "1",
            "Heat",
            fields={
                "assets": {"poster": "/b", "backdrop": "/b"},
                "blurhash": {"poster": "B", "backdrop": "B"},
            },
        )
    )
    await shelf.sync()
    title = (await shelf.library.search("heat"))[0].id
    for order, expected in ((["a", "b"], None), (["b", "a"], {"poster": "B", "backdrop": "B"})):
        await shelf.order("artwork", order)
        detail = await shelf.library.title(title)
        assert detail is not None and detail.values.get("blurhash") == expected
