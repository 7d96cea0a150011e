"""Field availability: golden trees, and who comes first for a field."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medianest_core.domain.library.availability import (
    Fields,
    collect,
    dotted,
    leaves,
    of_title,
    part_name,
)
from medianest_core.domain.library.records import SourceRecord
from medianest_core.sdk.media import MediaRecord
from tests.laws.first import may_write

MANIFESTS: dict[str, dict[str, Any]] = {
    "default": {
        "Mr. Robot v2.0": {
            "fileNames": ["Mr. Robot v2.0.mp4"],
            "length": {"Mr. Robot v2.0.mp4": 5_400_000},
            "urls": {
                "poster": "/p.jpg?hash=1",
                "backdrop": None,
                "subtitles": {"English": {"url": "/en.vtt", "srcLang": "en"}},
            },
            "hdr": False,
            "mediaQuality": {"bitDepth": 8, "viewingExperience": {"dolbyVision": False}},
            "audio": [{"codec": "aac", "channels": 2}, {"channels": 6}],
            "cast": [{"name": "Rami M.", "role": "Elliot"}, {"role": "unnamed"}, {"id": 7, "role": "x"}],
            "genres": ["Drama", "Crime"],
            "chapters": [],
        }
    },
    "server2": {
        "Mr. Robot v2.0": {
            "fileNames": ["other.mkv"],
            "urls": {"poster": "/q.jpg", "subtitles": {"German": {"url": "/de.vtt"}}},
            "hdr": True,
            "video": [{"codec": "hevc", "width": 3840}],
        }
    },
}
GOLDEN = {
    ("length", "Mr. Robot v2.0.mp4"): ["default"],
    ("urls", "poster"): ["default", "server2"],
    ("urls", "subtitles", "English", "url"): ["default"],
    ("urls", "subtitles", "English", "srcLang"): ["default"],
    ("urls", "subtitles", "German", "url"): ["server2"],
    ("hdr",): ["default", "server2"],
    ("mediaQuality", "bitDepth"): ["default"],
    ("mediaQuality", "viewingExperience", "dolbyVision"): ["default"],
    ("audio", "aac", "codec"): ["default"],
    ("audio", "aac", "channels"): ["default"],
    ("audio", "1", "channels"): ["default"],
    ("video", "hevc", "codec"): ["server2"],
    ("video", "hevc", "width"): ["server2"],
    ("cast", "Rami M.", "name"): ["default"],
    ("cast", "Rami M.", "role"): ["default"],
    ("cast", "1", "role"): ["default"],
    ("cast", "7", "id"): ["default"],
    ("cast", "7", "role"): ["default"],
    ("genres",): ["default"],
}


def test_two_manifests_give_exactly_this_map() -> None:
    found: Fields = {}
    for server, manifest in MANIFESTS.items():
        collect(manifest["Mr. Robot v2.0"], server, found)
    assert found == GOLDEN
    for server, manifest in MANIFESTS.items():
        collect(manifest["Mr. Robot v2.0"], server, found)
    assert found == GOLDEN, "an instance is named once"


def test_dots_of_names_are_no_ends_of_paths() -> None:
    names = [path for path in GOLDEN if path[0] == "length"]
    assert names == [("length", "Mr. Robot v2.0.mp4")]
    assert dotted(names[0]) == "length.Mr. Robot v2.0.mp4"


def record(instance: str, key: str, **values: Any) -> SourceRecord:
    return SourceRecord(
        instance, MediaRecord(key, values.pop("kind", "movie"), "Show", "1", fields=values.pop("fields", {}))
    )


def test_a_show_holds_what_is_said_of_its_seasons_and_episodes() -> None:
    season = part_name("season", 1, "Season 1")
    episode = (*season, *part_name("episode", 3, "Pilot"))
    said = [
        ((), record("b", "s", kind="show", fields={"assets": {"poster": "/b", "logo": ""}})),
        ((), record("a", "s", kind="show", fields={"assets": {"poster": "/a"}, "summary": None})),
        (season, record("a", "s1", kind="season")),
        (episode, record("b", "e3", kind="episode", fields={"captions": {"en": {"format": "srt"}}})),
    ]
    expected = {
        ("assets", "poster"): ["a", "b"],
        ("seasons", "1", "episodes", "3", "captions", "en", "format"): ["b"],
        ("seasons", "1", "episodes", "3", "title"): ["b"],
        ("seasons", "1", "title"): ["a"],
        ("title",): ["a", "b"],
    }
    assert of_title(said) == expected
    assert list(of_title(said[::-1]).items()) == list(expected.items()), "in any order of the records"
    assert part_name("episode", None, "The Special") == ("episodes", "the special")


_trees = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.sampled_from(["", "x"])),
    lambda inner: st.one_of(
        st.dictionaries(st.sampled_from(["a", "b.c", "name", "audio"]), inner, max_size=3),
        st.lists(inner, max_size=3),
    ),
    max_leaves=12,
)


@given(_trees, _trees)
def test_every_path_has_whoever_says_something_there_and_nobody_else(one: Any, other: Any) -> None:
    found: Fields = {}
    collect(one, "a", found)
    collect(other, "b", found)
    assert found.keys() == set(leaves(one)) | set(leaves(other))
    for path, owners in found.items():
        assert owners == [name for name, tree in (("a", one), ("b", other)) if path in set(leaves(tree))]


NUMBERS = {"default": 1, "server2": 2, "twin": 2}
POSTER = ("urls", "poster")


@pytest.mark.parametrize(
    ("instance", "fields", "expected"),
    [
        ("default", {POSTER: ["default", "server2"]}, True),
        ("server2", {POSTER: ["default", "server2"]}, False),
        ("server2", {POSTER: ["server2"]}, True),
        ("default", {POSTER: ["server2"]}, True),
        ("server2", {POSTER: ["twin", "server2"]}, True),
        ("twin", {POSTER: ["server2"]}, True),
        ("server2", {POSTER: []}, True),
        ("server2", {}, True),
        ("server2", {POSTER: ["gone"]}, True),
        ("server2", {POSTER: ["gone", "default"]}, False),
        ("gone", {POSTER: ["server2"]}, False),
        ("gone", {POSTER: []}, True),
        ("default", None, False),
    ],
    ids=[
        "the first",
        "the second",
        "the second alone",
        "the first where only the second has it",
        "as equals",
        "as an equal that has none",
        "nobody has it",
        "nobody was asked",
        "only strangers have it",
        "strangers do not count",
        "a stranger",
        "a stranger where nobody has it",
        "nobody has the title",
    ],
)
def test_who_may_write_a_field(
    instance: str, fields: dict[tuple[str, ...], list[str]] | None, expected: bool
) -> None:
    assert may_write(instance, POSTER, fields, NUMBERS.get) is expected
