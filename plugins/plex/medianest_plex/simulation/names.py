"""Parts from which further titles, people and plots are put together, read from data/names.txt."""

from __future__ import annotations

from importlib import resources


def _parts() -> dict[str, list[str]]:
    text = resources.files("medianest_plex.simulation").joinpath("data", "names.txt").read_text("utf-8")
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
