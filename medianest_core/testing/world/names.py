"""Parts from which further titles, people and plots are put together, read from data/names.txt."""

from __future__ import annotations

import re
from importlib import resources


def _parts() -> dict[str, list[str]]:
    text = resources.files("medianest_core.testing.world").joinpath("data", "names.txt").read_text("utf-8")
    rows = (line.partition(" = ") for line in text.splitlines() if not line.startswith("#"))
    return {name: [value.strip() for value in values.split("|")] for name, _, values in rows}


_PARTS = _parts()
FIRST = _PARTS["first"]
LAST = _PARTS["last"]
ADJECTIVES = _PARTS["adjectives"]
NOUNS = _PARTS["nouns"]
PLACES = _PARTS["places"]
PATTERNS = _PARTS["patterns"]
ROLES = _PARTS["roles"]
PREDICAMENTS = _PARTS["predicaments"]
TURNS = _PARTS["turns"]
STUDIOS = _PARTS["studios"]
COUNTRIES = _PARTS["countries"]
GENRES = _PARTS["genres"]
CONTENT_RATINGS = _PARTS["content_ratings"]
EPISODE_PATTERNS = _PARTS["episode_patterns"]

_ARTICLE = re.compile(r"\b([Aa]) (?=[AEIOUaeiou]|Hour|hour)")


def phrase(pattern: str, **parts: str) -> str:
    """`pattern` with its parts filled in and the article that fits the word after it: "An Island in Porto"."""
    return _ARTICLE.sub(r"\1n ", pattern.format(**parts))
