"""The films and series of the simulated file server: part of what the household has, and a few that only this server has.

Everything is a function of the seed and of how many there are. Tests change `films` and `series` as they like.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from medianest_core.testing.world import names
from medianest_core.testing.world.titles import MOVIE, SHOW, Title, household, made_up

DAY = 86_400
_BEGAN = 1_600_000_000
"""Long ago, so that what another server says of the same title is newer."""
LANGUAGES = {
    "English": "en",
    "German": "de",
    "Portuguese (Brazil)": "pt-BR",
    "Japanese": "ja",
    "French": "fr",
}
_OWN = ("Dr. Okafor vs. the 4.5 Mile Reef", "Mr. Halloway's Garden", "S.O.S. Lighthouse")
"""Names with dots, which no path may be cut at."""


@dataclass(frozen=True)
class Picture:
    """How a video was made: size, range of brightness, format."""

    width: int
    height: int
    hdr: str | None
    format: str
    depth: int
    transfer: str


_PICTURES = (
    Picture(1920, 804, None, "H.264", 8, "bt709"),
    Picture(1920, 1080, None, "HEVC", 10, "bt709"),
    Picture(3840, 2160, "HDR10", "HEVC", 10, "smpte2084"),
    Picture(3840, 1608, "Dolby Vision", "HEVC", 10, "smpte2084"),
    Picture(1280, 720, None, "H.264", 8, "bt709"),
)


@dataclass
class Work:
    """A film, series or episode. folder: its name on the disk. index: of an episode. blurred: whether there is a blurhash of its
    poster or still; only of some, because the pictures have to be drawn for it."""

    title: Title
    folder: str
    picture: Picture
    changed_at: int
    languages: tuple[str, ...] = ("English",)
    index: int = 0
    file: str = ""
    blurred: bool = False
    seasons: dict[str, list[Work]] = field(default_factory=dict)

    @property
    def length(self) -> int:
        """Milliseconds."""
        return self.title.minutes * 60_000 + 17_000

    @property
    def size(self) -> int:
        """Bytes."""
        return self.title.minutes * 60 * (self.picture.height * 700)

    def quality(self) -> dict[str, Any]:
        """The entry's `mediaQuality`."""
        shown = self.picture.hdr
        return {
            "format": self.picture.format,
            "bitDepth": self.picture.depth,
            "colorSpace": "bt2020nc" if shown else "bt709",
            "transferCharacteristics": self.picture.transfer,
            "isHDR": shown is not None,
            "audioCodec": "eac3" if shown else "aac",
            "audioChannels": 6 if shown else 2,
            "viewingExperience": {
                "enhancedColor": self.picture.depth > 8,
                "highDynamicRange": shown is not None,
                "dolbyVision": shown == "Dolby Vision",
                "hdr10Plus": False,
                "standardHDR": shown == "HDR10",
            },
        }


def folder_of(title: Title, tagged: bool) -> str:
    """ "Title (Year)", with the id of TMDB where people name folders so."""
    name = f"{title.title.replace('/', '-')} ({title.year})"
    return f"{name} {{tmdb-{title.ids['tmdb']}}}" if tagged and "tmdb" in title.ids else name


class Shelf:
    """items: films and series together; one in four is a series."""

    def __init__(self, items: int, seed: int) -> None:
        self._random = random.Random(seed)
        shows = items // 4
        self.films: dict[str, Work] = {}
        self.series: dict[str, Work] = {}
        for number, title in enumerate(self._titles(MOVIE, items - shows)):
            work = self._work(title, number)
            self.films[work.folder] = work
        for number, title in enumerate(self._titles(SHOW, shows)):
            work = self._work(title, number)
            for season in range(1, title.seasons + 1):
                work.seasons[f"Season {season}"] = [
                    self._episode(work, season, index) for index in range(1, 4 + (number + season) % 2)
                ]
            self.series[work.folder] = work

    def _titles(self, kind: str, count: int) -> list[Title]:
        own = [self._own(name) for name in _OWN] if kind == MOVIE else []
        shared = [*household(kind)[1::3], *household(kind)[::3]]
        found = [*own, *shared][:count]
        taken = {title.title for title in household(kind)}
        while len(found) < count:
            found.append(made_up(self._random, taken, kind == SHOW))
        return found

    def _own(self, name: str) -> Title:
        return made_up(self._random, set(), False)._replace(title=name)

    def _work(self, title: Title, number: int) -> Work:
        folder = folder_of(title, number % 3 == 0)
        every = list(LANGUAGES)
        languages = tuple(every[: 1 + number % len(every)][::-1])
        return Work(
            title,
            folder,
            _PICTURES[number % len(_PICTURES)],
            _BEGAN + number * DAY,
            languages,
            file=f"{folder}.mp4",
            blurred=number % 4 == 3,
        )

    def _episode(self, show: Work, season: int, index: int) -> Work:
        name = names.phrase(
            self._random.choice(names.EPISODE_PATTERNS),
            a=self._random.choice(names.ADJECTIVES),
            n=self._random.choice(names.NOUNS),
            f=self._random.choice(names.FIRST),
            p=self._random.choice(names.PLACES),
        )
        title = show.title._replace(
            title=name, seasons=0, summary=f"{name}: part {index} of season {season}."
        )
        key = f"S{season:02d}E{index:02d}"
        return Work(
            title,
            key,
            show.picture,
            show.changed_at + index * 60,
            show.languages[:2],
            index,
            f"{show.title.title.replace('/', '-')} - {key} - {name.replace('/', '-')}.mp4",
            index == 1,
        )
