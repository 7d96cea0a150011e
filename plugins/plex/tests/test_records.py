"""From Plex's JSON to the portal's records."""

from __future__ import annotations

import json
from typing import Any

import pytest

from medianest_core.sdk import InvalidResponse, MediaRecord
from medianest_plex.records import decode


def record(**item: Any) -> MediaRecord:
    return decode(json.dumps({"ratingKey": "7", "type": "movie", "title": "T", **item}).encode(), "1")


def video(**stream: Any) -> dict[str, Any]:
    return {"height": 2160, "videoResolution": "4k", "Part": [{"Stream": [{"streamType": 1, **stream}]}]}


def captions(*streams: dict[str, Any]) -> Any:
    rows = [{"streamType": 3, "languageTag": "de", **stream} for stream in streams]
    return record(Media=[{"Part": [{"Stream": rows}]}]).fields.get("captions")


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        ({"colorTrc": "bt709"}, None),
        ({}, None),
        ({"colorTrc": "smpte2084"}, "HDR10"),
        ({"colorTrc": "smpte2084", "displayTitle": "4K HDR10+ (HEVC)"}, "HDR10+"),
        ({"colorTrc": "arib-std-b67"}, "HLG"),
        ({"colorTrc": "smpte2084", "DOVIPresent": True, "DOVIProfile": 8}, "Dolby Vision"),
        ({"displayTitle": "4K DoVi/HDR10 (HEVC Main 10)"}, "Dolby Vision"),
    ],
)
def test_dynamic_range(stream: dict[str, Any], expected: str | None) -> None:
    assert record(Media=[video(**stream)]).fields["media"].get("hdr") == expected


@pytest.mark.parametrize(
    ("stream", "formats"),
    [
        ({"colorTrc": "bt709", "bitDepth": 8}, []),
        ({"colorTrc": "bt709", "bitDepth": 10}, []),
        ({"colorTrc": "smpte2084", "colorPrimaries": "bt2020"}, ["HDR10"]),
        ({"colorTrc": "smpte2084", "displayTitle": "4K HDR10+ (HEVC)"}, ["HDR10+"]),
        ({"colorTrc": "smpte2084", "DOVIPresent": True, "DOVIProfile": 8}, ["Dolby Vision", "HDR10"]),
        ({"colorTrc": "smpte2084", "DOVIPresent": 1, "DOVIProfile": 5}, ["Dolby Vision"]),
        ({"colorTrc": "arib-std-b67", "DOVIPresent": True, "DOVIProfile": 8}, ["Dolby Vision", "HLG"]),
    ],
)
def test_every_way_to_show_the_picture_is_a_fact_of_its_own(
    stream: dict[str, Any], formats: list[str]
) -> None:
    media = record(Media=[video(**stream)]).fields["media"]
    assert media.get("hdr_formats", []) == formats
    assert media["high_dynamic_range"] is bool(formats)
    assert media["dolby_vision"] is ("Dolby Vision" in formats)
    assert media["hdr10_plus"] is ("HDR10+" in formats)
    assert media["standard_hdr"] is bool({"HDR10", "HLG"} & set(formats))
    assert media["enhanced_color"] is (bool(formats) or stream.get("bitDepth") == 10)
    assert media.get("color_transfer") == stream["colorTrc"]


def test_soundtracks_and_atmos() -> None:
    rows = [
        {
            "streamType": 2,
            "codec": "truehd",
            "channels": 8,
            "languageTag": "en",
            "extendedDisplayTitle": "TrueHD Atmos 7.1",
        },
        {
            "streamType": 2,
            "codec": "ac3",
            "channels": 6,
            "languageCode": "deu",
            "displayTitle": "Deutsch (AC3 5.1)",
        },
    ]
    said = record(Media=[{"audioCodec": "truehd", "Part": [{"Stream": rows}]}]).fields
    assert said["media"]["atmos"] is True
    assert said["audio"] == [
        {"language": "en", "codec": "truehd", "channels": 8, "atmos": True},
        {"language": "deu", "codec": "ac3", "channels": 6, "title": "Deutsch (AC3 5.1)"},
    ]
    assert record(Media=[{"Part": [{"Stream": rows[1:]}]}]).fields["media"]["atmos"] is False
    assert "atmos" not in record(Media=[{"container": "mkv"}]).fields["media"], (
        "the listing says nothing of it"
    )


