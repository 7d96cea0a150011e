"""Searching, browsing and details, as Seerr passes TMDB on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medianest_core.sdk import CatalogCapability, InvalidResponse, NotFound, capabilities_of
from medianest_overseerr import catalog
from medianest_overseerr.catalog import SeerrCatalog

from .seerr_kit import Plugged

BOTH = pytest.mark.parametrize("profile", ["seerr", "overseerr"], indirect=True)


@BOTH
async def test_a_film_is_found_by_its_title(seerr: Plugged) -> None:
    film = seerr.film()
    page = await seerr.catalog.search(film.name)
    entry = next(entry for entry in page.entries if entry.ids["tmdb"] == str(film.tmdb))
    assert (entry.kind, entry.title, entry.year) == ("movie", film.name, film.facts.year)
    assert entry.released == film.released and entry.rating == film.facts.rating
    assert page.total is not None and page.total >= 1


@pytest.mark.parametrize(
    "text", ["it's (a) test*!", "a+b & c=d/e?", "größer #1; [x]", "the  matrix", "100 %", "日本"]
)
async def test_any_text_is_asked_for_as_the_service_wants_it(seerr: Plugged, text: str) -> None:
    page = await seerr.catalog.search(text)
    assert list(page.entries) == []


async def test_text_arrives_as_it_was_typed(seerr: Plugged) -> None:
    for work in seerr.world.titles.all():
        if set(work.name) & set("'!&+,()"):
            found = await seerr.catalog.search(work.name)
            assert str(work.tmdb) in {entry.ids["tmdb"] for entry in found.entries}


async def test_nothing_typed_asks_for_nothing(seerr: Plugged) -> None:
    seerr.simulator.faults.add("500")
    assert list((await seerr.catalog.search("  ")).entries) == []


async def test_a_series_with_everything(seerr: Plugged) -> None:
    series = seerr.series(2)
    entry = await seerr.catalog.details("show", {"tmdb": str(series.tmdb)})
    assert (entry.kind, entry.title) == ("show", series.name)
    assert entry.ids == {"tmdb": str(series.tmdb), "tvdb": str(series.tvdb), "imdb": series.imdb}
    assert [(season.number, season.episodes) for season in entry.seasons] == list(series.seasons())
    assert entry.runtime == series.facts.minutes * 60
    assert list(entry.genres) == list(series.facts.genres)
    assert entry.people[0].role == "Director" and len(entry.people) == 7
    assert await seerr.catalog.external_ids("show", {"tvdb": str(series.tvdb)}) == entry.ids


async def test_a_title_nobody_knows(seerr: Plugged) -> None:
    with pytest.raises(NotFound, match="TMDB does not know it"):
        await seerr.catalog.details("movie", {"tmdb": "1"})


async def test_feeds_and_their_pages(seerr: Plugged) -> None:
    feeds = seerr.catalog.feeds()
    assert [feed.name for feed in feeds] == [
        "trending",
        "movies",
        "shows",
        "movies_upcoming",
        "shows_upcoming",
    ]
    for feed in feeds:
        page = await seerr.catalog.discover(feed.name)
        assert page.entries and {entry.kind for entry in page.entries} <= set(feed.kinds)
    first, second = [await seerr.catalog.discover("trending", number) for number in (1, 2)]
    assert first.pages > 1 and len(first.entries) == 20
    assert not {entry.ids["tmdb"] for entry in first.entries} & {
        entry.ids["tmdb"] for entry in second.entries
    }
    assert list((await seerr.catalog.discover("trending", first.pages + 1)).entries) == []
    with pytest.raises(NotFound):
        await seerr.catalog.discover("best of all")


async def test_posters_come_from_the_image_host_without_the_key(seerr: Plugged) -> None:
    works = seerr.world.titles.all("movie")
    with_poster = next(work for work in works if work.poster)
    without = next(work for work in works if not work.poster)
    entry = await seerr.catalog.details("movie", {"tmdb": str(with_poster.tmdb)})
    assert entry.image == f"poster:{with_poster.poster}"
    picture = await seerr.catalog.image(entry.image, 300, 450)
    assert picture.media_type == "image/jpeg" and picture.content[:2] == b"\xff\xd8"
    assert (await seerr.catalog.details("movie", {"tmdb": str(without.tmdb)})).image is None
    for wrong in ("poster:/../x", "logo:/x.jpg", "poster:x.jpg", "", "poster:/none.jpg"):
        with pytest.raises(NotFound):
            await seerr.catalog.image(wrong, 300, 450)


async def test_tmdb_away_looks_empty(seerr: Plugged) -> None:
    seerr.world.options.tmdb_down = True
    assert list((await seerr.catalog.search("the")).entries) == []
    with pytest.raises(NotFound, match="does not answer it now"):
        await seerr.catalog.details("movie", {"tmdb": str(seerr.film().tmdb)})


def test_people_and_collections_are_left_out() -> None:
    page = catalog._page(
        {
            "results": [
                {"id": 1, "mediaType": "person", "name": "Ada"},
                {"id": 2, "mediaType": "collection", "title": "All of it"},
                {"id": 3, "mediaType": "movie", "title": "One"},
                {"id": 3, "mediaType": "movie", "title": "One again"},
                {"id": "4", "mediaType": "movie", "title": "No number"},
                {"id": 5, "mediaType": "tv", "name": ""},
                "not a row",
            ]
        }
    )
    assert [entry.title for entry in page.entries] == ["One"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "id",
                    "mediaType",
                    "title",
                    "name",
                    "releaseDate",
                    "credits",
                    "cast",
                    "seasons",
                    "seasonNumber",
                    "genres",
                    "episodeRunTime",
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_no_answer_breaks_anything(found: object) -> None:
    row = found if isinstance(found, dict) else {}
    try:
        catalog._page({"results": [found, row], "totalPages": found})
        catalog._details("tv", row)
    except InvalidResponse:
        pass


def test_what_it_can() -> None:
    assert capabilities_of(SeerrCatalog) == set(CatalogCapability)
    assert "TMDB" in SeerrCatalog.attribution
