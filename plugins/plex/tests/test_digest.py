"""Digests: equal while nothing of interest changed, different otherwise."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medianest_plex import digest as reading
from medianest_plex import models
from medianest_plex.answers import entries
from medianest_plex.digest import digest
from medianest_plex.records import decode

WATCHED: dict[str, Any] = {
    "viewCount": 3,
    "lastViewedAt": 1700000000,
    "viewOffset": 61000,
    "viewedLeafCount": 7,
    "skipCount": 1,
    "userRating": 8.5,
}
ITEM: dict[str, Any] = {
    "ratingKey": "1",
    "title": 'A "viewCount":9, title}',
    "Media": [{"id": 1, "Part": [{"file": "/a.mkv", "Stream": [{"streamType": 3, "codec": "srt"}]}]}],
}
EVERYTHING: dict[str, Any] = {
    **ITEM,
    "type": "episode",
    "titleSort": "Title",
    "originalTitle": "Titel",
    "summary": "S",
    "tagline": "T",
    "studio": "X",
    "contentRating": "FSK-12",
    "originallyAvailableAt": "2020-01-02",
    "year": 2020,
    "rating": 7.5,
    "audienceRating": 8,
    "duration": 61000,
    "index": 2,
    "parentRatingKey": "9",
    "addedAt": 1600000000,
    "updatedAt": 1700000000,
    "thumb": "/t",
    "art": "/a",
    "Guid": [{"id": "imdb://tt1"}],
    "Genre": [{"tag": "Drama"}],
    "Director": [{"tag": "D"}],
    "Writer": [{"tag": "W"}],
    "Role": [{"tag": "A", "role": "R", "thumb": "/r"}],
    "Image": [{"type": "clearLogo", "url": "/logo"}],
    "Chapter": [{"tag": "C", "startTimeOffset": 0, "endTimeOffset": 5, "thumb": "/c"}],
    "Media": [
        {
            "container": "mkv",
            "bitrate": 9000,
            "width": 3840,
            "height": 2160,
            "videoResolution": "4k",
            "videoCodec": "hevc",
            "videoProfile": "main 10",
            "videoFrameRate": "24p",
            "audioCodec": "truehd",
            "audioProfile": "x",
            "audioChannels": 8,
            "Part": [
                {
                    "file": "/a.mkv",
                    "size": 5,
                    "duration": 61000,
                    "Stream": [
                        {
                            "streamType": 1,
                            "bitDepth": 10,
                            "colorTrc": "smpte2084",
                            "colorPrimaries": "bt2020",
                            "colorSpace": "bt2020nc",
                            "DOVIPresent": True,
                            "DOVIProfile": 8,
                            "frameRate": 23.976,
                        },
                        {"streamType": 2, "languageTag": "en", "displayTitle": "TrueHD Atmos", "channels": 8},
                        {"streamType": 3, "languageTag": "de", "codec": "srt", "forced": True, "title": "G"},
                    ],
                }
            ],
        }
    ],
}


def encoded(item: dict[str, Any]) -> bytes:
    return json.dumps(item, separators=(",", ":")).encode()


@given(st.dictionaries(st.sampled_from(sorted(WATCHED)), st.integers(0, 2**40)), st.integers(0, 3))
def test_watching_changes_nothing_wherever_it_is_noted(noted: dict[str, int], place: int) -> None:
    members = list(ITEM.items())
    watched = dict([*members[:place], *noted.items(), *members[place:]])
    assert digest(encoded(watched)) == digest(encoded(ITEM))


def test_choosing_a_stream_changes_nothing() -> None:
    chosen = json.loads(encoded(ITEM))
    chosen["Media"][0]["Part"][0]["Stream"][0]["selected"] = True
    assert digest(encoded(chosen)) == digest(encoded(ITEM))


def test_the_servers_own_mark_shows() -> None:
    assert digest(encoded({**ITEM, "updatedAt": 1})) != digest(encoded({**ITEM, "updatedAt": 2}))


@given(st.sampled_from(["title", "ratingKey"]), st.text(max_size=20))
def test_any_other_change_shows(name: str, value: str) -> None:
    assert (digest(encoded({**ITEM, name: value})) == digest(encoded(ITEM))) == (ITEM[name] == value)


def test_a_new_caption_shows() -> None:
    more = json.loads(encoded(ITEM))
    more["Media"][0]["Part"][0]["Stream"].append({"streamType": 3, "codec": "ass"})
    assert digest(encoded(more)) != digest(encoded(ITEM))


def test_text_that_looks_like_a_volatile_member_is_text() -> None:
    other = {**ITEM, "title": 'A "viewCount":8, title}'}
    assert digest(encoded(other)) != digest(encoded(ITEM))


@pytest.mark.parametrize("name", sorted(WATCHED))
def test_a_listing_looks_only_where_there_is_something(name: str) -> None:
    plain, watched = encoded(ITEM), encoded({**ITEM, name: 0})
    page = b'{"MediaContainer":{"Metadata":[' + plain + b"," + watched + b"]}}"
    container = models.listing(page).MediaContainer
    heads = models.labels(page).MediaContainer.Metadata
    assert [head.watched for head in heads] == [False, True]
    assert {entry.digest for entry in entries(container.Metadata, heads)} == {digest(plain, watched=False)}


def test_reading_more_out_of_the_same_bytes_makes_everything_new(monkeypatch: pytest.MonkeyPatch) -> None:
    before = digest(encoded(ITEM))
    monkeypatch.setattr(reading, "READING", reading.READING + 1)
    assert digest(encoded(ITEM)) != before


def test_what_is_read_goes_with_the_number_of_the_reading() -> None:
    """A decoder that reads anything else out of these bytes needs a higher `READING`, or stored titles never learn of it."""
    found = json.dumps(asdict(decode(encoded(EVERYTHING), "1")), sort_keys=True, default=str)
    assert (reading.READING, hashlib.blake2b(found.encode(), digest_size=8).hexdigest()) == (
        2,
        "c8304dae933d2076",
    )
