"""Digests: equal while nothing of interest changed, different otherwise."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medianest_plex import models
from medianest_plex.client import entries
from medianest_plex.digest import digest

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
