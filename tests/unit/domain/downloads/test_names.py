from __future__ import annotations

import unicodedata

from hypothesis import example, given
from hypothesis import strategies as st

from medianest_core.domain.downloads.names import COMPONENT_BYTES, safe_name, stem_of, user_folder

HOSTILE = [
    "../../etc/passwd",
    "..",
    ".",
    "/",
    "\\\\server\\share",
    'a/b\\c:d*e?f"g<h>i|j',
    "con",
    "NUL.txt",
    "Lpt1 .mp4",
    "\x00\x01\x7f",
    "‮gpj.exe",
    "-rf ~",
    "~root",
    "a" * 400,
    "😀" * 200,
    "é" * 150,
    "  . hidden . ",
    "%2e%2e%2f",
    "line\nbreak\ttab",
    "\ud800",
]


@given(st.one_of(st.text(), st.sampled_from(HOSTILE)))
@example("-" * 200)
def test_a_name_is_one_safe_component(title: str) -> None:
    name = safe_name(title)
    assert name and len(name.encode()) <= COMPONENT_BYTES
    assert not set(name) & set('/\\:*?"<>|')
    assert not any(unicodedata.category(sign) in {"Cc", "Cf", "Cs"} for sign in name)
    assert name == name.strip() and name[0] not in ".-~" and name[-1] != "."
    assert name.partition(".")[0].strip().lower() not in {"con", "nul", "aux", "prn", "com1", "lpt1"}
    assert safe_name(name) == name


@given(st.text(), st.text(min_size=1, max_size=80))
def test_a_stem_leaves_room_for_extensions(title: str, key: str) -> None:
    stem = stem_of(title, key)
    assert len(stem.encode()) + len(".de-CH-1901.srt") <= 255
    assert "/" not in stem and "\\" not in stem and ":" not in stem


def test_keys_keep_equal_titles_apart() -> None:
    assert stem_of("Pilot", "abc") == "Pilot [abc]"
    assert stem_of("Pilot", "tube:abc") == "Pilot [tube-abc]"
    assert stem_of("Pilot", "../x") != stem_of("Pilot", "../y")


def test_people_of_one_name_have_folders_of_their_own() -> None:
    assert user_folder("../..", "0f3a-1") != user_folder("../..", "1b2c-2")
    assert "/" not in user_folder("a/b", "c/d")
