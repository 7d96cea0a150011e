"""What lies in a media folder: films, series, and the files beside them. Reads names only.

Movies/Title (2009)/Title (2009).mkv      TV/Show (2012)/Season 1/Show - S01E02 - Name.mkv
Movies/Title (2009).mkv                   TV/Show (2012)/Show - S01E02.mkv
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from medianest_manifest.names import episode_number, season_number

VIDEOS = frozenset({".mp4", ".m4v", ".mkv", ".webm", ".mov", ".avi", ".ts", ".m2ts", ".mpg", ".mpeg", ".wmv"})
CAPTIONS = frozenset({".srt", ".vtt", ".ass", ".ssa"})
PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".avif")
MOVIES = ("movies", "films", "filme")
TV = ("tv", "tv shows", "shows", "series", "serien")
_POSTERS, _BACKDROPS, _LOGOS = ("poster", "folder", "cover"), ("backdrop", "fanart"), ("logo", "clearlogo")
_EXTRA = re.compile(r"(?i)(?:^|[ ._-])(?:sample|trailer|featurette|behindthescenes|deleted|interview)$")
_SEASON = re.compile(r"(?i)^(?:season|staffel|series|s)[ ._-]*(\d{1,4})$|^specials$")
_NUMBERED = re.compile(r"(?i)(?<![a-z0-9])s(\d{1,4})[ ._-]?e\d")


@dataclass(frozen=True, slots=True)
class Video:
    """One video with what lies beside it."""

    path: Path
    captions: tuple[Path, ...] = ()
    metadata: Path | None = None
    chapters: Path | None = None
    thumb: Path | None = None


@dataclass(frozen=True, slots=True)
class Film:
    """videos: the largest first; empty where the folder has none yet."""

    folder: str
    videos: tuple[Video, ...]
    poster: Path | None = None
    backdrop: Path | None = None
    logo: Path | None = None
    metadata: Path | None = None
    chapters: Path | None = None


@dataclass(frozen=True, slots=True)
class Season:
    name: str
    poster: Path | None
    episodes: dict[str, Video] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Show:
    folder: str
    poster: Path | None = None
    backdrop: Path | None = None
    logo: Path | None = None
    metadata: Path | None = None
    seasons: dict[str, Season] = field(default_factory=dict)


def section(root: Path, name: str | None, usual: Sequence[str]) -> Path | None:
    """The folder of films or series in `root`: the one called `name`, else one with a usual name."""
    if name is not None:
        found = root / name
        return found if found.is_dir() else None
    there = {one.name.casefold(): one for one in _listed(root) if one.is_dir()}
    return next((there[one] for one in usual if one in there), None)


def films(folder: Path) -> Iterator[Film]:
    """The films of a section, by name."""
    for one in _listed(folder):
        if one.is_dir():
            yield _film(one)
        elif _is_video(one):
            yield Film(one.stem, (Video(one, _captions(one, _listed(folder))),))


def shows(folder: Path) -> Iterator[Show]:
    """The series of a section, by name."""
    for one in _listed(folder):
        if one.is_dir():
            yield _show(one)


def _film(folder: Path) -> Film:
    inside = _listed(folder)
    videos = sorted(
        (_video(one, inside) for one in inside if _is_video(one)),
        key=lambda video: (-video.path.stat().st_size, video.path.name),
    )
    return Film(
        folder.name,
        tuple(videos),
        _picture(inside, _POSTERS),
        _picture(inside, _BACKDROPS),
        _picture(inside, _LOGOS),
        _called(inside, "metadata.json") or (videos[0].metadata if videos else None),
        _called(inside, "chapters.vtt") or (videos[0].chapters if videos else None),
    )


def _show(folder: Path) -> Show:
    inside = _listed(folder)
    found = Show(
        folder.name,
        _picture(inside, _POSTERS),
        _picture(inside, _BACKDROPS),
        _picture(inside, _LOGOS),
        _called(inside, "metadata.json"),
    )
    for one in inside:
        if one.is_dir() and _SEASON.match(one.name):
            _fill(found, _season_name(one.name), _listed(one))
    loose: dict[str, list[Path]] = {}
    for one in inside:
        if _is_video(one) and (number := _NUMBERED.search(one.name)):
            loose.setdefault(f"Season {int(number[1])}", []).append(one)
    for name, videos in loose.items():
        _fill(found, name, [*videos, *(one for one in inside if not _is_video(one) and one.is_file())])
    return found


def _fill(show: Show, name: str, inside: Sequence[Path]) -> None:
    season = show.seasons.setdefault(name, Season(name, _picture(inside, _POSTERS)))
    for one in inside:
        if not _is_video(one):
            continue
        number = episode_number(one.name)
        key = one.stem if number is None else f"S{season_number(name) or 0:02d}E{number:02d}"
        if key in season.episodes:
            key = one.stem
        season.episodes[key] = _video(one, inside)


def _season_name(folder: str) -> str:
    number = season_number(folder)
    return folder if number is None else f"Season {number}"


def _video(path: Path, inside: Sequence[Path]) -> Video:
    return Video(
        path,
        _captions(path, inside),
        _called(inside, f"{path.stem}.json"),
        _called(inside, f"{path.stem}.chapters.vtt"),
        _picture(inside, (f"{path.stem}-thumb".casefold(), path.stem.casefold())),
    )


def _captions(video: Path, inside: Sequence[Path]) -> tuple[Path, ...]:
    start = f"{video.stem}."
    return tuple(
        one
        for one in inside
        if one.suffix.casefold() in CAPTIONS
        and one.name.startswith(start)
        and not one.name.casefold().endswith(".chapters.vtt")
    )


def _picture(inside: Sequence[Path], names: Sequence[str]) -> Path | None:
    there = {(one.stem.casefold(), one.suffix.casefold()): one for one in inside}
    pairs = ((name, suffix) for name in names for suffix in PICTURES)
    return next((there[pair] for pair in pairs if pair in there), None)


def _called(inside: Sequence[Path], name: str) -> Path | None:
    return next((one for one in inside if one.name.casefold() == name.casefold()), None)


def _is_video(path: Path) -> bool:
    return path.suffix.casefold() in VIDEOS and path.is_file() and not _EXTRA.search(path.stem)


def _listed(folder: Path) -> list[Path]:
    return sorted((one for one in folder.iterdir() if not one.name.startswith(".")), key=lambda one: one.name)
