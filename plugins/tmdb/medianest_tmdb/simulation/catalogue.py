"""What the simulated TMDB knows: the films, series and people of the invented world, under the ids that all simulators agree on."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from importlib import resources
from typing import Literal

from medianest_core.testing.world import names
from medianest_core.testing.world.titles import MOVIE, SHOW, Title, elsewhere, household, ids_of, made_up

Kind = Literal["movie", "tv"]
CROWD = 400
HUGE_CAST = 260
FIRST_PERSON = 1_000_001
_NEWEST = max(one.year for one in elsewhere(MOVIE))
_MOVIE_GENRES = {
    "Action": 28,
    "Adventure": 12,
    "Animation": 16,
    "Comedy": 35,
    "Crime": 80,
    "Documentary": 99,
    "Drama": 18,
    "Family": 10751,
    "Fantasy": 14,
    "History": 36,
    "Horror": 27,
    "Music": 10402,
    "Mystery": 9648,
    "Romance": 10749,
    "Science Fiction": 878,
    "Thriller": 53,
    "War": 10752,
    "Western": 37,
}
_TV_GENRES = {
    "Animation": 16,
    "Comedy": 35,
    "Crime": 80,
    "Documentary": 99,
    "Drama": 18,
    "Family": 10751,
    "Kids": 10762,
    "Mystery": 9648,
    "Sci-Fi & Fantasy": 10765,
    "Action & Adventure": 10759,
    "War & Politics": 10768,
    "Western": 37,
}
_TV_NAMES = {
    "Science Fiction": "Sci-Fi & Fantasy",
    "Fantasy": "Sci-Fi & Fantasy",
    "Adventure": "Action & Adventure",
    "Action": "Action & Adventure",
    "War": "War & Politics",
    "Thriller": "Mystery",
    "Horror": "Mystery",
    "History": "Drama",
    "Music": "Drama",
    "Romance": "Drama",
}
GENRES: Mapping[Kind, Mapping[str, int]] = {"movie": _MOVIE_GENRES, "tv": _TV_GENRES}


@dataclass(frozen=True, slots=True)
class Picture:
    """kind: poster, backdrop, logo, still or profile. language: None where it bears no words."""

    path: str
    kind: str
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Person:
    id: int
    name: str
    gender: int
    profile: Picture | None


@dataclass(slots=True)
class Work:
    """A film or series. released: None where nothing is announced. german: title and overview, "" where untranslated.
    popularity, votes: as lists are sorted."""

    kind: Kind
    id: int
    title: Title
    imdb: str
    tvdb: int | None
    original_title: str
    original_language: str
    released: date | None
    popularity: float
    votes: int
    posters: Sequence[Picture]
    backdrops: Sequence[Picture]
    logo: Picture | None
    german: tuple[str, str] = ("", "")
    cast: Sequence[tuple[Person, str]] = ()
    crew: Sequence[tuple[Person, str, str]] = ()
    seasons: Sequence[int] = ()
    """Episodes of each season, from the first; series have specials too."""

    @property
    def genres(self) -> list[tuple[int, str]]:
        known = GENRES[self.kind]
        translated = (_TV_NAMES.get(one, one) if self.kind == "tv" else one for one in self.title.genres)
        return [
            (known.get(name, 18), name if name in known else "Drama") for name in dict.fromkeys(translated)
        ]

    @property
    def rating(self) -> float:
        return self.title.rating

    def name(self, language: str) -> str:
        """The title in that language; the original one where nobody has translated it."""
        if language == "de" and self.german[0]:
            return self.german[0]
        return self.title.title

    def overview(self, language: str) -> str:
        """Empty where nobody has translated it."""
        if language == "de":
            return self.german[1]
        return self.title.summary if language == "en" else ""


@dataclass
class Catalogue:
    works: dict[tuple[Kind, int], Work] = field(default_factory=dict)
    people: dict[int, Person] = field(default_factory=dict)
    pictures: dict[str, tuple[Picture, Work | Person]] = field(default_factory=dict)
    by_external: dict[tuple[str, str], list[Work]] = field(default_factory=dict)

    def of(self, kind: Kind) -> list[Work]:
        """All of a kind, the most popular first."""
        return sorted(
            (work for work in self.works.values() if work.kind == kind), key=lambda work: -work.popularity
        )


def build(items: int, seed: int, today: date) -> Catalogue:
    """Everything that was ever written down, and made-up titles until there are `items`."""
    made = Catalogue()
    rng = random.Random(seed)
    for number in range(CROWD):
        person_id = FIRST_PERSON + number
        path = _path(f"person/{person_id}")
        profile = Picture(path, "profile") if number % 3 else None
        person = Person(person_id, f"{rng.choice(names.FIRST)} {rng.choice(names.LAST)}", number % 4, profile)
        made.people[person_id] = person
        if profile is not None:
            made.pictures[path] = (profile, person)
    german = _german()
    for kind, title in _titles(items, rng):
        work = _work(made, kind, title, today)
        work.german = german.get((kind, title.title), ("", ""))
        if (work.kind, work.id) in made.works:
            continue
        made.works[(work.kind, work.id)] = work
        for picture in (*work.posters, *work.backdrops, *([work.logo] if work.logo else [])):
            made.pictures[picture.path] = (picture, work)
        made.by_external.setdefault(("imdb_id", work.imdb), []).append(work)
        if work.tvdb is not None:
            made.by_external.setdefault(("tvdb_id", str(work.tvdb)), []).append(work)
    return made


def still_path(work: Work, season: int, episode: int) -> str | None:
    """Every seventh episode has none."""
    return None if episode % 7 == 0 else _path(f"still/{work.id}/{season}/{episode}")


def _titles(items: int, rng: random.Random) -> Iterator[tuple[str, Title]]:
    count = 0
    for kind in ("movie", "show"):
        for title in (*household(kind), *elsewhere(kind)):
            count += 1
            yield kind, title
    taken = {title.title for kind in ("movie", "show") for title in (*household(kind), *elsewhere(kind))}
    while count < items:
        kind = SHOW if count % 3 == 0 else "movie"
        title = made_up(rng, taken, kind == SHOW)
        count += 1
        yield kind, title._replace(ids=ids_of(kind, title.title, title.year))


def _work(made: Catalogue, kind: str, title: Title, today: date) -> Work:
    tmdb = int(title.ids["tmdb"])
    rng = random.Random(f"{kind}/{tmdb}")
    served: Kind = "tv" if kind == SHOW else "movie"
    # There is always something to come, also when the newest invented titles are of years ago.
    age = min(today.year, _NEWEST) - title.year
    released: date | None = date(title.year, 1, 1) + timedelta(days=rng.randrange(365))
    if age <= 0:
        # What this year brings is partly still to come.
        released = today + timedelta(days=rng.randint(-60, 120))
    if (title.rating == 0 and title.minutes == 0) or rng.random() < 0.05:
        released = None
    arabic, japanese = "\u0600" <= title.title[0] <= "\u06ff", "\u3040" <= title.title[0] <= "\u9fff"
    language = "ar" if arabic else "ja" if japanese else "de" if title.title == "Zeitgleich" else "en"
    mark = f"{served}/{tmdb}"
    posters = [
        Picture(_path(f"{mark}/poster/{number}"), "poster", tongue)
        for number, tongue in enumerate(("en", "de", None))
    ]
    backdrops = [Picture(_path(f"{mark}/backdrop/{number}"), "backdrop") for number in range(2)]
    if rng.random() < 0.04:
        posters = []
    if rng.random() < 0.08:
        backdrops = []
    people = list(made.people.values())
    size = HUGE_CAST if title.title == "Mother of Pearl Street" else rng.randint(4, 14)
    cast = [(person, rng.choice(names.FIRST)) for person in rng.sample(people, size)]
    crew = [
        (rng.choice(people), job, department)
        for job, department in (("Director", "Directing"), ("Screenplay", "Writing"), ("Editor", "Editing"))
    ]
    return Work(
        kind=served,
        id=tmdb,
        title=title,
        imdb=title.ids["imdb"],
        tvdb=int(title.ids["tvdb"]) if served == "tv" else None,
        original_title=title.title,
        original_language=language,
        released=released,
        popularity=round(2 + 400 * rng.random() ** 3 / (1 + max(0, age) / 6), 3),
        votes=0 if title.rating == 0 else rng.randint(8, 12_000),
        posters=posters,
        backdrops=backdrops,
        logo=Picture(_path(f"{mark}/logo"), "logo", "en") if rng.random() < 0.5 else None,
        cast=cast,
        crew=crew,
        seasons=[rng.randint(4, 10) for _ in range(title.seasons)],
    )


def _german() -> dict[tuple[str, str], tuple[str, str]]:
    folder = resources.files("medianest_tmdb.simulation").joinpath("data", "german.txt")
    found = {}
    for line in folder.read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            kind, title, german, overview = (cell.strip() for cell in line.split("|"))
            found[(kind, title)] = (german, overview)
    return found


def _path(text: str) -> str:
    digest = hashlib.blake2b(text.encode(), digest_size=13).hexdigest()
    return f"/{digest}.jpg"
