"""The files of the simulated server by their path: pictures, metadata, chapters, captions, and a short video for each film."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache

import orjson
from PIL import Image

from medianest_core.testing.world.pictures import Subject, backdrop, poster, still
from medianest_manifest.making.pictures import hashed
from medianest_manifest.simulation.clip import clip
from medianest_manifest.simulation.lists import captions, chapters, metadata
from medianest_manifest.simulation.shelf import Shelf, Work


@dataclass(frozen=True)
class File:
    content: bytes
    media_type: str


class Files:
    """seed: of the pictures. They differ from those of other servers by a line of text."""

    def __init__(self, shelf: Shelf, seed: int) -> None:
        self._shelf = shelf
        self._seed = seed
        self._pictures = lru_cache(maxsize=200)(self._picture)

    def get(self, path: str) -> File | None:
        """The file at "Movies/…" or "TV/…"; None where there is none. May take a moment."""
        top, _, rest = path.partition("/")
        folder, _, name = rest.partition("/")
        if top == "Movies" and (film := self._shelf.films.get(folder)):
            return self._of_title(film, name) or self._of_video(film, name, None)
        if top == "TV" and (show := self._shelf.series.get(folder)):
            season, _, inner = name.partition("/")
            if not inner:
                return self._of_title(show, name)
            if season not in show.seasons:
                return None
            return self._of_season(show, season, inner)
        return None

    def _of_title(self, work: Work, name: str) -> File | None:
        if name == "metadata.json":
            return _json(metadata(work))
        stem, _, ending = name.partition(".")
        if stem in ("poster", "backdrop") and ending in ("jpg", "blurhash"):
            return self._shown(stem, work, None, ending)
        return None

    def _of_season(self, show: Work, season: str, name: str) -> File | None:
        stem, _, ending = name.partition(".")
        if stem == "season_poster":
            return self._shown("season_poster", show, season, ending)
        for one in show.seasons[season]:
            if name == f"{one.folder}.json":
                return _json(metadata(one, show))
            if name in (f"{one.folder}.jpg", f"{one.folder}.blurhash"):
                return self._shown("still", one, show.folder, ending)
            if (found := self._of_video(one, name, one.folder)) is not None:
                return found
        return None

    def _of_video(self, work: Work, name: str, key: str | None) -> File | None:
        if name == work.file:
            return File(clip(), "video/mp4")
        if name == f"{key or 'chapters'}.vtt":
            return _vtt(chapters(work))
        start = f"{work.file.removesuffix('.mp4')}."
        if name.startswith(start) and name.endswith(".vtt"):
            return _vtt(captions(work, name[len(start) : -4]))
        return None

    def _shown(self, kind: str, work: Work, more: str | None, ending: str) -> File:
        picture = self._pictures(
            kind, work.folder, more, work.title.title, work.title.year, work.title.genres
        )
        if ending == "blurhash":
            return File(_hash(picture), "text/plain")
        return File(picture, "image/jpeg")

    def _picture(
        self, kind: str, folder: str, more: str | None, title: str, year: int, genres: tuple[str, ...]
    ) -> bytes:
        shown = "show" if kind == "season_poster" else "episode" if kind == "still" else "movie"
        subject = Subject(shown, title, year, genres)
        if kind == "backdrop":
            return backdrop(self._seed + 1, subject)
        if kind == "still":
            return still(self._seed + 1, subject)
        return poster(self._seed + 1, subject, more or "The file server's copy")


def _hash(picture: bytes) -> bytes:
    with Image.open(io.BytesIO(picture)) as image:
        return hashed(image).encode()


def _json(value: object) -> File:
    return File(orjson.dumps(value), "application/json")


def _vtt(text: str) -> File:
    return File(text.encode(), "text/vtt")
