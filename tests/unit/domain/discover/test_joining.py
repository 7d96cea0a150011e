"""One list of what several catalogs say."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from medianest_core.domain.discover.entries import key_of, parse_key
from medianest_core.domain.discover.joining import Told, joined, usable
from medianest_core.sdk.catalog import CatalogEntry
from tests.fakes.catalog import film

PROVIDERS = st.sampled_from(["tmdb", "imdb", "tvdb"])
IDS = st.dictionaries(PROVIDERS, st.sampled_from(["1", "2", "3"]), min_size=1, max_size=3)
ENTRIES = st.builds(
    CatalogEntry,
    kind=st.sampled_from(["movie", "show"]),
    ids=IDS,
    title=st.sampled_from(["The Quarry Song", "Quarry", "Ember Index"]),
    year=st.sampled_from([None, 2021, 2022]),
    image=st.sampled_from([None, "/a.jpg"]),
    popularity=st.floats(0, 100),
)
TOLD = st.lists(st.builds(Told, st.sampled_from(["a", "b"]), st.integers(0, 19), ENTRIES), max_size=12)


def picture(instance: str, reference: str) -> str:
    return f"{instance}{reference}"


def told(instance: str, *entries: CatalogEntry) -> list[Told]:
    return [Told(instance, place, entry) for place, entry in enumerate(entries)]


def test_what_two_catalogs_name_is_one_entry_with_all_its_ids() -> None:
    one = film(1, "Salt Meridian", year=2021, ids={"imdb": "tt1"}, summary="A map.")
    other = CatalogEntry("movie", {"imdb": "tt1", "tvdb": "9"}, "Salz-Meridian", 2021, image="/p.jpg")
    [entry] = joined([*told("a", one), *told("b", other)], picture)
    assert entry.ids == {"tmdb": "1", "imdb": "tt1", "tvdb": "9"}
    assert (entry.title, entry.summary, entry.image) == ("Salt Meridian", "A map.", "b/p.jpg")
    assert entry.sources == ("a", "b")
    assert entry.key == "movie:tmdb:1"


def test_a_film_and_a_series_with_one_number_are_two() -> None:
    found = joined(told("a", film(7, "Wayfarers"), film(7, "Wayfarers", kind="show")), picture)
    assert [entry.key for entry in found] == ["movie:tmdb:7", "show:tmdb:7"]


def test_a_row_that_comes_twice_stands_once() -> None:
    found = joined(told("a", film(1), film(2), film(1)), picture)
    assert [entry.key for entry in found] == ["movie:tmdb:1", "movie:tmdb:2"]


def test_the_order_of_one_catalog_is_kept() -> None:
    found = joined(told("a", *(film(number, popularity=number) for number in range(9, 0, -1))), picture)
    assert [entry.ids["tmdb"] for entry in found] == [str(number) for number in range(9, 0, -1)]


def test_what_stands_high_in_two_lists_comes_first() -> None:
    one, other = told("a", film(1), film(2), film(3)), told("b", film(4), film(3))
    assert joined([*one, *other], picture)[0].key == "movie:tmdb:3"


def test_the_very_name_comes_before_what_resembles_it() -> None:
    found = joined(told("a", film(1, "Quarry"), film(2, "The Quarry Song")), picture, "the quarry song")
    assert found[0].title == "The Quarry Song"


def test_entries_without_name_or_id_are_of_no_use() -> None:
    assert not usable(CatalogEntry("movie", {"tmdb": "1"}, ""))
    assert not usable(CatalogEntry("movie", {"tmdb": ""}, "Named"))
    assert usable(film(1))


@given(TOLD)
def test_nothing_is_lost_and_nothing_stands_twice(rows: list[Told]) -> None:
    found = joined(rows, picture)
    assert {entry.kind for entry in found} == {row.entry.kind for row in rows}
    for row in rows:
        # Each row is in exactly one entry: one of its kind that has its ids, or another id where two were named alike.
        assert any(
            entry.kind == row.entry.kind
            and set(row.entry.ids) <= set(entry.ids)
            and row.instance_id in entry.sources
            for entry in found
        )
    seen: set[tuple[str, str, str]] = set()
    for entry in found:
        marks = {(entry.kind, provider, value) for provider, value in entry.ids.items()}
        assert not marks & seen
        seen |= marks


@given(st.sampled_from(["movie", "show"]), IDS)
def test_a_key_leads_back_to_the_title(kind: str, ids: dict[str, str]) -> None:
    parsed = parse_key(key_of(kind, ids))
    assert parsed is not None
    assert parsed[0] == kind
    assert parsed[1].items() <= ids.items()


def test_what_is_no_key_is_none() -> None:
    assert [
        parse_key(text) for text in ("", "movie", "movie:tmdb", "movie::1", "movie:tmdb:", "x" * 300)
    ] == [None] * 6
