"""The two manifests of a shelf, and what the files beside the media hold."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from medianest_manifest.models import MOVIES_VERSION, TV_VERSION
from medianest_manifest.simulation.shelf import LANGUAGES, Shelf, Work

FILES = "/files"


class Lists:
    """The manifests of `shelf`, whose files lie below `base` (a full address)."""

    def __init__(self, shelf: Shelf, base: str) -> None:
        self._shelf = shelf
        self._base = f"{base}{FILES}"

    def movies(self) -> dict[str, Any]:
        found: dict[str, Any] = {folder: self._film(work) for folder, work in self._shelf.films.items()}
        return {**found, "version": MOVIES_VERSION}

    def tv(self) -> dict[str, Any]:
        found: dict[str, Any] = {folder: self._show(work) for folder, work in self._shelf.series.items()}
        return {**found, "version": TV_VERSION}

    def _film(self, work: Work) -> dict[str, Any]:
        place = f"Movies/{work.folder}"
        return {
            "_id": _id(place),
            "fileNames": [work.file],
            "length": {work.file: work.length},
            "dimensions": {work.file: _dimensions(work)},
            "urls": {
                "mp4": self._url(f"{place}/{work.file}"),
                "mediaLastModified": _moment(work.changed_at),
                **self._pictures(place, work, "poster", "backdrop"),
                "metadata": self._url(f"{place}/metadata.json", work),
                "chapters": self._url(f"{place}/chapters.vtt", work),
                "subtitles": self._subtitles(place, work),
            },
            "hdr": work.picture.hdr,
            "mediaQuality": work.quality(),
            "additional_metadata": {"size": work.size, "duration": work.length},
        }

    def _show(self, work: Work) -> dict[str, Any]:
        place = f"TV/{work.folder}"
        return {
            "metadata": self._url(f"{place}/metadata.json", work),
            **self._pictures(place, work, "poster", "backdrop"),
            "seasons": {
                name: self._season(f"{place}/{name}", work, episodes)
                for name, episodes in work.seasons.items()
            },
        }

    def _season(self, place: str, show: Work, episodes: list[Work]) -> dict[str, Any]:
        return {
            "season_poster": self._url(f"{place}/season_poster.jpg", show),
            "fileNames": [one.file for one in episodes],
            "lengths": {one.file: one.length for one in episodes},
            "dimensions": {one.file: _dimensions(one) for one in episodes},
            "episodes": {one.folder: self._episode(place, one) for one in episodes},
        }

    def _episode(self, place: str, work: Work) -> dict[str, Any]:
        return {
            "_id": _id(f"{place}/{work.folder}"),
            "filename": work.file,
            "videoURL": self._url(f"{place}/{work.file}"),
            "mediaLastModified": _moment(work.changed_at),
            "hdr": work.picture.hdr,
            "mediaQuality": work.quality(),
            "additionalMetadata": {"size": work.size, "duration": work.length},
            "episodeNumber": work.index,
            "length": work.length,
            "dimensions": _dimensions(work),
            "thumbnail": self._url(f"{place}/{work.folder}.jpg", work),
            **(
                {"thumbnailBlurhash": self._url(f"{place}/{work.folder}.blurhash", work)}
                if work.blurred
                else {}
            ),
            "metadata": self._url(f"{place}/{work.folder}.json", work),
            "chapters": self._url(f"{place}/{work.folder}.vtt", work),
            "subtitles": self._subtitles(place, work),
        }

    def _pictures(self, place: str, work: Work, *kinds: str) -> dict[str, str]:
        found = {}
        for kind in kinds:
            found[kind] = self._url(f"{place}/{kind}.jpg", work)
            if work.blurred and kind == "poster":
                found["posterBlurhash"] = self._url(f"{place}/poster.blurhash", work)
        return found

    def _subtitles(self, place: str, work: Work) -> dict[str, Any]:
        stem = work.file.removesuffix(".mp4")
        found: dict[str, Any] = {}
        for language in work.languages:
            tag = LANGUAGES[language]
            found[language] = {
                "url": self._url(f"{place}/{stem}.{tag}.vtt", work),
                "srcLang": tag,
                "lastModified": _moment(work.changed_at),
            }
        return found

    def _url(self, path: str, work: Work | None = None) -> str:
        address = f"{self._base}/{quote(path)}"
        if work is None:
            return address
        return f"{address}?hash={hashlib.blake2s(f'{path}|{work.changed_at}'.encode(), digest_size=6).hexdigest()}"


def metadata(work: Work, show: Work | None = None) -> Mapping[str, Any]:
    """A metadata file, as TMDB words it."""
    title = work.title
    said: dict[str, Any] = {
        "overview": title.summary,
        "vote_average": title.rating,
        "runtime": title.minutes,
    }
    if show is not None:
        return {
            "name": title.title,
            "episode_number": work.index,
            "air_date": f"{title.year}-09-{work.index:02d}",
            **said,
        }
    said |= {
        "genres": [{"name": one} for one in title.genres],
        "content_rating": title.content_rating,
        "production_companies": [{"name": title.studio}],
    }
    if title.ids:
        said["id"] = int(title.ids["tmdb"])
        said["external_ids"] = {"imdb_id": title.ids["imdb"], "tvdb_id": title.ids["tvdb"]}
    if work.seasons:
        return {"name": title.title, "first_air_date": f"{title.year}-03-01", **said}
    return {"title": title.title, "tagline": title.tagline, "release_date": f"{title.year}-03-01", **said}


def chapters(work: Work) -> str:
    """A chapter file with five parts of equal length."""
    part = work.length // 5
    lines = ["WEBVTT", ""]
    for number in range(5):
        lines += [f"{_stamp(number * part)} --> {_stamp((number + 1) * part)}", f"Part {number + 1}", ""]
    return "\n".join(lines)


def captions(work: Work, language: str) -> str:
    return f"WEBVTT\n\n00:00:01.000 --> 00:00:04.000\n{work.title.title} ({language})\n"


def _dimensions(work: Work) -> str:
    return f"{work.picture.width}x{work.picture.height}"


def _id(path: str) -> str:
    return hashlib.blake2s(path.encode(), digest_size=12).hexdigest()


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _stamp(milliseconds: int) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{rest:03d}"
