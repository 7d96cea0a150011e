"""What is found when listings are held against the stored records."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from medianest_core.domain.library.checking.findings import (
    DUPLICATE,
    EXAMPLES,
    EXTRA,
    FIELDS,
    IDENTITY,
    MISSING,
    NOT_READY,
    PARENT,
    UNREADABLE,
    Findings,
    Reader,
    Stored,
    groups_of,
    has_file,
    percent,
)
from medianest_core.domain.library.records import encode
from medianest_core.domain.library.writing.membership import Incoming
from medianest_core.sdk.media import MediaRecord
from tests.fakes.media import movie

FILE = {"files": [{"path": "/m/1.mkv", "size": 5}]}


def incoming(*records: MediaRecord) -> list[Incoming]:
    return [Incoming("a", one, "d", encode(one)) for one in records]


def data(*records: MediaRecord) -> dict[str, bytes]:
    return {one.key: encode(one) for one in records}


def kept(number: int | None = 1, **values: Any) -> Stored:
    values = {"parent_id": None, "parent": None, "library": "1", **values}
    return Stored(number, **values)


def read(stored: dict[str, Stored], listed: list[MediaRecord], had: list[MediaRecord]) -> Findings:
    reader = Reader(stored)
    reader.page(incoming(*listed), data(*had))
    reader.library_ends("1", complete=True, titles={})
    return reader.findings


def keys(found: Findings, category: str) -> list[str]:
    return [one.key for one in found.examples.get(category, [])]


def test_what_is_as_it_was_is_not_found() -> None:
    heat = movie("1", fields=FILE)
    found = read({"1": kept()}, [heat], [heat])
    assert (found.listed, found.affected, dict(found.counts)) == (1, 0, {})


def test_missing_extra_and_different() -> None:
    old, new = movie("1"), movie("1", fields={"summary": "Other.", "assets": {"poster": "/new"}})
    found = read({"1": kept(1), "3": kept(3)}, [new, movie("2")], [old])
    assert keys(found, MISSING) == ["2"]
    assert keys(found, EXTRA) == ["3"]
    assert found.examples[FIELDS][0].groups == ("artwork", "text")
    assert found.affected == 3
    told = found.as_json(stored=2)
    assert told["categories"][EXTRA] == {
        "count": 1,
        "percent": 50.0,
        "examples": [{"key": "3", "title": "3", "kind": "", "library": "1", "title_id": 3, "groups": []}],
    }
    assert told["groups"] == {"artwork": 1, "text": 1}
    assert told["percent"] == 100.0


def test_a_listing_that_broke_off_says_nothing_of_what_it_lacks() -> None:
    reader = Reader({"1": kept()})
    reader.library_ends("1", complete=False, titles={})
    assert reader.findings.affected == 0


def test_not_ready_needs_a_server_that_speaks_of_files() -> None:
    silent, empty, whole = movie("1"), movie("2", fields={"files": []}), movie("3", fields=FILE)
    stored = {key: kept(int(key)) for key in "123"}
    assert keys(read(stored, [silent], [silent]), NOT_READY) == []
    assert keys(read(stored, [empty], [empty]), NOT_READY) == ["2"]
    assert keys(read(stored, [silent, whole], [silent, whole]), NOT_READY) == ["1"]
    show = MediaRecord("1", "show", "Lost", "1")
    assert keys(read(stored, [show, whole], [show, whole]), NOT_READY) == []
    many = [movie(str(number)) for number in range(EXAMPLES + 10)]
    found = read({one.key: kept(int(one.key)) for one in many}, [*many, movie("w", fields=FILE)], many)
    assert found.counts[NOT_READY] == EXAMPLES + 10
    assert found.affected == EXAMPLES + 11, "and the one that is missing"
    assert has_file(movie("1", fields={"files": [{"path": ""}]})) is False


def test_a_record_under_another_title_than_it_should_be() -> None:
    season = MediaRecord("s1", "season", "Season 1", "1", parent="show", index=1)
    above = kept(7)
    assert keys(read({"show": above, "s1": kept(8, parent_id=7)}, [season], [season]), PARENT) == []
    assert keys(read({"show": above, "s1": kept(8, parent_id=9)}, [season], [season]), PARENT) == ["s1"]
    assert keys(read({"s1": kept(8)}, [season], [season]), PARENT) == ["s1"], "its show is not known"
    assert keys(read({"1": kept(8, parent_id=7)}, [movie("1")], [movie("1")]), PARENT) == ["1"]
    assert keys(read({"1": kept(None)}, [movie("1")], [movie("1")]), PARENT) == [], "its title is withheld"


def test_duplicates_are_two_records_of_one_title_or_one_listed_twice() -> None:
    one, two = movie("1"), movie("2")
    both = {"1": kept(1), "2": kept(1)}
    assert keys(read(both, [one, two], [one, two]), DUPLICATE) == ["1", "2"]
    apart = {"1": kept(1), "2": kept(1, library="4k")}
    assert keys(read(apart, [one, two], [one, two]), DUPLICATE) == []
    assert keys(read({"1": kept(1)}, [one, one], [one]), DUPLICATE) == ["1"]


def test_what_cannot_be_read_is_listed_all_the_same() -> None:
    reader = Reader({"1": kept(1)})
    reader.unreadable(["1", "2"], "1")
    reader.library_ends("1", complete=True, titles={})
    assert keys(reader.findings, UNREADABLE) == ["1", "2"]
    assert keys(reader.findings, EXTRA) == []


def test_groups_name_what_differs() -> None:
    old = movie("1", index=1)
    assert groups_of(encode(old), encode(old)) == ()
    assert groups_of(encode(movie("1", index=2)), encode(old)) == (IDENTITY,)
    captions = movie("1", index=1, fields={"captions": {"en": {"format": "srt"}}})
    assert groups_of(encode(captions), encode(old)) == ("captions",)
    assert groups_of(encode(movie("1", index=1, added_at=5.0)), encode(old)) == ()


@given(st.sets(st.integers(0, 30)), st.sets(st.integers(0, 30)))
def test_missing_and_extra_are_the_difference_of_two_sets(listed: set[int], had: set[int]) -> None:
    found = read(
        {str(number): kept(number) for number in had},
        [movie(str(number)) for number in sorted(listed)],
        [movie(str(number)) for number in sorted(had)],
    )
    assert found.counts[MISSING] == len(listed - had)
    assert found.counts[EXTRA] == len(had - listed)
    assert found.affected == len(listed ^ had)


@given(st.integers(0, 10_000), st.integers(1, 10_000))
def test_a_share_is_nothing_only_where_there_is_nothing(part: int, of: int) -> None:
    found = percent(part, of)
    assert (found == 0) == (part == 0)
    assert 0 <= found <= 100
