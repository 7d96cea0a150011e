"""Names from titles: laws that hold for every text."""

from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medianest_youtube.naming import safe_name, stem

_NASTY = st.text(st.one_of(st.characters(), st.sampled_from('/\\:*?"<>|.\x00\n\u202e~- ')), max_size=300)


@given(_NASTY)
def test_a_name_is_one_component_everywhere(title: str) -> None:
    name = safe_name(title)
    assert name and name not in (".", "..")
    assert PurePosixPath(name).name == PureWindowsPath(name).name == name
    assert len(name.encode()) <= 160
    assert not name.startswith((".", "-", "~", " ")) and not name.endswith((".", " "))
    assert not any(unicodedata.category(c) in ("Cc", "Cf", "Cs") or c in '<>:"/\\|?*' for c in name)
    assert safe_name(name) == name


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("../../etc/passwd", "⧸..⧸etc⧸passwd"),
        ("AC/DC: live?", "AC⧸DC - live？"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("", "Untitled"),
        ("...", "Untitled"),
        ("-rf *", "rf ＊"),
        ("\u202egpj.exe", "gpj.exe"),
        ("Grüße 🎬", "Grüße 🎬"),
    ],
)
def test_known_nasty_titles(title: str, name: str) -> None:
    assert safe_name(title) == name


@given(_NASTY, _NASTY)
def test_a_stem_leaves_room_for_what_follows(title: str, identifier: str) -> None:
    made = stem(title, identifier)
    assert len(f"{made}.zh-Hant.srt".encode()) <= 255
    assert "/" not in made and "\x00" not in made
