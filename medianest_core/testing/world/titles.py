"""Films and series that exist in the simulated world, by name and by the ids that catalogs give them.

`household` are those that the simulated media servers have; `elsewhere` exist too, and nobody has them. Their ids depend on nothing
but kind, title and year, so that simulators of several services agree without knowing each other.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib import resources
from typing import NamedTuple

from medianest_core.testing.world import names

MOVIE, SHOW = "movie", "show"
_IDS = {"tmdb": (100_000, 800_000), "tvdb": (100_000, 500_000), "imdb": (1_000_000, 7_000_000)}
"""Provider → first id and how many there are."""


class Title(NamedTuple):
    """The facts of a film or series. `minutes` is one episode's for a series. ids: by provider; empty for what only a household knows."""

    title: str
    year: int
    genres: tuple[str, ...]
    rating: float
    content_rating: str
    minutes: int
    tagline: str
    summary: str
    studio: str
    seasons: int = 0
    ids: Mapping[str, str] = {}


@lru_cache
def household(kind: str) -> Sequence[Title]:
    """Those of "movie" or "show" that the media servers have, in their order."""
    return tuple(_written(f"{kind}s.txt", kind))


@lru_cache
def elsewhere(kind: str) -> Sequence[Title]:
    """Those of "movie" or "show" that nobody has yet."""
    return tuple(_written(f"{kind}s_elsewhere.txt", kind))


def ids_of(kind: str, title: str, year: int) -> dict[str, str]:
    """ "tmdb", "tvdb" and "imdb" → id."""
    found = {}
    for provider, (first, count) in _IDS.items():
        digest = hashlib.blake2s(f"{provider}/{kind}/{title}/{year}".encode(), digest_size=8).digest()
        number = first + int.from_bytes(digest, "big") % count
        found[provider] = f"tt{number:07d}" if provider == "imdb" else str(number)
    return found


def made_up(rng: random.Random, taken: set[str], shows: bool) -> Title:
    """Another one, put together from parts; `taken` holds the names in use and gets this one's. Without ids."""
    pick = rng.choice
    place = pick(names.PLACES)
    title = names.phrase(
        pick(names.PATTERNS),
        a=pick(names.ADJECTIVES),
        n=pick(names.NOUNS),
        m=pick(names.NOUNS),
        p=place,
    )
    if title in taken:
        title = f"{title}: {pick(names.ADJECTIVES)} {pick(names.NOUNS)}"
    taken.add(title)
    role, plot, turn = (
        pick(names.ROLES),
        pick(names.PREDICAMENTS).format(p=place),
        pick(names.TURNS).format(p=place),
    )
    article = "An" if role[0] in "aeiou" else "A"
    first = pick(names.GENRES)
    second = pick(names.GENRES)
    return Title(
        title=title,
        year=int(rng.triangular(1955, 2025, 2016)),
        genres=(first,) if first == second else (first, second),
        rating=round(rng.triangular(4.6, 9.0, 7.1), 1),
        content_rating=pick(("TV-G", "TV-PG", "TV-14", "TV-MA") if shows else names.CONTENT_RATINGS),
        minutes=rng.randint(22, 58) if shows else rng.randint(82, 156),
        tagline="",
        summary=f"{article} {role} {plot}. {turn}",
        studio=pick(names.STUDIOS),
        seasons=rng.randint(1, 4) if shows else 0,
    )


def _written(file: str, kind: str) -> Sequence[Title]:
    text = resources.files("medianest_core.testing.world").joinpath("data", file).read_text("utf-8")
    return [_read(line, kind) for line in text.splitlines() if line and not line.startswith("#")]


def _read(line: str, kind: str) -> Title:
    name, year, genres, rating, content, *rest = (cell.strip() for cell in line.split("|"))
    if kind == SHOW:
        seasons, minutes, studio, summary = rest
        tagline = ""
    else:
        minutes, tagline, summary = rest
        seasons, studio = "0", names.STUDIOS[len(name) % len(names.STUDIOS)]
    return Title(
        title=name,
        year=int(year),
        genres=tuple(genre.strip() for genre in genres.split(",")),
        rating=float(rating),
        content_rating=content,
        minutes=int(minutes),
        tagline=tagline,
        summary=summary,
        studio=studio,
        seasons=int(seasons),
        ids=ids_of(kind, name, int(year)),
    )
