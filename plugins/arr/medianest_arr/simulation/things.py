"""What a simulated Radarr or Sonarr keeps: films, series, episodes, files, downloads and what they look like in JSON."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from medianest_arr.simulation.wire import day, iso
from medianest_core.testing.world.titles import MOVIE, Title, elsewhere

DAY = 86400.0
TODAY = time.time() // DAY * DAY
"""What is "soon" counts from the start of the process, so that it comes nearer while it runs."""
_THIS_YEAR = min(int((day(TODAY) or "")[:4]), max(one.year for one in elsewhere(MOVIE)))
"""There is always something to come, also when the newest invented films are of years ago."""


@dataclass
class MediaFile:
    """A file of the household. resolution: 720, 1080 or 2160."""

    id: int
    path: str
    size: int
    added: float
    quality: str
    group: str
    hdr: str = ""

    @property
    def resolution(self) -> int:
        return int(self.quality.rpartition("-")[2].removesuffix("p"))

    def resource(self, owner: Mapping[str, Any], root: str) -> dict[str, Any]:
        """As `moviefile` and `episodefile` show it. owner: {"movieId": …} or {"seriesId": …, "seasonNumber": …}."""
        return {
            **owner,
            "relativePath": self.path.removeprefix(root).lstrip("/"),
            "path": self.path,
            "size": self.size,
            "dateAdded": iso(self.added),
            "sceneName": self.path.rpartition("/")[2].rpartition(".")[0].replace(" ", "."),
            "releaseGroup": self.group,
            "languages": [{"id": 1, "name": "English"}],
            "quality": quality(self.quality),
            "customFormats": [],
            "customFormatScore": 0,
            "indexerFlags": 0,
            "mediaInfo": self.info(),
            "qualityCutoffNotMet": False,
            "id": self.id,
        }

    def info(self) -> dict[str, Any]:
        """Technical facts in the API's form."""
        width = {720: 1280, 1080: 1920, 2160: 3840}[self.resolution]
        return {
            "audioBitrate": 640000,
            "audioChannels": 5.1,
            "audioCodec": "EAC3",
            "audioLanguages": "eng/deu",
            "audioStreamCount": 2,
            "videoBitDepth": 10 if self.hdr else 8,
            "videoBitrate": 9_800_000,
            "videoCodec": "x265" if self.resolution == 2160 else "x264",
            "videoDynamicRange": "HDR" if self.hdr else "",
            "videoDynamicRangeType": self.hdr,
            "videoFps": 23.976,
            "resolution": f"{width}x{self.resolution}",
            "runTime": "1:52:04",
            "scanType": "Progressive",
            "subtitles": "eng/deu",
        }


def quality(name: str) -> dict[str, Any]:
    """A quality with its revision."""
    source, _, height = name.rpartition("-")
    return {
        "quality": {
            "id": len(name),
            "name": name,
            "source": source.lower(),
            "resolution": int(height.removesuffix("p")),
            "modifier": "none",
        },
        "revision": {"version": 1, "real": 0, "isRepack": False},
    }


@dataclass
class Held:
    """What films and series that were added have in common."""

    id: int
    title: Title
    added: float
    root: str
    profile: int
    monitored: bool
    tags: list[int] = field(default_factory=list)
    searched: float | None = None

    @property
    def folder(self) -> str:
        clean = self.title.title.replace("/", "-").replace(":", " -")
        return f"{clean} ({self.title.year})"

    @property
    def path(self) -> str:
        return f"{self.root}/{self.folder}"


@dataclass
class Film(Held):
    """A film in Radarr."""

    availability: str = "released"
    file: MediaFile | None = None


@dataclass
class Episode:
    """An episode in Sonarr. aired: epoch seconds."""

    id: int
    tvdb: int
    season: int
    number: int
    title: str
    aired: float
    monitored: bool
    file: MediaFile | None = None


@dataclass
class Series(Held):
    """A series in Sonarr. seasons: number → monitored. refreshed: its episodes are known."""

    seasons: dict[int, bool] = field(default_factory=dict)
    episodes: list[Episode] = field(default_factory=list)
    season_folder: bool = True
    new_items: str = "all"
    kind: str = "standard"
    refreshed: bool = False


@dataclass
class Transfer:
    """A download. records: one id per episode, a single one for a film. trouble: what keeps it from ending; see `queue`."""

    records: list[int]
    download: str
    owner: Film | Series
    episodes: list[Episode]
    release: str
    quality: str
    size: int
    started: float
    seconds: float
    trouble: str = ""
    upgrade: bool = False
    told: bool = False
    """Someone was asked to help."""

    def done(self, now: float) -> float:
        """0 to 1."""
        share = min(1.0, max(0.0, (now - self.started) / self.seconds))
        return min(share, 0.37) if self.trouble in STOPPED else share


STOPPED = frozenset({"stalled", "paused", "queued", "delay", "client"})
TROUBLES = STOPPED | {"", "import", "failed"}


def chance(*parts: object) -> int:
    """A number that always is the same for the same parts."""
    digest = hashlib.blake2s("/".join(map(str, parts)).encode(), digest_size=6).digest()
    return int.from_bytes(digest, "big")


def released(title: Title) -> float:
    """When a film appears, or a series began: within its year, or around these weeks for what is of this year or later."""
    if title.year >= _THIS_YEAR:
        return TODAY + (chance("soon", title.title) % 40 - 6) * DAY + 20 * 3600
    return (title.year - 1970) * 365.2425 * DAY + chance("day", title.title) % 360 * DAY


def episodes_of(title: Title) -> Sequence[tuple[int, int, str, float]]:
    """Season, number, name and time of airing of each episode of a series. The last season of a third of them still runs."""
    found: list[tuple[int, int, str, float]] = []
    running = chance("running", title.title) % 3 == 0 or title.year >= _THIS_YEAR
    for season in range(1, title.seasons + 1):
        count = 6 + chance("count", title.title, season) % 5
        begun = min(released(title) + (season - 1) * 365 * DAY, TODAY - (90 + 7 * count) * DAY)
        if running and season == title.seasons:
            begun = (
                TODAY
                - (8 + chance("since", title.title) % 21) * DAY
                + (18 + chance("hour", title.title) % 5) * 3600
            )
        for number in range(1, count + 1):
            name = "Pilot" if (season, number) == (1, 1) else f"Chapter {number}"
            found.append((season, number, name, begun + (number - 1) * 7 * DAY))
    return found