def test_chapters_in_the_order_of_the_film() -> None:
    listed = [
        {"tag": "Two", "startTimeOffset": 5000, "endTimeOffset": 9000, "thumb": "/two"},
        {"tag": "One", "startTimeOffset": "0", "endTimeOffset": 5000},
        {"tag": "Nowhere"},
    ]
    assert record(Chapter=listed).fields["chapters"] == [
        {"title": "One", "start_ms": 0, "end_ms": 5000},
        {"title": "Two", "start_ms": 5000, "end_ms": 9000, "image": "/two"},
    ]
    assert "chapters" not in record().fields


def test_the_best_version_counts() -> None:
    low = {"height": 480, "videoResolution": "sd", "container": "avi"}
    high = {"height": 1080, "videoResolution": "1080", "container": "mkv", "audioChannels": 6}
    facts = record(Media=[low, high]).fields["media"]
    assert facts == {
        "container": "mkv",
        "height": 1080,
        "resolution": "1080p",
        "audio_channels": 6,
    }


@pytest.mark.parametrize(("shown", "expected"), [("4k", "4K"), ("720", "720p"), ("sd", "SD"), ("8k", "8k")])
def test_resolution_in_words(shown: str, expected: str) -> None:
    assert record(Media=[{"videoResolution": shown}]).fields["media"]["resolution"] == expected


def test_whole_captions_go_before_forced_ones_and_files_before_embedded_ones() -> None:
    forced, embedded = {"forced": True, "codec": "ass"}, {"codec": "pgs"}
    beside = {"codec": "srt", "key": "/library/streams/9.srt", "displayTitle": "Deutsch (SRT External)"}
    expected = {
        "de": {
            "format": "srt",
            "title": "Deutsch (SRT External)",
            "external": True,
            "forced": False,
            "url": "/library/streams/9.srt",
        }
    }
    assert captions(forced, embedded, beside) == captions(beside, embedded, forced) == expected
    assert captions(forced)["de"]["forced"] is True
    assert captions() is None


def test_ids_of_new_and_old_agents() -> None:
    new = record(
        guid="plex://movie/5d776", Guid=[{"id": "imdb://tt0133093"}, {"id": "tmdb://603"}, {"id": "odd"}]
    )
    assert new.ids == {"plex": "5d776", "imdb": "tt0133093", "tmdb": "603"}
    assert record(guid="com.plexapp.agents.imdb://tt0133093?lang=en").ids == {"imdb": "tt0133093"}
    assert record(guid="local://42").ids == {}
    old_episode = record(type="episode", guid="com.plexapp.agents.thetvdb://71663/1/2?lang=en")
    assert old_episode.ids == {}


def test_where_seasons_and_episodes_belong() -> None:
    season = record(type="season", index=0, parentRatingKey="3", parentThumb="/show")
    assert (season.parent, season.index, season.fields["assets"]) == ("3", 0, {"poster": "/show"})
    episode = record(type="episode", index=4, parentRatingKey=5, grandparentRatingKey="3", thumb="/still")
    assert (episode.parent, episode.index, episode.fields["assets"]) == ("5", 4, {"thumb": "/still"})
    assert record(type="episode", grandparentRatingKey="3").parent == "3"
    assert record(index=9, parentRatingKey="5").parent is None


def test_what_is_not_said_is_left_out() -> None:
    assert record().fields == {"title": "T"}


def test_scalars_of_the_wrong_type_are_read_or_left_out() -> None:
    odd = record(ratingKey=7, year="1999", rating="8.7", duration=[], addedAt="soon", index={})
    assert (odd.key, odd.year, odd.fields["rating"], odd.added_at) == ("7", 1999, 8.7, None)
    assert "duration_ms" not in odd.fields


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b'{"title":"x"}', b'{"ratingKey":"1","Media":7}'])
def test_what_cannot_be_understood_says_so(content: bytes) -> None:
    with pytest.raises(InvalidResponse):
        decode(content, "1")


@pytest.mark.parametrize(
    ("guid", "kind", "asset"),
    [
        ("plex://movie/5d776", "movie", "poster"),
        ("local://42", "movie", "thumb"),
        ("com.plexapp.agents.none://0f3a?lang=xn", "movie", "thumb"),
        ("tv.plex.agents.none://42", "movie", "thumb"),
        ("local://42", "show", "poster"),
        ("", "movie", "poster"),
    ],
)
def test_own_videos_have_frames_for_pictures(guid: str, kind: str, asset: str) -> None:
    assert record(type=kind, guid=guid, thumb="/t").fields["assets"] == {asset: "/t"}
