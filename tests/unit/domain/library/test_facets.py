"""Counts of what can be chosen: each is what choosing it would leave."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from medianest_core.domain.library.reading.facets import Cell, Counts, count
from medianest_core.domain.library.reading.query import LibraryQuery

GENRES, SERVERS = ("Crime", "Drama", "Sport"), ("a", "b", "c")
cells = st.lists(
    st.builds(
        Cell,
        st.sets(st.sampled_from(GENRES)).map(lambda one: tuple(sorted(one))),
        st.sets(st.sampled_from(SERVERS), min_size=1).map(lambda one: tuple(sorted(one))),
        st.sampled_from(("movie", "show")),
        st.sampled_from((0, 1080, 2160)),
        st.sampled_from((0, 1990, 2000)),
        st.integers(1, 5),
    ),
    max_size=12,
)
choices = st.builds(
    LibraryQuery,
    kinds=st.sampled_from(((), ("movie",), ("movie", "show"))),
    genres=st.sets(st.sampled_from(GENRES)).map(tuple),
    decades=st.sampled_from(((), (1990,), (2000, 1990))),
    qualities=st.sampled_from(((), (1080,), (2160,))),
    instance_ids=st.sets(st.sampled_from(SERVERS)).map(tuple),
    availability=st.sampled_from(("", "now", "several", "single")),
    answering=st.sets(st.sampled_from(SERVERS)).map(tuple),
)


def fits(cell: Cell, query: LibraryQuery) -> bool:
    """The filters once more, spelt out."""
    where = {
        "": True,
        "now": bool(set(query.answering) & set(cell.instance_ids)),
        "several": len(cell.instance_ids) > 1,
        "single": len(cell.instance_ids) == 1,
    }
    return (
        (not query.kinds or cell.kind in query.kinds)
        and (not query.genres or bool(set(query.genres) & set(cell.genres)))
        and (not query.decades or cell.decade in query.decades)
        and (not query.qualities or cell.quality in query.qualities)
        and (not query.instance_ids or bool(set(query.instance_ids) & set(cell.instance_ids)))
        and where[query.availability]
    )


@settings(deadline=None)
@given(cells, choices)
def test_a_count_is_how_many_are_left_when_it_is_chosen_alone_of_its_kind(
    found: list[Cell], query: LibraryQuery
) -> None:
    facets = count(found, query)
    for name, counts in (
        ("kinds", facets.kinds),
        ("genres", facets.genres),
        ("decades", facets.decades),
        ("qualities", facets.qualities),
        ("instance_ids", facets.instance_ids),
    ):
        offered: Any = counts
        for value, number in offered.items():
            narrowed: dict[str, Any] = {name: (value,)}
            chosen = replace(query, **narrowed)
            assert number == sum(cell.count for cell in found if fits(cell, chosen)), (name, value)
    for word, number in facets.availability.items():
        chosen = replace(query, availability=word)
        assert number == sum(cell.count for cell in found if fits(cell, chosen)), word


def test_counts_are_kept_until_the_library_changes() -> None:
    counts, base, drama = Counts(), LibraryQuery(), LibraryQuery(genres=("Drama",))
    film = Cell(("Drama",), ("a",), "movie", 1080, 1990, 3)
    assert counts.get(1, base, base) is None
    assert counts.put(1, base, [film], base).kinds == {"movie": 3}
    kept = counts.get(1, base, drama)
    assert kept is not None and kept.kinds == {"movie": 3}
    assert counts.get(1, base, drama) is kept
    assert counts.get(2, base, drama) is None, "the library has changed"
    assert counts.get(1, LibraryQuery(text="x"), drama) is None, "other words are counted anew"
