"""The catalog over the simulated TMDB."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from medianest_core.base.http_factory import HttpFactory
from medianest_core.sdk import CatalogCapability, InvalidResponse, NotFound, capabilities_of
from medianest_core.testing.simulators import RunningSimulator
from medianest_core.testing.world.titles import MOVIE, elsewhere
from medianest_tmdb import models
from medianest_tmdb.catalog import TmdbCatalog

from .tmdb_kit import FILM, SERIES, Plugged, plug

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(
    [
        "id", "title", "name", "overview", "poster_path", "release_date", "vote_average", "vote_count", "genres", "credits",
        "aggregate_credits", "external_ids", "seasons", "translations", "release_dates", "episode_run_time", "media_type", "videos", "belongs_to_collection",
    ]
)  # fmt: skip


def test_it_can_all_that_catalogs_can() -> None:
    assert capabilities_of(TmdbCatalog) == set(CatalogCapability)


async def test_a_film_that_is_searched_for(tmdb: Plugged) -> None:
    found = await tmdb.catalog.search("meridian heist")
    [film] = found.entries
    assert (film.kind, film.title, film.ids) == ("movie", FILM.title, {"tmdb": FILM.ids["tmdb"]})
    assert film.summary == FILM.summary
    assert film.image is not None and film.image.startswith("poster:/")
    assert (found.page, found.pages, found.total) == (1, 1, 1)


async def test_people_are_left_out_of_what_is_found(tmdb: Plugged) -> None:
    name = next(iter(tmdb.simulator.service.catalogue.people.values())).name
    assert (await tmdb.catalog.search(name)).entries == []
    assert (await tmdb.catalog.search("   ")).entries == ()
    assert len(tmdb.asked("/search")) == 1


async def test_titles_that_are_long_or_odd_or_from_right_to_left(tmdb: Plugged) -> None:
    for title in elsewhere(MOVIE)[-4:]:
        [film] = (await tmdb.catalog.search(title.title)).entries
        assert film.title == title.title


async def test_a_reader_of_another_language(tmdb: Plugged) -> None:
    [film] = (await tmdb.catalog.search("meridian", language="de")).entries[:1]
    details = await tmdb.catalog.details("movie", {"tmdb": FILM.ids["tmdb"]}, "de")
    assert details.title == "Der Meridian-Coup"
    assert details.summary.startswith("Fünf Uhrmacher")
    untranslated = await tmdb.catalog.details("show", {"tmdb": SERIES.ids["tmdb"]}, "ja")
    assert untranslated.summary == SERIES.summary
    assert film.title
    assert {one["query"]["language"] for one in tmdb.asked("/movie")} == {"de"}


async def test_the_country_of_the_setting_counts_for_its_language(
    served: RunningSimulator, factory: HttpFactory
) -> None:
    tmdb = await plug(factory, served, language="de-AT")
    await tmdb.catalog.search("salt", language="de")
    await tmdb.catalog.search("salt", language="en")
    assert [one["query"]["language"] for one in tmdb.asked("/search")] == ["de-AT", "en"]


async def test_everything_of_a_film_in_one_question(tmdb: Plugged) -> None:
    film = await tmdb.catalog.details("movie", {"tmdb": FILM.ids["tmdb"]})
    assert film.ids == {"tmdb": FILM.ids["tmdb"], "imdb": FILM.ids["imdb"]}
    assert film.runtime == FILM.minutes * 60
    assert list(film.genres) == ["Crime", "Thriller"]
    assert film.people[0].role
    assert "Director" in {one.role for one in film.people}
    assert film.fields["tagline"] == FILM.tagline
    assert film.fields["content_rating"] == FILM.content_rating
    assert len(tmdb.asked("/movie")) == 1


async def test_trailers_come_first_and_only_from_sites_that_are_known(tmdb: Plugged) -> None:
    works = tmdb.simulator.service.catalogue.works.values()
    work = next(one for one in works if one.kind == "movie" and "arbour" in one.title.title and one.id % 4)
    film = await tmdb.catalog.details("movie", {"tmdb": str(work.id)})
    assert [one["kind"] for one in film.fields["videos"]] == ["Trailer", "Teaser"]
    assert film.fields["videos"][0]["url"].startswith("https://www.youtube.com/watch?v=")
    assert film.fields["collection"] == "The Harbour Collection"


async def test_a_series_with_its_seasons(tmdb: Plugged) -> None:
    series = await tmdb.catalog.details("show", {"tmdb": SERIES.ids["tmdb"]})
    assert series.ids == dict(SERIES.ids)
    assert [season.number for season in series.seasons] == list(range(SERIES.seasons + 1))
    assert all(season.episodes for season in series.seasons)
    assert series.fields["content_rating"] == SERIES.content_rating
    assert series.fields["studio"] == SERIES.studio


async def test_a_title_known_by_another_id(tmdb: Plugged) -> None:
    assert (await tmdb.catalog.details("movie", {"imdb": FILM.ids["imdb"]})).title == FILM.title
    assert (await tmdb.catalog.details("show", {"tvdb": SERIES.ids["tvdb"]})).title == SERIES.title
    assert await tmdb.catalog.external_ids("show", {"tvdb": SERIES.ids["tvdb"]}) == dict(SERIES.ids)


@pytest.mark.parametrize(
    ("kind", "ids"),
    [
        ("movie", {"tmdb": "1"}),
        ("movie", {"tmdb": "603/../../account"}),
        ("movie", {"imdb": "tt0000001"}),
        ("movie", {"imdb": "../search"}),
        ("movie", {}),
        ("episode", {"tmdb": FILM.ids["tmdb"]}),
    ],
)
async def test_what_it_does_not_know(tmdb: Plugged, kind: str, ids: dict[str, str]) -> None:
    with pytest.raises(NotFound, match="TMDB does not know this"):
        await tmdb.catalog.details(kind, ids)


async def test_all_its_lists(tmdb: Plugged) -> None:
    feeds = tmdb.catalog.feeds()
    assert len({feed.name for feed in feeds}) == len(feeds) == 9
    for feed in feeds:
        page = await tmdb.catalog.discover(feed.name)
        assert {entry.kind for entry in page.entries} <= set(feed.kinds)
        assert page.page == 1
        if feed.name not in ("movies_now", "shows_now", "shows_upcoming"):
            assert page.entries, feed.name
    second = await tmdb.catalog.discover("movies", 2)
    assert second.page == 2
    with pytest.raises(NotFound):
        await tmdb.catalog.discover("no such list")


async def test_films_that_nobody_rated_have_no_rating(tmdb: Plugged) -> None:
    [film] = (await tmdb.catalog.search("velvet protocol")).entries
    assert (film.rating, film.released, film.year) == (None, None, None)
    details = await tmdb.catalog.details("movie", film.ids)
    assert (details.rating, details.runtime) == (None, None)


@pytest.mark.parametrize(("width", "size"), [(90, 92), (300, 342), (780, 600), (1920, 600)])
async def test_pictures_at_a_fitting_size(tmdb: Plugged, width: int, size: int) -> None:
    [film] = (await tmdb.catalog.search("meridian heist")).entries
    assert film.image is not None
    picture = await tmdb.catalog.image(film.image, width, width * 3 // 2)
    assert picture.media_type == "image/jpeg"
    with Image.open(io.BytesIO(picture.content)) as opened:
        assert opened.width == size


@pytest.mark.parametrize(
    "reference",
    [
        "",
        "/x.jpg",
        "poster:x.jpg",
        "poster:/../3/movie/1",
        "poster:/x.svg",
        "cover:/x.jpg",
        "poster:/gone.jpg",
    ],
)
async def test_only_pictures_of_the_image_host_are_fetched(tmdb: Plugged, reference: str) -> None:
    with pytest.raises(NotFound):
        await tmdb.catalog.image(reference, 300, 450)


@given(st.dictionaries(NAMES, JSON))
def test_no_row_is_a_mistake(row: dict[str, object]) -> None:
    for wire in ("movie", "tv"):
        models.entry(wire, row)
        models.page({"results": [row]}, wire)
        try:
            models.details(wire, row, "en-US")
        except InvalidResponse:
            assert not models.entry(wire, row)
