"""The index over a manifest's bytes: who is in it, and digests that change when and only when the entry does."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medianest_core.sdk import EPISODE, MOVIE, SEASON, SHOW, InvalidResponse

from .manifest_kit import indexed

FILM: dict[str, Any] = {
    "_id": "1",
    "fileNames": ["a.b.mp4"],
    "urls": {"mp4": "Movies/a.b.mp4", "poster": "p.jpg?hash=1"},
}
TV: dict[str, Any] = {
    "Dr. Who's 4.5": {
        "poster": "p.jpg?hash=1",
        "seasons": {
            "Season 1": {
                "lengths": {"e1.mp4": 1000},
                "episodes": {
                    "S01E01": {"filename": "e1.mp4", "mediaLastModified": "2020-01-02T00:00:00Z"},
                    "S01E02": {"filename": "e2.mp4", "mediaLastModified": "2020-01-03T00:00:00Z"},
                },
            },
            "Season 2": {"episodes": {}},
        },
    },
    "version": 1.0001,
}
_names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12).filter(lambda one: one != "version")


def test_films_and_the_version() -> None:
    index = indexed({"Mr. X vs. 4.5 (2001)": FILM, "version": 1.0}, MOVIE)
    [film] = index
    assert (film.key, film.kind, film.folders) == (
        "movie/Mr. X vs. 4.5 (2001)",
        MOVIE,
        ("Mr. X vs. 4.5 (2001)",),
    )
    assert film.decoded() == FILM
    assert film.member("urls", "poster") == "p.jpg?hash=1" and film.member("urls", "logo") is None
    assert index.version == 1.0


def test_a_film_may_be_called_version() -> None:
    index = indexed({"version": FILM}, MOVIE)
    assert [one.folders for one in index] == [("version",)] and index.version is None


def test_series_come_before_what_is_below_them() -> None:
    index = indexed(TV, SHOW)
    assert [one.kind for one in index] == [SHOW, SEASON, EPISODE, EPISODE, SEASON]
    show, season, first, second, empty = index
    assert (season.parent, first.parent, second.parent) == (show.key, season.key, season.key)
    assert (show.children, show.leaves, season.leaves, empty.leaves) == (2, 2, 2, 0)
    assert show.oldest == 1577923200.0 and show.newest == 1578009600.0 and empty.newest is None
    assert "seasons" not in show.decoded() and "episodes" not in season.decoded()
    assert index.count(EPISODE) == 2


def _digests(tv: dict[str, Any]) -> dict[str, int]:
    return {one.key: one.digest for one in indexed(tv, SHOW)}


@pytest.mark.parametrize(
    ("path", "value", "changed"),
    [
        (("poster",), "p.jpg?hash=2", {SHOW}),
        (("seasons", "Season 1", "season_poster"), "s.jpg?hash=2", {SEASON}),
        (("seasons", "Season 1", "episodes", "S01E01", "hdr"), "HLG", {EPISODE}),
        (("seasons", "Season 1", "lengths", "e1.mp4"), 2000, {SEASON, EPISODE}),
    ],
)
def test_a_digest_changes_with_its_own_entry(path: tuple[str, ...], value: object, changed: set[str]) -> None:
    after = deepcopy(TV)
    place: dict[str, Any] = after["Dr. Who's 4.5"]
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    before, now = _digests(TV), _digests(after)
    assert before.keys() == now.keys()
    assert {key.partition("/")[0] for key in now if before[key] != now[key]} == changed
    assert sum(before[key] != now[key] for key in now) == len(changed)


def test_a_new_episode_leaves_the_others_alone() -> None:
    after = deepcopy(TV)
    after["Dr. Who's 4.5"]["seasons"]["Season 1"]["episodes"]["S01E03"] = {"filename": "e3.mp4"}
    before, now = _digests(TV), _digests(after)
    assert [key.rpartition("/")[2] for key in now.keys() - before.keys()] == ["S01E03"]
    assert {key for key in before if before[key] != now[key]} == {
        "show/Dr. Who's 4.5",
        "season/Dr. Who's 4.5/Season 1",
    }


@given(
    st.dictionaries(_names, st.dictionaries(st.sampled_from("abc"), st.integers()), max_size=8), st.randoms()
)
def test_keys_are_one_for_each_title_in_any_order(films: dict[str, Any], rng: Any) -> None:
    names = list(films)
    rng.shuffle(names)
    one = {entry.key: entry.digest for entry in indexed(films, MOVIE)}
    other = {entry.key: entry.digest for entry in indexed({name: films[name] for name in names}, MOVIE)}
    assert one == other and len(one) == len(films)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b'{"a": {', b"\xff\xfe", b'{"a":{}} more', b"[" * 100_000]
)
def test_what_is_no_manifest(body: bytes) -> None:
    with pytest.raises(InvalidResponse):
        indexed(body, MOVIE)


def test_entries_that_are_no_objects_are_passed_over() -> None:
    found = {"note": "hello", "list": [1], "Film": FILM, "version": "1.5"}
    index = indexed(found, MOVIE)
    assert [one.folders for one in index] == [("Film",)] and index.version == 1.5
    assert (
        next(
            iter(indexed({"Show": {"seasons": [1, 2]}, "Other": {"seasons": {"Season 1": None}}}, SHOW))
        ).children
        == 0
    )


def test_a_hundred_thousand_episodes_are_not_decoded() -> None:
    """What stays of an entry is its place in the file."""
    season = {"episodes": {f"S01E{number:03d}": {"filename": "x" * 300} for number in range(200)}}
    tv = {f"Show {number}": {"seasons": {"Season 1": season}} for number in range(100)}
    index = indexed(orjson.dumps(tv), SHOW)
    assert len(index) == 100 * 202
    last = index.get("episode/Show 99/Season 1/S01E199")
    assert last is not None and last.decoded()["filename"] == "x" * 300
