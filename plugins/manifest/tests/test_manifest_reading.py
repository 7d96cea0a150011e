"""Names of folders, addresses, technical facts, metadata files: pure functions, and what they do with nonsense."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from medianest_core.sdk import InvalidResponse, secret_fields
from medianest_manifest.addresses import Addresses
from medianest_manifest.client import _conditions
from medianest_manifest.facts import facts_of, values_of
from medianest_manifest.names import Named, episode_number, episode_title, key, named, season_number
from medianest_manifest.records import decode
from medianest_manifest.settings import ManifestSettings
from medianest_manifest.technical import captions_of, chapters_of, dynamic_range, media_of, moment, size_of

from .manifest_kit import indexed

_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**15), 10**15)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def settings(**values: Any) -> ManifestSettings:
    return ManifestSettings.model_validate({"url": "https://files.example.org", "prefix": "/media", **values})


@pytest.mark.parametrize(
    ("folder", "found"),
    [
        ("Heat (1995)", Named("Heat", 1995)),
        ("Mr. X vs. 4.5 (2001)", Named("Mr. X vs. 4.5", 2001)),
        ("Heat (1995) {tmdb-949}", Named("Heat", 1995, {"tmdb": "949"})),
        ("Heat (1995) [imdbid-tt0113277]", Named("Heat", 1995, {"imdb": "tt0113277"})),
        ("Heat {tmdb-949} (1995) {tvdb-7}", Named("Heat", 1995, {"tmdb": "949", "tvdb": "7"})),
        ("2001: A Space Odyssey (1968)", Named("2001: A Space Odyssey", 1968)),
        ("(500) Days of Summer (2009)", Named("(500) Days of Summer", 2009)),
        ("1917", Named("1917")),
        ("(2012)", Named("(2012)")),
        ("{tmdb-1}", Named("{tmdb-1}", None, {"tmdb": "1"})),
    ],
)
def test_what_a_folder_says(folder: str, found: Named) -> None:
    assert named(folder) == found


@pytest.mark.parametrize(
    ("file", "number", "title"),
    [
        ("Show - S01E02 - The Lighthouse.mkv", 2, "The Lighthouse"),
        ("Show.S01.E12.720p.mkv", 12, "720p"),
        ("Show 1x03 - Mr. Dot vs. 4.5 [1080p].mkv", 3, "Mr. Dot vs. 4.5"),
        ("Show - S01E04.mkv", 4, None),
        ("holiday.mp4", None, None),
        ("bands1e2.mkv", None, None),
    ],
)
def test_what_a_files_name_says(file: str, number: int | None, title: str | None) -> None:
    assert (episode_number(file), episode_title(file)) == (number, title)


def test_seasons() -> None:
    assert [season_number(one) for one in ("Season 1", "Season 02", "Specials", "Extras")] == [1, 2, 0, None]


@given(
    st.lists(st.text(min_size=1), min_size=1, max_size=3),
    st.lists(st.text(min_size=1), min_size=1, max_size=3),
)
def test_keys_tell_all_names_apart(one: list[str], other: list[str]) -> None:
    assert (key("movie", *one) == key("movie", *other)) == (one == other)
    assert len(key("episode", *one)) <= 150


def test_addresses() -> None:
    where = Addresses(settings(internal="http://nas.lan:8080", token="t"))
    assert where.manifest("/media/movies") == "http://nas.lan:8080/media/media/movies"
    assert where.public("Movies/A B.mp4") == "https://files.example.org/media/Movies/A%20B.mp4"
    assert where.public("/x/y.jpg?hash=1") == "https://files.example.org/x/y.jpg?hash=1"
    assert (
        where.inner("https://files.example.org/media/a%20b.jpg?hash=1")
        == "http://nas.lan:8080/media/a%20b.jpg?hash=1"
    )
    assert where.path("https://files.example.org/media/Movies/A%20B.mp4?x=1") == "Movies/A B.mp4"
    assert where.ours("http://nas.lan:8080/x") and where.ours("https://files.example.org:443/x")
    assert not where.ours("https://files.example.org.evil.test/x") and not where.ours(
        "http://files.example.org/x"
    )
    assert not where.ours("https://elsewhere.test/x") and not where.ours("file:///etc/passwd")
    assert where.credentials() == {"Authorization": "Bearer t"}
    user = Addresses(settings(username="me", password="päss"))
    assert user.credentials() == {"Authorization": "Basic bWU6cMOkc3M="}
    assert (
        Addresses(settings(manifests="https://lists.test/api/")).manifest("movies")
        == "https://lists.test/api/movies"
    )


@pytest.mark.parametrize(
    ("headers", "asked"),
    [
        ({"etag": '"1"', "last-modified": "x"}, {"if-none-match": '"1"'}),
        (
            {"last-modified": "Sat, 01 Jan 2022 10:00:00 GMT", "date": "Sat, 01 Jan 2022 10:00:02 GMT"},
            {"if-modified-since": "Sat, 01 Jan 2022 10:00:00 GMT"},
        ),
        ({"last-modified": "Sat, 01 Jan 2022 10:00:00 GMT", "date": "Sat, 01 Jan 2022 10:00:01 GMT"}, {}),
        ({"last-modified": "Sat, 01 Jan 2022 10:00:00 GMT"}, {}),
        ({"last-modified": "yesterday", "date": "Sat, 01 Jan 2022 10:00:02 GMT"}, {}),
        ({}, {}),
    ],
)
def test_a_list_that_was_just_written_is_asked_for_whole(
    headers: dict[str, str], asked: dict[str, str]
) -> None:
    assert _conditions(headers) == asked


def test_settings_hide_what_lets_us_in() -> None:
    found = settings(token="canary", password="canary", username="u", manifests="https://lists.test")
    assert secret_fields(ManifestSettings) == {"token", "password"}
    assert "canary" not in repr(found) and "canary" not in str(found.model_dump(mode="json"))
    assert found.hosts() == ["files.example.org:443", "lists.test:443"]
    with pytest.raises(ValidationError):
        settings(url="files")


def test_media_facts() -> None:
    quality = {
        "format": "H.265",
        "bitDepth": 10,
        "colorSpace": "bt2020nc",
        "transferCharacteristics": "smpte2084",
        "isHDR": True,
        "viewingExperience": {"enhancedColor": True, "dolbyVision": True, "hdr10Plus": False},
        "audioChannels": 6,
    }
    assert media_of("3840x1600", "Dolby Vision", quality, "a.b.MKV") == {
        "container": "mkv",
        "width": 3840,
        "height": 1600,
        "resolution": "4K",
        "video_codec": "hevc",
        "bit_depth": 10,
        "color_space": "bt2020nc",
        "color_transfer": "smpte2084",
        "hdr": "Dolby Vision",
        "hdr_formats": ["Dolby Vision"],
        "enhanced_color": True,
        "dolby_vision": True,
        "hdr10_plus": False,
        "audio_channels": 6,
    }
    assert media_of(None, None, None, None) == {}
    assert media_of("wide", False, "good", "film") == {}


@pytest.mark.parametrize(
    ("hdr", "quality", "shown"),
    [
        (None, {}, None),
        (False, {"isHDR": False}, None),
        (True, {}, "HDR10"),
        ("HDR10+", {}, "HDR10+"),
        ("hlg", {}, "HLG"),
        (None, {"isHDR": True, "transferCharacteristics": "arib-std-b67"}, "HLG"),
        ("HDR", {"viewingExperience": {"hdr10Plus": True}}, "HDR10+"),
    ],
)
def test_names_of_dynamic_ranges(hdr: object, quality: dict[str, Any], shown: str | None) -> None:
    assert dynamic_range(hdr, quality) == shown


def test_captions_leave_out_what_is_being_made_and_prefer_what_people_wrote() -> None:
    found = captions_of(
        {
            "German": {"url": "a.de.srt?hash=1", "srcLang": "de", "lastModified": "2020-01-01T00:00:00.000Z"},
            "Spanish": {"url": "a.es.vtt", "srcLang": "es", "pending": True},
            "English (automatic)": {"url": "auto.vtt", "srcLang": "en", "autoGenerated": True},
            "English": {"url": "a.en.vtt", "srcLang": "en"},
            "broken": "x",
            "Portuguese (forced)": {"url": "p.vtt", "srcLang": "pt_BR"},
        }
    )
    assert set(found) == {"en", "de", "pt-BR"}
    assert found["en"]["url"] == "a.en.vtt" and found["en"]["auto_generated"] is False
    assert found["de"] == {
        "format": "srt",
        "title": "German",
        "external": True,
        "forced": False,
        "url": "a.de.srt?hash=1",
        "changed_at": 1577836800.0,
        "auto_generated": False,
    }
    assert found["pt-BR"]["forced"] is True


def test_chapters() -> None:
    text = "WEBVTT\r\n\r\n1\r\n00:00:00.000 --> 00:01:30.500\r\nOpening\r\n\r\n01:30.500 --> 1:00:00.000\nThe rest\n"
    assert chapters_of(text) == [
        {"title": "Opening", "start_ms": 0, "end_ms": 90_500},
        {"title": "The rest", "start_ms": 90_500, "end_ms": 3_600_000},
    ]
    assert chapters_of("<html>") == []


def test_sizes_and_moments() -> None:
    sizes: list[object] = [5, "7", {"gb": 1.5}, {"kb": 2}, None, []]
    assert [size_of(one) for one in sizes] == [
        5,
        7,
        1610612736,
        2048,
        None,
        None,
    ]
    moments: list[object] = [
        "2020-01-01T00:00:00Z",
        "2020-01-01",
        1577836800,
        1577836800000,
        "1577836800",
        "soon",
        -1,
        True,
    ]
    assert [moment(one) for one in moments] == [1577836800.0] * 5 + [None] * 3


def test_metadata_as_tmdb_words_it() -> None:
    body = (
        b'{"id": 949, "title": "Heat", "release_date": "1995-12-15", "overview": "Cops.", "runtime": 170, "vote_average": 7.9,'
        b'"genres": [{"name": "Crime"}, "Drama"], "external_ids": {"imdb_id": "tt0113277", "tvdb_id": null},'
        b'"production_companies": [{"name": "Regency"}],'
        b'"credits": {"cast": [{"name": "Al P.", "character": "Vincent"}], "crew": [{"name": "Michael M.", "job": "Director"}]}}'
    )
    found = facts_of(body)
    assert (found.title, found.year, dict(found.ids)) == ("Heat", 1995, {"tmdb": "949", "imdb": "tt0113277"})
    import orjson

    assert values_of(orjson.loads(body)) == {
        "summary": "Cops.",
        "released_on": "1995-12-15",
        "rating": 7.9,
        "studio": "Regency",
        "genres": ["Crime", "Drama"],
        "directors": ["Michael M."],
        "cast": [{"name": "Al P.", "role": "Vincent"}],
        "duration_ms": 10_200_000,
    }
    with pytest.raises(InvalidResponse):
        facts_of(b"<html>")


@given(st.dictionaries(st.text(max_size=6), _json, max_size=3), _json)
def test_no_metadata_is_a_mistake(more: dict[str, Any], value: Any) -> None:
    for name in ("genres", "credits", "cast", "ids", "runtime", "release_date", "vote_average", "networks"):
        values_of({**more, name: value})


@given(_json, _json, _json)
def test_no_entry_is_a_mistake(one: Any, other: Any, third: Any) -> None:
    """Whatever types the members have, a record comes of it, and says nothing that is none."""
    where = Addresses(settings())
    film = {
        "fileNames": one,
        "length": other,
        "dimensions": third,
        "urls": {"mp4": one, "subtitles": other, "poster": third},
    }
    odd = {**film, "mediaQuality": one, "hdr": other, "additional_metadata": third}
    episode = {
        "filename": one,
        "videoURL": other,
        "episodeNumber": third,
        "length": one,
        "subtitles": {"x": other},
    }
    season = {"lengths": one, "dimensions": other, "season_poster": third, "episodes": {"e": episode}}
    for manifest, kind in (
        ({"A": odd, "B": {"urls": one}}, "movie"),
        ({"A": {"seasons": {"Season 1": season}}}, "show"),
    ):
        for entry in indexed(manifest, kind):
            record = decode(entry, facts_of(b"{}"), where)
            assert record.key == entry.key and record.title
            assert all(value is not None for value in record.fields.values())
