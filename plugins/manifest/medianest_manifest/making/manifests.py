"""Makes the two manifests of a media folder, and the small files that belong to them.

OUT/media/movies  OUT/media/tv            the manifests
OUT/media/beside/…                        blurhashes, and chapters that stand in the videos
OUT/media/.known.json                     what was found out about which file
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_from_bytes

import orjson
from babel import Locale, UnknownLocaleError

from medianest_manifest.making import folders, probe
from medianest_manifest.making.kept import Kept, stamp, text, write
from medianest_manifest.making.pictures import blurhash_of
from medianest_manifest.models import MOVIES_VERSION, TV_VERSION
from medianest_manifest.names import episode_number

_MARKS = frozenset({"forced", "sdh", "cc", "hi", "default"})
_LIST = "media"


@dataclass
class Made:
    """What was made. read: files that were looked into. changed: whether a manifest is another than before. unreadable: videos that
    say nothing of themselves."""

    films: int = 0
    series: int = 0
    episodes: int = 0
    read: int = 0
    changed: bool = False
    unreadable: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Plan:
    """root: the folder of the media. base_url: where a web server shows it; empty for paths relative to it. out: where the
    manifests go. out_url: where a web server shows that, where it is not inside `root`. movies, tv: names of the folders in `root`."""

    root: Path
    base_url: str = ""
    out: Path | None = None
    out_url: str | None = None
    movies: str | None = None
    tv: str | None = None


def make(plan: Plan, told: Callable[[str], None] = lambda _: None) -> Made:
    """Takes as long as it takes to read each new video. told: hears of each video that is looked at. Raises OSError."""
    return _Maker(plan, told).make()


class _Maker:
    def __init__(self, plan: Plan, told: Callable[[str], None]) -> None:
        self._root = plan.root.resolve()
        self._out = (plan.out or plan.root).resolve()
        self._plan = plan
        self._told = told
        self._made = Made()
        self._kept = Kept(self._out / _LIST / ".known.json", self._root)

    def make(self) -> Made:
        movies = folders.section(self._root, self._plan.movies, folders.MOVIES)
        tv = folders.section(self._root, self._plan.tv, folders.TV)
        films = {text(one.folder): self._film(one) for one in folders.films(movies)} if movies else {}
        series = {text(one.folder): self._show(one) for one in folders.shows(tv)} if tv else {}
        self._made.films, self._made.series = len(films), len(series)
        changed = [
            self._write("movies", {**films, "version": MOVIES_VERSION}),
            self._write("tv", {**series, "version": TV_VERSION}),
        ]
        self._made.changed = any(changed)
        self._made.read = self._kept.read
        self._kept.save()
        return self._made

    def _write(self, name: str, manifest: dict[str, Any]) -> bool:
        return write(self._out / _LIST / name, orjson.dumps(manifest))

    def _film(self, film: folders.Film) -> dict[str, Any]:
        first = film.videos[0] if film.videos else None
        facts = {one.path.name: self._video(one.path) for one in film.videos}
        main = facts[first.path.name] if first is not None else None
        urls: dict[str, Any] = {}
        if first is not None:
            urls["mp4"] = self._url(first.path)
            urls["mediaLastModified"] = _moment(first.path)
        urls |= self._pictures(poster=film.poster, backdrop=film.backdrop, logo=film.logo)
        urls |= self._beside(film.metadata, film.chapters, main, first)
        return {
            "_id": _id("movie", film.folder),
            "fileNames": [text(one.path.name) for one in film.videos],
            "length": {text(name): one.length for name, one in facts.items() if one is not None},
            "dimensions": {text(name): _dimensions(one) for name, one in facts.items() if one is not None},
            "urls": urls,
            **_quality(main),
            "additional_metadata": _additional(first, main),
        }

    def _show(self, show: folders.Show) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if show.metadata is not None:
            found["metadata"] = self._url(show.metadata, hashed=True)
        found |= self._pictures(poster=show.poster, backdrop=show.backdrop, logo=show.logo)
        found["seasons"] = {name: self._season(show, one) for name, one in show.seasons.items()}
        return found

    def _season(self, show: folders.Show, season: folders.Season) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if season.poster is not None:
            found["season_poster"] = self._url(season.poster, hashed=True)
            if (address := self._blurhash(season.poster)) is not None:
                found["seasonPosterBlurhash"] = address
        facts = {one.path: self._video(one.path) for one in season.episodes.values()}
        known = {text(path.name): one for path, one in facts.items() if one is not None}
        found["fileNames"] = [text(path.name) for path in facts]
        found["lengths"] = {name: one.length for name, one in known.items()}
        found["dimensions"] = {name: _dimensions(one) for name, one in known.items()}
        found["episodes"] = {
            text(key): self._episode(show, season, key, one, facts[one.path])
            for key, one in season.episodes.items()
        }
        self._made.episodes += len(season.episodes)
        return found

    def _episode(
        self,
        show: folders.Show,
        season: folders.Season,
        key: str,
        video: folders.Video,
        facts: probe.Video | None,
    ) -> dict[str, Any]:
        found: dict[str, Any] = {
            "_id": _id("episode", show.folder, season.name, key),
            "filename": text(video.path.name),
            "videoURL": self._url(video.path),
            "mediaLastModified": _moment(video.path),
            **_quality(facts),
            "additionalMetadata": _additional(video, facts),
        }
        if (number := episode_number(video.path.name)) is not None:
            found["episodeNumber"] = number
        if facts is not None:
            found["length"] = facts.length
            found["dimensions"] = _dimensions(facts)
        found |= self._pictures(thumbnail=video.thumb)
        found |= self._beside(video.metadata, video.chapters, facts, video)
        return found

    def _beside(
        self,
        metadata: Path | None,
        chapters: Path | None,
        facts: probe.Video | None,
        video: folders.Video | None,
    ) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if metadata is not None:
            found["metadata"] = self._url(metadata, hashed=True)
        if chapters is not None:
            found["chapters"] = self._url(chapters, hashed=True)
        elif facts is not None and facts.chapters and (address := self._small(".vtt", _vtt(facts.chapters))):
            found["chapters"] = address
        subtitles = {}
        for path in video.captions if video is not None else ():
            assert video is not None
            tag, name = _language(path.name[len(video.path.stem) + 1 :])
            while name in subtitles:
                name = f"{name} ({path.suffix.lstrip('.')})"
            subtitles[name] = {
                "url": self._url(path, hashed=True),
                "srcLang": tag,
                "lastModified": _moment(path),
            }
        if subtitles:
            found["subtitles"] = subtitles
        return found

    def _pictures(self, **pictures: Path | None) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, path in pictures.items():
            if path is None:
                continue
            found[name] = self._url(path, hashed=True)
            if name != "logo" and (address := self._blurhash(path)) is not None:
                found[f"{name}Blurhash"] = address
        return found

    def _blurhash(self, path: Path) -> str | None:
        value = self._kept.of("blurhash", path, blurhash_of)
        return self._small(".blurhash", value) if isinstance(value, str) else None

    def _video(self, path: Path) -> probe.Video | None:
        def look(path: Path) -> dict[str, Any] | None:
            self._told(path.name)
            found = probe.probe(path)
            return None if found is None else found.as_json()

        values = self._kept.of("video", path, look)
        if values is None:
            self._made.unreadable.append(str(path.relative_to(self._root)))
            return None
        return probe.Video.from_json(values)

    def _small(self, ending: str, content: str) -> str | None:
        """Address of a file of our own with that content; None where no web server shows it."""
        digest = hashlib.blake2s(content.encode(), digest_size=12).hexdigest()
        path = self._out / _LIST / "beside" / f"{digest}{ending}"
        if self._plan.out_url is not None:
            address = f"{self._plan.out_url.rstrip('/')}/{quote(path.relative_to(self._out).as_posix())}"
        elif path.is_relative_to(self._root):
            address = self._address(path)
        else:
            return None
        write(path, content.encode())
        return f"{address}?hash={digest}"

    def _url(self, path: Path, *, hashed: bool = False) -> str:
        if not hashed:
            return self._address(path)
        token = hashlib.blake2s(stamp(path).encode(), digest_size=6).hexdigest()
        return f"{self._address(path)}?hash={token}"

    def _address(self, path: Path) -> str:
        place = quote_from_bytes(os.fsencode(path.relative_to(self._root).as_posix()))
        return f"{self._plan.base_url.rstrip('/')}/{place}" if self._plan.base_url else place


def _quality(facts: probe.Video | None) -> dict[str, Any]:
    if facts is None:
        return {"hdr": None, "mediaQuality": None}
    quality: dict[str, Any] = {
        "format": facts.format,
        "bitDepth": facts.depth,
        "colorSpace": facts.space,
        "transferCharacteristics": facts.transfer,
        "isHDR": facts.hdr is not None,
        "viewingExperience": {
            "enhancedColor": (facts.depth or 8) > 8,
            "highDynamicRange": facts.hdr is not None,
            "dolbyVision": facts.hdr == "Dolby Vision",
            "hdr10Plus": facts.hdr == "HDR10+",
            "standardHDR": facts.hdr == "HDR10",
        },
        "bitrate": facts.bitrate,
        "frameRate": facts.rate,
        "audioCodec": facts.audio,
        "audioChannels": facts.channels,
    }
    if facts.atmos:
        quality["atmos"] = True
    return {"hdr": facts.hdr, "mediaQuality": {name: one for name, one in quality.items() if one is not None}}


def _additional(video: folders.Video | None, facts: probe.Video | None) -> dict[str, int]:
    found = {} if video is None else {"size": video.path.stat().st_size}
    return found if facts is None else {**found, "duration": facts.length}


def _dimensions(facts: probe.Video) -> str:
    return f"{facts.width}x{facts.height}"


def _language(ending: str) -> tuple[str, str]:
    """Tag and name of captions whose file ends so: "en.srt", "pt-BR.forced.vtt", or "srt" where nothing says."""
    *parts, _ = ending.split(".")
    marks = [one for one in parts if one.casefold() in _MARKS]
    tag = next((one for one in parts if one.casefold() not in _MARKS), "und")
    try:
        locale = Locale.parse(tag, sep="-" if "-" in tag else "_", resolve_likely_subtags=False)
        name = locale.get_display_name("en") or tag
    except (UnknownLocaleError, ValueError):
        name = "Unknown" if tag == "und" else tag
    return tag, f"{name} ({', '.join(marks)})" if marks else name


def _vtt(chapters: tuple[tuple[str, int, int], ...]) -> str:
    cues = [f"{_clock(start)} --> {_clock(end)}\n{title}\n" for title, start, end in chapters]
    return "WEBVTT\n\n" + "\n".join(cues)


def _clock(milliseconds: int) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{rest:03d}"


def _moment(path: Path) -> str:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _id(*names: str) -> str:
    whole = "\0".join(text(one) for one in names)
    return hashlib.blake2s(whole.encode(), digest_size=12).hexdigest()
