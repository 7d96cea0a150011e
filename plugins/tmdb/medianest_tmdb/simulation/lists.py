"""Searching, charts and filters over the catalogue."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import date, timedelta

from medianest_tmdb.simulation.catalogue import Catalogue, Kind, Person, Work

_WORDS = str.maketrans(dict.fromkeys(".,:;!?'’\"()-–—&<>/", " "))


class Lists:
    """today: what counts as new and as to come."""

    def __init__(self, catalogue: Catalogue, today: date) -> None:
        self._catalogue = catalogue
        self._today = today

    def search(self, kind: Kind, text: str, query: Mapping[str, str]) -> list[Work]:
        """Works all of whose words are begun by those of the text, in any title they bear; the very name first."""
        wanted = _plain(text).split()
        if not wanted:
            return []
        year = query.get("year") or query.get("primary_release_year") or query.get("first_air_date_year")
        found = []
        for work in self._catalogue.of(kind):
            if year and (work.released is None or str(work.released.year) != year):
                continue
            names = [_plain(name) for name in (work.title.title, work.german[0]) if name]
            if any(_matches(wanted, name) for name in names):
                exact = " ".join(wanted) in names
                found.append((not exact, -work.popularity, work))
        return [work for *_, work in sorted(found, key=lambda one: one[:2])]

    def people(self, text: str) -> list[Person]:
        wanted = _plain(text).split()
        return [
            one for one in self._catalogue.people.values() if wanted and _matches(wanted, _plain(one.name))
        ]

    def chart(self, kind: Kind, name: str) -> list[Work] | None:
        """One of the fixed lists; None where there is none of that name."""
        works = self._catalogue.of(kind)
        soon = self._today + timedelta(days=1)
        lately = self._today - timedelta(days=45 if kind == "movie" else 400)
        if name == "popular":
            return works
        if name == "top_rated":
            return sorted((one for one in works if one.votes >= 100), key=lambda one: -one.rating)
        if name == ("now_playing" if kind == "movie" else "on_the_air"):
            return [one for one in works if one.released and lately <= one.released <= self._today]
        if name == "upcoming" and kind == "movie":
            coming = [one for one in works if one.released and one.released >= soon]
            return sorted(coming, key=lambda one: one.released or self._today)
        if name == "airing_today" and kind == "tv":
            return [one for one in works if one.released and one.released == self._today]
        return None

    def trending(self, kind: str, window: str) -> list[Work]:
        """The day's list is turned a little against the week's."""
        kinds: tuple[Kind, ...] = ("movie", "tv")
        works = [
            work
            for one in kinds
            if kind in (one, "all")
            for work in self._catalogue.of(one)
            if work.title.year >= self._today.year - 6
        ]
        salt = self._today.toordinal() % 7 if window == "day" else 0
        return sorted(works, key=lambda work: -work.popularity * (1 + ((work.id + salt) % 5) / 10))

    def discover(self, kind: Kind, query: Mapping[str, str]) -> list[Work]:
        """Filters by genre (comma: all, bar: any), dates, votes and language, in the order that is asked for."""
        day = "primary_release_date" if kind == "movie" else "first_air_date"
        works = self._catalogue.of(kind)
        if genres := query.get("with_genres"):
            alternatives = genres.split("|")
            works = [
                work
                for work in works
                if any(
                    {int(n) for n in one.split(",") if n.isdecimal()} <= {n for n, _ in work.genres}
                    for one in alternatives
                )
            ]
        if after := query.get(f"{day}.gte"):
            works = [work for work in works if work.released and work.released.isoformat() >= after]
        if before := query.get(f"{day}.lte"):
            works = [work for work in works if work.released and work.released.isoformat() <= before]
        if votes := query.get("vote_count.gte"):
            works = [work for work in works if work.votes >= float(votes)]
        if language := query.get("with_original_language"):
            works = [work for work in works if work.original_language in language.split("|")]
        order = query.get("sort_by", "popularity.desc")
        if order == "vote_average.desc":
            works.sort(key=lambda work: -work.rating)
        elif order.startswith(day):
            works.sort(key=lambda work: work.released or date.min, reverse=order.endswith("desc"))
        elif order == "popularity.asc":
            works.reverse()
        return works

    def changed(self, kind: Kind, start: date, end: date) -> list[int]:
        """Ids of works that somebody edited between two days, the last one included."""
        days = {(start + timedelta(days=number)).toordinal() for number in range((end - start).days + 1)}
        return [
            work.id for work in self._catalogue.of(kind) if any((work.id + day) % 40 == 0 for day in days)
        ]


def _matches(wanted: list[str], name: str) -> bool:
    words = name.split()
    return all(any(word.startswith(one) for word in words) for one in wanted)


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold().translate(_WORDS))
    return " ".join("".join(sign for sign in decomposed if not unicodedata.combining(sign)).split())
