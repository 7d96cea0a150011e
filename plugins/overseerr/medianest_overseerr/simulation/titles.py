"""What the simulated TMDB behind Seerr knows: the films and series of the simulated world, by TMDB id."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from medianest_core.testing.world.titles import MOVIE, SHOW, Title, elsewhere, household

POSTERLESS = 7
"""Every seventh title has no picture, as happens at TMDB."""


@dataclass(frozen=True)
class Work:
    """A film or series. kind: "movie" or "tv". owned: the simulated household has it."""

    kind: str
    tmdb: int
    tvdb: int | None
    imdb: str | None
    facts: Title
    owned: bool = False

    @property
    def name(self) -> str:
        return self.facts.title

    @property
    def poster(self) -> str | None:
        """Path at the image host, or None."""
        return None if self.tmdb % POSTERLESS == 0 else f"/{self.kind}{self.tmdb}.jpg"

    @property
    def released(self) -> str:
        """ISO date."""
        mark = _digest(f"{self.kind}{self.tmdb}")
        return f"{self.facts.year}-{mark % 12 + 1:02d}-{mark // 12 % 28 + 1:02d}"

    @property
    def popularity(self) -> float:
        return round(self.facts.rating * 10 + _digest(self.name) % 400 / 10, 3)

    @property
    def votes(self) -> int:
        return 100 + _digest(f"votes {self.tmdb}") % 9000

    def seasons(self) -> Sequence[tuple[int, int]]:
        """(number, how many episodes), the specials first."""
        mark = _digest(f"seasons {self.tmdb}")
        return [(0, 2), *((n, 6 + (mark + n) % 5) for n in range(1, self.facts.seasons + 1))]


class Titles:
    """Everything that can be asked for; `invent` makes up what is not known."""

    def all(self, kind: str | None = None) -> Sequence[Work]:
        """The best known first."""
        return [work for work in _works().values() if kind in (None, work.kind)]

    def get(self, kind: str, tmdb: int, *, invent: bool = False) -> Work | None:
        """By TMDB id; None where nobody knows it."""
        found = _works().get((kind, tmdb))
        if found is not None or not invent:
            return found
        name = f"{'Film' if kind == 'movie' else 'Series'} {tmdb}"
        facts = Title(name, 2024, ("Drama",), 7.0, "PG", 100, "", "", "", 0 if kind == "movie" else 3)
        return Work(kind, tmdb, None, None, facts)

    def search(self, text: str) -> list[Work]:
        """By words of the title, or by "tmdb:", "imdb:", "tvdb:" and "year:"."""
        prefix, _, value = text.partition(":")
        if value and prefix in ("tmdb", "imdb", "tvdb"):
            return [work for work in self.all() if value.strip() == str(getattr(work, prefix))]
        words = text.casefold().split()
        year = next((word.removeprefix("year:") for word in words if word.startswith("year:")), None)
        words = [word for word in words if not word.startswith("year:")]
        return [
            work
            for work in self.all()
            if all(word in work.name.casefold() for word in words) and year in (None, str(work.facts.year))
        ]


@lru_cache
def _works() -> Mapping[tuple[str, int], Work]:
    works = [
        _work(kind, facts, owned)
        for kind in (MOVIE, SHOW)
        for owned, listed in ((False, elsewhere(kind)), (True, household(kind)))
        for facts in listed
    ]
    works.sort(key=lambda work: (-work.popularity, work.tmdb))
    return {(work.kind, work.tmdb): work for work in works}


def genre_id(name: str) -> int:
    """TMDB's number of a genre, here made of its name."""
    return 10 + _digest(name) % 990


def _work(kind: str, facts: Title, owned: bool) -> Work:
    ids = facts.ids
    return Work(
        "movie" if kind == MOVIE else "tv",
        int(ids["tmdb"]),
        int(ids["tvdb"]) if kind == SHOW else None,
        ids["imdb"],
        facts,
        owned,
    )


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.blake2s(text.encode(), digest_size=6).digest(), "big")
