"""Filter operators, sorting and windows of listings, and the pictures."""

from __future__ import annotations

import io
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from medianest_core.testing.world.pictures import (
    BACKDROP,
    POSTER,
    STILL,
    avatar,
    backdrop,
    mosaic,
    poster,
    still,
)
from medianest_core.testing.world.scenes import ALL, PALETTES, Canvas, Scene
from medianest_plex.simulation.catalog import fill, sort_title
from medianest_plex.simulation.entries import tag_id
from medianest_plex.simulation.library import Item, Library
from medianest_plex.simulation.query import Listings, choices, moment, number_test, ordered, text_test, window
from medianest_plex.simulation.search import hubs, matches

LIBRARY = Library()
fill(LIBRARY, 200, 7, "/videos")
LISTINGS = Listings(LIBRARY)
MOVIES = LIBRARY.sections[1]


def find(query: str) -> list[Item]:
    return LISTINGS.find(MOVIES, query)


def item(**values: object) -> Item:
    made = Item(key=1, type="movie", section=1, title="T", added_at=0, updated_at=0)
    for name, value in values.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize(
    ("operator", "value", "year", "matches"),
    [
        ("", "2000", 2000, True),
        ("", "1999,2000", 2000, True),
        ("!", "2000", 2000, False),
        (">>", "1999", 2000, True),
        (">>", "2000", 2000, False),
        ("<<", "2001", 2000, True),
        (">", "2000", 2000, True),
        ("<", "2000", 2000, True),
        ("", "x", 2000, False),
        (">>", "1", None, False),
        ("?", "1", 2000, False),
    ],
)
def test_number_operators(operator: str, value: str, year: int | None, matches: bool) -> None:
    assert number_test(lambda i: i.year, operator, value)(item(year=year)) is matches


@pytest.mark.parametrize(
    ("operator", "value", "matches"),
    [
        ("", "bita", True),
        ("", "=orbital decay", True),
        ("", "=orbital", False),
        ("<", "orb", True),
        ("<", "dec", False),
        (">", "CAY", True),
        ("!", "orb", False),
        ("!", "=orbital", True),
    ],
)
def test_text_operators(operator: str, value: str, matches: bool) -> None:
    assert text_test(lambda i: i.title, operator, value)(item(title="Orbital Decay")) is matches


def test_filters_combine_and_tags_go_by_id_or_name() -> None:
    drama = find("genre=Drama")
    assert drama == find(f"genre={tag_id('Genre', 'Drama')}")
    assert {i.key for i in drama} | {i.key for i in find("genre!=Drama")} == set(MOVIES.keys)
    both = find("genre=Drama&year>>=2010&sort=year:desc,titleSort")
    assert both and all("Drama" in i.genres and (i.year or 0) > 2010 for i in both)
    assert [(-(i.year or 0), i.title_sort.casefold()) for i in both] == sorted(
        (-(i.year or 0), i.title_sort.casefold()) for i in both
    )
    assert find("title==orbital decay")[0].title == "Orbital Decay"
    assert find("unknownField=1") == find("")
    assert [title for _, title in choices("genre", drama)] == sorted({g for i in drama for g in i.genres})
    assert find("unwatched=1") == find("")
    assert find("movie.year=2022") == find("year=2022")


def test_listings_follow_changes() -> None:
    before = len(find("title=brand new"))
    added = LIBRARY.add(
        Item(key=LIBRARY.take_keys(), type="movie", section=1, title="Brand New", added_at=5, updated_at=5)
    )
    assert len(find("title=brand new")) == before + 1
    LIBRARY.remove(added)
    assert len(find("title=brand new")) == before


@given(st.lists(st.tuples(st.one_of(st.none(), st.integers(1900, 2030)), st.text(max_size=4)), max_size=30))
def test_sorting_keeps_everything_and_is_stable(rows: list[tuple[int | None, str]]) -> None:
    items = [item(key=n, year=year, title=title) for n, (year, title) in enumerate(rows)]
    result = ordered(items, "year:desc:nullsLast,title")
    assert sorted(i.key for i in result) == list(range(len(rows)))
    assert ordered(list(reversed(items)), "year:desc:nullsLast,title") == result
    years = [i.year for i in result]
    known = [year for year in years if year is not None]
    assert years == known + [None] * (len(years) - len(known))
    assert known == sorted(known, reverse=True)


@given(st.text(max_size=8), st.text(max_size=8))
def test_windows_never_fail(start: str, size: str) -> None:
    asked = window({"X-Plex-Container-Start": start}, {"X-Plex-Container-Size": size})
    assert asked.start >= 0
    assert asked.size is None or asked.size >= 0


def test_moments() -> None:
    assert moment("12.5") == 12.5
    assert moment("-1d") > moment("-2d") > moment("-1mon")
    with pytest.raises(ValueError):
        moment("soon")


def test_search_folds_case_and_prefers_beginnings() -> None:
    sections = list(LIBRARY.sections.values())
    assert matches(LIBRARY, sections, "ORBITAL dec", "movie")[0].title == "Orbital Decay"
    assert matches(LIBRARY, sections, "rbital", "movie") == []
    assert hubs(LIBRARY, sections, "  ", 3) == []
    person = LIBRARY.items[MOVIES.keys[0]].cast[0][0]
    actors = next(hub for hub in hubs(LIBRARY, sections, person, 3) if hub["type"] == "actor")
    assert actors["Directory"][0]["tag"] == person  # type: ignore[index]  # a hub is loosely typed


def test_sort_title_drops_a_leading_article() -> None:
    assert [sort_title(t) for t in ("The Wire", "A Plan", "Another", "The ")] == [
        "Wire",
        "Plan",
        "Another",
        "The ",
    ]


@pytest.mark.parametrize("scene", ALL)
@pytest.mark.parametrize("size", [POSTER, BACKDROP, STILL])
def test_every_scene_can_be_drawn_in_every_shape(scene: Scene, size: tuple[int, int]) -> None:
    for seed in range(3):
        canvas = Canvas(*size, random.Random(seed), PALETTES[seed])
        scene(canvas)
        low, high = canvas.image.convert("L").getextrema()
        assert isinstance(low, int) and isinstance(high, int) and high - low > 60


@pytest.mark.parametrize("title", ["Orbital Decay", "Ä–’ 漢字", "x" * 90, "Words " * 30, ""])
def test_pictures_have_their_size_and_depend_on_seed_and_item_alone(title: str) -> None:
    subject = item(key=77, title=title, genres=("Drama",), year=2020, index=4)
    for draw, size in ((poster, (600, 900)), (backdrop, (1280, 720)), (still, (640, 360))):
        body = draw(7, subject)
        assert Image.open(io.BytesIO(body)).size == size
    assert poster(7, subject) == poster(7, subject)
    assert poster(7, subject) != poster(8, subject)
    assert Image.open(io.BytesIO(mosaic("T", [poster(7, subject)] * 3))).size == (600, 900)
    assert Image.open(io.BytesIO(avatar("Ada Quill"))).size == (256, 256)
