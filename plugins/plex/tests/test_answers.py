"""The same bytes are not read twice, and what is remembered of them is what they hold."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medianest_core.sdk import InvalidResponse
from medianest_plex import answers
from medianest_plex.answers import Answers
from medianest_plex.listing import Entry, Listed

FILMS: list[dict[str, Any]] = [
    {"ratingKey": number, "type": "movie", "title": f"Film {number}", "summary": "Söme wörds" * 3}
    for number in range(60)
]


def answer(items: list[dict[str, Any]], total: int | None = None) -> bytes:
    container: dict[str, Any] = {"size": len(items), "Metadata": items}
    return json.dumps(
        {"MediaContainer": container | ({"totalSize": total} if total is not None else {})}
    ).encode()


def said(listed: Listed) -> list[tuple[str, str, str, bytes]]:
    return [(one.key, one.type, one.digest, one.raw) for one in listed.entries]


@given(
    st.lists(
        st.tuples(st.text(max_size=5), st.sampled_from(["movie", "show", ""])), min_size=50, max_size=60
    ),
    st.none() | st.integers(0, 9),
)
def test_what_is_remembered_is_what_the_bytes_hold(named: list[tuple[str, str]], total: int | None) -> None:
    items = [{"ratingKey": key, "type": kind, "viewCount": 3} for key, kind in named]
    content = answer(items, total)
    read = Answers()
    first, again = read.read(content), read.read(content)
    assert said(again) == said(first) == said(Answers().read(content))
    assert again.total == first.total == total


def test_the_same_bytes_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[int] = []
    original = answers.entries

    def counted(*args: Any) -> list[Entry]:
        reads.append(1)
        return original(*args)

    monkeypatch.setattr(answers, "entries", counted)
    read = Answers()
    for _ in range(3):
        read.read(answer(FILMS))
    assert len(reads) == 1
    read.read(answer([FILMS[0] | {"title": "Another"}, *FILMS[1:]]))
    assert len(reads) == 2


def test_the_oldest_is_forgotten_and_short_ones_are_not_kept() -> None:
    read = Answers(most=2)
    for number in range(4):
        read.read(answer(FILMS, number))
    read.read(answer(FILMS[:3]))
    assert len(read._notes) == 2
    assert read.read(answer(FILMS, 0)).total == 0


def test_what_cannot_be_read_is_not_remembered() -> None:
    read = Answers()
    for _ in range(2):
        with pytest.raises(InvalidResponse):
            read.read(b"<html>")
