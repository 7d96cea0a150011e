"""Facts of files that Radarr and Sonarr keep: quality, codecs, paths."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from medianest_arr import radarr, sonarr
from medianest_arr.client import ArrClient
from medianest_arr.models import Episode, Film, HistoryRow, MediaFile
from medianest_arr.service import RADARR, SONARR
from medianest_arr.settings import RadarrSettings, SonarrSettings
from medianest_core.sdk import EPISODE, MOVIE, FieldOwner, FieldReport, TitleKey

_FIELDS = ("media", "files")
_FRESH = 60.0
"""Seconds that a reading of the whole library serves: titles are asked about in many small parts, one after another."""
_RANGES = {"DV": "Dolby Vision", "HDR10Plus": "HDR10+", "HDR10": "HDR10", "HLG": "HLG", "PQ": "HDR10"}
_CODECS = {"x264": "h264", "h264": "h264", "avc": "h264", "x265": "hevc", "h265": "hevc", "hevc": "hevc"}
_RUN_TIME = re.compile(r"(?:(\d+):)?(\d{1,2}):(\d{2})(?:\.\d+)?")
_NOTABLE = frozenset(
    {
        "downloadFolderImported",
        "movieFolderImported",
        "seriesFolderImported",
        "movieFileDeleted",
        "episodeFileDeleted",
        "movieFileRenamed",
        "episodeFileRenamed",
    }
)


class RadarrFields(FieldOwner[RadarrSettings, ArrClient]):
    """Of films, found by TMDB or IMDb id."""

    service = RADARR

    def fields(self) -> Mapping[str, Sequence[str]]:
        return {MOVIE: _FIELDS}

    async def report(self, keys: Sequence[TitleKey]) -> FieldReport:
        asked = [key for key in keys if key.kind == MOVIE and (key.ids.get("tmdb") or key.ids.get("imdb"))]
        films = await self._films(asked) if asked else ()
        by_tmdb = {str(film.tmdb_id): film for film in films}
        by_imdb = {film.imdb_id: film for film in films if film.imdb_id}
        values: dict[str, Mapping[str, Any]] = {}
        for key in asked:
            film: Film | None = by_tmdb.get(key.ids.get("tmdb", "")) or by_imdb.get(key.ids.get("imdb", ""))
            if film is not None and film.movie_file is not None:
                values[key.id] = facts_of(film.movie_file)
        probed = frozenset(key.id for key in asked)
        return FieldReport(values, probed, complete=len(probed) == len(keys))

    async def _films(self, keys: Sequence[TitleKey]) -> Sequence[Film]:
        if len(keys) <= radarr.FEW:
            return await radarr.films_of(self.client, [key.ids for key in keys])
        return await self.client.shared("all films", lambda: radarr.all_films(self.client), _FRESH)

    async def changes(self, since: float) -> AsyncIterator[Mapping[str, str]]:
        seen: set[int] = set()
        for row in await _history(self.client, since, {"includeMovie": "true"}):
            if row.movie is not None and row.movie.tmdb_id and row.movie.tmdb_id not in seen:
                seen.add(row.movie.tmdb_id)
                yield {"tmdb": str(row.movie.tmdb_id)}


class SonarrFields(FieldOwner[SonarrSettings, ArrClient]):
    """Of episodes, found by their own TVDB id."""

    service = SONARR

    def fields(self) -> Mapping[str, Sequence[str]]:
        return {EPISODE: _FIELDS}

    async def report(self, keys: Sequence[TitleKey]) -> FieldReport:
        asked = [key for key in keys if key.kind == EPISODE and key.ids.get("tvdb")]
        values: dict[str, Mapping[str, Any]] = {}
        if asked:
            files = await self.client.shared("episode files", self._files, _FRESH)
            for key in asked:
                if (file := files.get(key.ids["tvdb"])) is not None:
                    values[key.id] = facts_of(file)
        probed = frozenset(key.id for key in asked)
        return FieldReport(values, probed, complete=len(probed) == len(keys))

    async def changes(self, since: float) -> AsyncIterator[Mapping[str, str]]:
        seen: set[int] = set()
        for row in await _history(self.client, since, {"includeEpisode": "true"}):
            if row.episode is not None and row.episode.tvdb_id and row.episode.tvdb_id not in seen:
                seen.add(row.episode.tvdb_id)
                yield {"tvdb": str(row.episode.tvdb_id)}

    async def _files(self) -> Mapping[str, MediaFile]:
        """TVDB id of an episode → its file. An episode does not name its series by an id of ours, so all are read."""
        held = await sonarr.all_series(self.client)
        having = [one.id for one in held if one.statistics is None or one.statistics.episode_file_count]
        rows: Sequence[Episode] = await sonarr.episodes_of(self.client, having, files=True)
        return {str(row.tvdb_id): row.episode_file for row in rows if row.episode_file and row.tvdb_id}


async def _history(client: ArrClient, since: float, more: Mapping[str, str]) -> Sequence[HistoryRow]:
    date = datetime.fromtimestamp(since, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    rows = await client.get("/history/since", list[HistoryRow], {"date": date, **more}, whole=True)
    found = [row for row in rows if row.event_type in _NOTABLE]
    if found:
        # Who hears of a change asks about it next: not what was read before it.
        client.forget()
    return found


def facts_of(file: MediaFile) -> dict[str, Any]:
    """The fields of a file, named as in records of media sources."""
    info = file.media_info
    width, height = _size(info.resolution if info else "")
    codec = (info.video_codec if info else "").lower()
    media: dict[str, Any] = {
        "container": _extension(file.path),
        "bitrate_kbps": info.video_bitrate // 1000 if info and info.video_bitrate else None,
        "width": width,
        "height": height,
        "resolution": _named(file.quality.quality.resolution or height),
        "video_codec": _CODECS.get(codec, codec) or None,
        "bit_depth": info.video_bit_depth if info and info.video_bit_depth else None,
        "hdr": next(iter(ranges := _ranges(info.video_dynamic_range_type if info else "")), None),
        "hdr_formats": ranges or None,
        "audio_codec": (info.audio_codec.lower() or None) if info else None,
        "audio_channels": _channels(info.audio_channels if info else None),
        "frame_rate": info.video_fps if info and info.video_fps else None,
    }
    described: dict[str, Any] = {
        "path": file.path or None,
        "size": file.size or None,
        "duration_ms": _duration(info.run_time if info else ""),
    }
    return {
        "media": {name: value for name, value in media.items() if value is not None},
        "files": [{name: value for name, value in described.items() if value is not None}],
    }


def _size(text: str) -> tuple[int | None, int | None]:
    width, _, height = text.partition("x")
    return (int(width), int(height)) if width.isdecimal() and height.isdecimal() else (None, None)


def _named(height: int | None) -> str | None:
    if not height:
        return None
    return "4K" if height >= 2160 else "SD" if height < 576 else f"{height}p"


def _ranges(text: str) -> list[str]:
    """Best first. Dolby Vision comes as "DV", "DV HDR10" and the like."""
    return list(dict.fromkeys(_RANGES[word] for word in text.split() if word in _RANGES))


def _channels(count: float | None) -> int | None:
    # 5.1 means six.
    return None if not count else int(count) + round((count - int(count)) * 10)


def _extension(path: str) -> str | None:
    name, dot, extension = path.rpartition(".")
    return extension.lower() if dot and name and len(extension) <= 5 else None


def _duration(text: str) -> int | None:
    found = _RUN_TIME.fullmatch(text)
    if found is None:
        return None
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return (hours * 3600 + minutes * 60 + seconds) * 1000
