"""Made-up titles read like titles, and are the same each time."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from medianest_core.testing.world import names
from medianest_plex.simulation.catalog import fill
from medianest_plex.simulation.library import Library


def texts(tmp_path: Path) -> list[str]:
    library = Library()
    fill(library, 600, 7, str(tmp_path))
    return [text for item in library.items.values() for text in (item.title, item.summary or "")]


@pytest.mark.parametrize(
    ("pattern", "noun", "expected"),
    [
        ("A {n} in {p}", "Anchor", "An Anchor in Porto"),
        ("A {n} in {p}", "Hour", "An Hour in Porto"),
        ("A {n} in {p}", "House", "A House in Porto"),
        ("The {n} of {p}", "Island", "The Island of Porto"),
    ],
)
def test_the_article_fits(pattern: str, noun: str, expected: str) -> None:
    assert names.phrase(pattern, n=noun, p="Porto") == expected


def test_no_text_of_a_library_has_a_wrong_article(tmp_path: Path) -> None:
    found = texts(tmp_path)
    assert any(text.startswith("An ") for text in found)
    assert not [text for text in found if re.search(r"\b[Aa] [AEIOUaeiou]|\b[Aa]n [^AEIOUaeiouHh]", text)]


def test_they_are_the_same_each_time(tmp_path: Path) -> None:
    assert texts(tmp_path) == texts(tmp_path)
