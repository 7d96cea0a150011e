"""Details laid over a listed record: nothing is lost, nothing listed whole is frozen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medianest_core.domain.library.detail import beyond, overlaid
from medianest_core.domain.library.merge import BY_LEAF, statements
from medianest_core.sdk.errors import InvalidResponse
from medianest_core.sdk.media import MediaRecord

_texts = st.one_of(st.none(), st.just(""), st.sampled_from(["x", "y"]))
_lists = st.one_of(st.none(), st.lists(st.sampled_from(["a", "b", "c"]), max_size=4))
_leaves = st.one_of(st.none(), st.dictionaries(st.sampled_from(["poster", "logo"]), _texts, max_size=2))
_fields = st.fixed_dictionaries(
    {},
    optional={
        "summary": _texts,
        "genres": _lists,
        "cast": st.lists(st.fixed_dictionaries({"name": st.sampled_from("pqr")}), max_size=3),
        "assets": _leaves,
        "ids": _leaves,
        "rating": st.one_of(st.none(), st.integers(0, 2)),
    },
)


def records(*titles: str) -> st.SearchStrategy[MediaRecord]:
    return st.builds(
        MediaRecord,
        key=st.just("1"),
        kind=st.just("movie"),
        title=st.sampled_from(titles or ("Heat",)),
        library=st.just("1"),
        year=st.sampled_from([None, 1995, 1996]),
        ids=st.dictionaries(st.sampled_from(["imdb", "tmdb"]), st.sampled_from("12"), max_size=2),
        fields=_fields,
    )


def kept(record: MediaRecord) -> dict[str, Any]:
    """What a record says that its details may say too."""
    return {name: value for name, value in statements(record).items() if name not in ("title", "year", "ids")}


@given(records(), records("Heat", "Heat (1995)"))
def test_together_they_say_what_the_source_says(listed: MediaRecord, full: MediaRecord) -> None:
    expected = kept(listed)
    for name, value in kept(full).items():
        expected[name] = {**expected.get(name, {}), **value} if name in BY_LEAF else value
    together = overlaid(listed, beyond(listed, full))
    assert kept(together) == expected
    assert replace(together, fields={}) == replace(listed, fields={}), "what a title is stays the listing's"


@given(records(), records())
def test_asking_twice_changes_nothing(listed: MediaRecord, full: MediaRecord) -> None:
    data = beyond(listed, full)
    together = overlaid(listed, data)
    assert overlaid(together, data) == together
    assert beyond(listed, replace(full, fields=dict(reversed(list(full.fields.items()))))) == data
    assert beyond(together, full) == b""


@given(records(), records(), st.lists(records("Heat", "Heat 2"), max_size=4))
def test_no_later_listing_takes_details_away(
    listed: MediaRecord, full: MediaRecord, later: list[MediaRecord]
) -> None:
    data = beyond(listed, full)
    gained = {
        (name, leaf): one
        for name, value in kept(full).items()
        for leaf, one in (value.items() if name in BY_LEAF else [("", value)])
        if (kept(listed).get(name, {}).get(leaf) if name in BY_LEAF else kept(listed).get(name)) != one
    }
    for one in later:
        shown = kept(overlaid(one, data))
        for (name, leaf), value in gained.items():
            assert (shown[name][leaf] if leaf else shown[name]) == value


@given(records(), records(), records())
def test_what_a_listing_carries_whole_changes_with_it(
    listed: MediaRecord, full: MediaRecord, later: MediaRecord
) -> None:
    data = beyond(listed, full)
    for name, value in kept(later).items():
        if name not in BY_LEAF and kept(full).get(name, kept(listed).get(name)) == kept(listed).get(name):
            assert kept(overlaid(later, data))[name] == value


def test_nothing_more_is_no_bytes_and_the_same_record() -> None:
    record = MediaRecord("1", "movie", "Heat", "1", fields={"genres": ["Crime"]})
    assert beyond(record, replace(record, title="Other", ids={"imdb": "tt1"}, year=1)) == b""
    assert overlaid(record, b"") is record and overlaid(record, None) is record


def test_what_is_not_json_is_refused() -> None:
    record = MediaRecord("1", "movie", "Heat", "1")
    with pytest.raises(InvalidResponse):
        beyond(record, replace(record, fields={"studio": object()}))


def test_the_name_of_a_numbered_episode_may_stand_in_its_details() -> None:
    listed = MediaRecord("e", "episode", "S01E02", "tv", parent="s", index=2)
    more = beyond(listed, replace(listed, title="The Lighthouse"))
    assert overlaid(listed, more).title == "The Lighthouse"
    film = MediaRecord("m", "movie", "Arrival", "films")
    assert beyond(film, replace(film, title="Departure")) == b""
