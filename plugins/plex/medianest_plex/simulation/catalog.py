"""Fills a library with believable films and series: hand-written ones first, then as many made-up ones as asked for."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from medianest_core.testing.world import names
from medianest_core.testing.world.titles import MOVIE, SHOW, Title, household, made_up
from medianest_plex.simulation.library import Item, Library, Section, Shape

MOVIES, SHOWS, VIDEOS = 1, 2, 3
MOST_SHOWS = 600
DAY = 86400

SHAPES = (
    Shape("1080", 1920, 804, "h264", 9800, "mkv", "ac3", 6, None, ("eng",), (("eng", False),)),
    Shape("1080", 1920, 1040, "h264", 8200, "mp4", "aac", 2),
    Shape(
        "1080",
        1920,
        800,
        "hevc",
        6100,
        "mkv",
        "eac3",
        6,
        None,
        ("eng", "deu"),
        (("eng", False), ("deu", False)),
    ),
    Shape(
        "4k",
        3840,
        1606,
        "hevc",
        52400,
        "mkv",
        "truehd",
        8,
        "dv",
        ("eng", "fra"),
        (("eng", False), ("fra", True)),
    ),
    Shape(
        "4k", 3840, 2076, "hevc", 38100, "mkv", "eac3", 6, "hdr10", ("eng", "deu", "spa"), (("eng", False),)
    ),
    Shape(
        "4k", 3840, 2160, "hevc", 24300, "mkv", "eac3", 6, "hlg", ("eng",), (("eng", False), ("por", False))
    ),
    Shape("720", 1280, 536, "h264", 3900, "mkv", "ac3", 6, None, ("eng",), (("eng", False), ("spa", False))),
    Shape("720", 1280, 720, "h264", 2800, "mp4", "aac", 2, None, ("jpn", "eng"), (("eng", True),)),
    Shape("480", 854, 480, "mpeg4", 1400, "avi", "mp3", 2),
    Shape(
        "1080", 1920, 1080, "av1", 4300, "webm", "opus", 2, None, ("eng",), (("eng", False), ("fra", False))
    ),
)
_LIKELY_SHAPES = (0, 0, 0, 1, 1, 2, 2, 3, 4, 5, 6, 7, 8, 9)


def fill(library: Library, items: int, seed: int, videos_dir: str) -> None:
    """Make the three sections and put `items` films and series into the first two (one in four a series, at most 600)."""
    # The day, not the second: a simulator started again on the same day shows an unchanged library.
    now = int(time.time()) // DAY * DAY
    for key, kind, name, location in (
        (MOVIES, "movie", "Movies", "/data/movies"),
        (SHOWS, "show", "TV Shows", "/data/tv"),
        (VIDEOS, "movie", "Videos", videos_dir),
    ):
        library.sections[key] = _section(key, kind, name, location, now)
    maker = _Maker(library, random.Random(seed), now)
    shows = min(items // 4, MOST_SHOWS)
    for number, title in enumerate(_titles(MOVIE, items - shows, maker.random)):
        maker.movie(number, title)
    for number, title in enumerate(_titles(SHOW, shows, maker.random)):
        maker.show(number, title)
    maker.resume_points()


def _section(key: int, kind: str, title: str, location: str, now: int) -> Section:
    personal = title == "Videos"
    return Section(
        key=key,
        type=kind,
        title=title,
        location=location,
        agent="tv.plex.agents.none" if personal else f"tv.plex.agents.{'series' if kind == 'show' else kind}",
        scanner="Plex Video Files" if personal else f"Plex {'TV Series' if kind == 'show' else 'Movie'}",
        uuid=f"5f0c7a3e-0000-4000-8000-{key:012d}",
        created_at=now - 900 * DAY,
        updated_at=now - 3600,
    )


def _titles(kind: str, count: int, rng: random.Random) -> Iterator[Title]:
    written = household(kind)
    yield from written[:count]
    taken = {title.title for title in written}
    for _ in range(count - len(written)):
        yield made_up(rng, taken, kind == SHOW)


class _Maker:
    """Turns titles into items of one library."""

    def __init__(self, library: Library, rng: random.Random, now: int) -> None:
        self.library = library
        self.random = rng
        self.now = now
        # A limited crowd, so that people appear in several films and their names are shared strings.
        self.crowd = [f"{rng.choice(names.FIRST)} {rng.choice(names.LAST)}" for _ in range(900)]

    def people(self, count: int) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.random.choices(self.crowd, k=count)))

    def cast(self, count: int) -> tuple[tuple[str, str], ...]:
        return tuple(zip(self.people(count), self.random.choices(names.FIRST, k=count), strict=False))

    def added_at(self, number: int) -> int:
        # The first few arrived within the last days, so that "recently added" has something to show.
        age = number * 0.6 * DAY if number < 24 else self.random.uniform(14, 800) * DAY
        return self.now - 1800 - int(age)

    def common(self, title: Title, kind: str, section: int, key: int, number: int) -> Item:
        added = self.added_at(number)
        day = date(title.year, 1, 1) + timedelta(days=self.random.randrange(365))
        id_base = (section - 1) * 4_000_000 + key
        ids = title.ids or {
            "imdb": f"tt{9_000_000 + id_base:07d}",
            "tmdb": str(2_000_000 + id_base),
            "tvdb": str(700_000 + id_base),
        }
        return Item(
            key=key,
            type=kind,
            section=section,
            title=title.title,
            added_at=added,
            updated_at=added + 600,
            title_sort=sort_title(title.title),
            summary=title.summary,
            tagline=title.tagline,
            year=title.year,
            available_at=day.isoformat(),
            content_rating=title.content_rating,
            rating=title.rating,
            audience_rating=round(min(9.6, max(3.5, title.rating + self.random.uniform(-0.8, 0.9))), 1),
            duration=title.minutes * 60_000,
            studio=title.studio,
            genres=title.genres,
            directors=self.people(1) if kind == "movie" else (),
            writers=self.people(2) if kind == "movie" else (),
            cast=self.cast(6),
            countries=(self.random.choice(names.COUNTRIES),),
            guids=tuple(f"{provider}://{ids[provider]}" for provider in ("imdb", "tmdb", "tvdb")),
        )

    def movie(self, number: int, title: Title) -> None:
        item = self.common(title, "movie", MOVIES, self.library.take_keys(), number)
        item.shape = SHAPES[self.random.choice(_LIKELY_SHAPES)]
        folder = f"{title.title.replace('/', '-').replace(':', ' -')} ({title.year})"
        imdb = item.guids[0].removeprefix("imdb://")
        item.file = (
            f"/data/movies/{folder}/{folder} {{imdb-{imdb}}} [{item.shape.resolution}].{item.shape.container}"
        )
        item.file_size = title.minutes * 60 * item.shape.bitrate * 125
        self.library.add(item)

    def show(self, number: int, title: Title) -> None:
        sizes = [self.random.randint(4, 10) for _ in range(title.seasons)]
        key = self.library.take_keys(1 + title.seasons + sum(sizes))
        show = self.common(title, "show", SHOWS, key, number)
        show.index = 1
        self.library.add(show)
        shape = SHAPES[self.random.choice(_LIKELY_SHAPES)]
        key += 1
        for season_index, size in enumerate(sizes, 1):
            season = self._season(show, key, season_index)
            key += 1
            for index in range(1, size + 1):
                self._episode(show, season, key, index, shape, title.minutes)
                key += 1
            show.updated_at = season.updated_at = max(show.updated_at, season.added_at)

    def _season(self, show: Item, key: int, index: int) -> Item:
        season = Item(
            key=key,
            type="season",
            section=SHOWS,
            title=f"Season {index}",
            title_sort=f"Season {index}",
            added_at=show.added_at + index * 60,
            updated_at=show.updated_at,
            year=(show.year or 2000) + index - 1,
            index=index,
            parent=show.key,
        )
        return self.library.add(season)

    def _episode(self, show: Item, season: Item, key: int, index: int, shape: Shape, minutes: int) -> None:
        pick = self.random.choice
        name = (
            "Pilot"
            if index == 1 and season.index == 1
            else names.phrase(
                pick(names.EPISODE_PATTERNS[1:]),
                a=pick(names.ADJECTIVES),
                n=pick(names.NOUNS),
                f=pick(names.FIRST),
                p=pick(names.PLACES),
            )
        )
        aired = date(season.year or 2000, 9, 3) + timedelta(weeks=index)
        folder = show.title.replace("/", "-").replace(":", " -")
        episode = Item(
            key=key,
            type="episode",
            section=SHOWS,
            title=name,
            title_sort=sort_title(name),
            added_at=season.added_at + index,
            updated_at=season.added_at + index + 300,
            summary=f"{pick(names.FIRST)} {pick(names.PREDICAMENTS).format(p=pick(names.PLACES))}.",
            year=aired.year,
            available_at=aired.isoformat(),
            content_rating=show.content_rating,
            audience_rating=round(self.random.uniform(6.4, 9.2), 1),
            duration=minutes * 60_000 + self.random.randrange(-90_000, 90_000),
            directors=self.people(1),
            writers=self.people(1),
            guids=(f"imdb://tt{20_000_000 + key}", f"tmdb://{8_000_000 + key}", f"tvdb://{9_000_000 + key}"),
            shape=shape,
            file=f"/data/tv/{folder}/Season {season.index:02d}/{folder} - s{season.index:02d}e{index:02d}.{shape.container}",
            file_size=minutes * 60 * shape.bitrate * 125,
            index=index,
            parent=season.key,
        )
        self.library.add(episode)

    def resume_points(self) -> None:
        """Some films half seen, some series begun."""
        for key in self.library.sections[MOVIES].keys[5:8]:
            item = self.library.items[key]
            item.view_offset = (item.duration or 0) // 3
            item.last_viewed_at = self.now - DAY
        for key in self.library.sections[SHOWS].keys[:5]:
            for episode in self.library.leaves(self.library.items[key])[:2]:
                episode.view_count = 1
                episode.last_viewed_at = self.now - 2 * DAY


def sort_title(title: str) -> str:
    """The title without its leading article."""
    for article in ("The ", "A ", "An "):
        if title.startswith(article) and len(title) > len(article):
            return title[len(article) :]
    return title


def iso_day(at: int) -> str:
    """The UTC day of an epoch time, `YYYY-MM-DD`."""
    return datetime.fromtimestamp(at, UTC).date().isoformat()
