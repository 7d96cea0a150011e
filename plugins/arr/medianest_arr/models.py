"""What Radarr and Sonarr answer. Properties that are null are left out by them, so every one may be missing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from medianest_core.sdk import N_, InvalidResponse

T = TypeVar("T")
STRANGE = N_("The address answers, but not like Radarr or Sonarr.")


class _Wire(msgspec.Struct, rename="camel"):
    """Names as they are written there."""


class System(_Wire):
    """`GET /system/status`. app_name: "Radarr" or "Sonarr". instance_name: what the owner calls it."""

    app_name: str
    instance_name: str = ""
    version: str = ""
    database_type: str = ""
    url_base: str = ""
    branch: str = ""


class HealthNote(_Wire):
    """One entry of `GET /health`. type: ok, notice, warning or error."""

    source: str = ""
    type: str = "notice"
    message: str = ""


class Profile(_Wire):
    id: int
    name: str = ""


class RootFolder(_Wire):
    id: int
    path: str = ""
    accessible: bool = True
    free_space: int | None = None


class Tag(_Wire):
    id: int
    label: str = ""


class QualityName(_Wire):
    name: str = ""
    source: str = ""
    resolution: int = 0


class Quality(_Wire):
    quality: QualityName = msgspec.field(default_factory=QualityName)


class MediaInfo(_Wire):
    """resolution: "1920x1080". video_bitrate: bits a second. run_time: "1:52:04"."""

    audio_channels: float | None = None
    audio_codec: str = ""
    video_bit_depth: int | None = None
    video_bitrate: int | None = None
    video_codec: str = ""
    video_dynamic_range_type: str = ""
    video_fps: float | None = None
    resolution: str = ""
    run_time: str = ""


class MediaFile(_Wire):
    """A file. size: bytes."""

    id: int = 0
    path: str = ""
    size: int = 0
    date_added: str | None = None
    quality: Quality = msgspec.field(default_factory=Quality)
    media_info: MediaInfo | None = None
    series_id: int = 0
    edition: str | None = None


class Film(_Wire):
    """A film in Radarr's library. id 0: it was only looked up."""

    id: int = 0
    title: str = ""
    year: int = 0
    tmdb_id: int = 0
    imdb_id: str = ""
    monitored: bool = False
    has_file: bool = False
    is_available: bool = True
    in_cinemas: str | None = None
    digital_release: str | None = None
    physical_release: str | None = None
    last_search_time: str | None = None
    movie_file: MediaFile | None = None
    overview: str | None = None
    runtime: int = 0


class SeasonCount(_Wire):
    episode_file_count: int = 0
    total_episode_count: int = 0


class SeasonRow(_Wire):
    season_number: int = 0
    monitored: bool = False
    statistics: SeasonCount | None = None


class Series(_Wire):
    """A series in Sonarr's library. id 0: it was only looked up."""

    id: int = 0
    title: str = ""
    year: int = 0
    tvdb_id: int = 0
    tmdb_id: int = 0
    imdb_id: str | None = None
    monitored: bool = False
    seasons: list[SeasonRow] = []
    statistics: SeasonCount | None = None


class Episode(_Wire):
    """An episode. air_date_utc: missing where nobody knows."""

    id: int
    series_id: int = 0
    tvdb_id: int = 0
    season_number: int = 0
    episode_number: int = 0
    title: str = ""
    air_date_utc: str | None = None
    runtime: int = 0
    overview: str | None = None
    has_file: bool = False
    monitored: bool = False
    last_search_time: str | None = None
    episode_file: MediaFile | None = None
    series: Series | None = None


class StatusMessage(_Wire):
    title: str = ""
    messages: list[str] = []


class QueueRow(_Wire):
    """A download, or for series its part for one episode: a pack is many rows with one download id. size: bytes."""

    id: int
    movie_id: int = 0
    series_id: int = 0
    episode_id: int = 0
    season_number: int | None = None
    title: str = ""
    size: float = 0
    sizeleft: float = 0
    estimated_completion_time: str | None = None
    added: str | None = None
    status: str = "unknown"
    tracked_download_status: str = "ok"
    tracked_download_state: str = "downloading"
    status_messages: list[StatusMessage] = []
    error_message: str | None = None
    download_id: str = ""
    download_client: str = ""


class QueuePage(_Wire):
    total_records: int
    records: list[QueueRow]


class Command(_Wire):
    """name: "MoviesSearch" and the like. status: queued, started, completed, failed, …"""

    id: int
    name: str = ""
    status: str = ""
    body: dict[str, Any] = {}
    queued: str | None = None


class HistoryRow(_Wire):
    event_type: str = ""
    date: str | None = None
    movie: Film | None = None
    episode: Episode | None = None


class Notification(_Wire):
    """A connection. fields: name and value of each setting."""

    id: int = 0
    name: str = ""
    implementation: str = ""
    fields: list[dict[str, Any]] = []

    def setting(self, name: str) -> str:
        """The value of a setting as text; empty where it has none."""
        return next((str(row.get("value") or "") for row in self.fields if row.get("name") == name), "")


class Fault(_Wire):
    """A refused value."""

    error_message: str = ""
    error_code: str = ""
    severity: str = "error"


def decoded(content: bytes, shape: type[T]) -> T:
    """The answer in that shape; further properties are ignored. Raises InvalidResponse."""
    try:
        return msgspec.json.decode(content, type=shape, strict=False)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise InvalidResponse(STRANGE) from error


def converted(value: Any, shape: type[T]) -> T:
    """The same for what was decoded already. Raises InvalidResponse."""
    try:
        return msgspec.convert(value, shape, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidResponse(STRANGE) from error


def faults(content: bytes) -> Sequence[Fault]:
    """The refused values that a 400 names; empty where it is an object."""
    try:
        return decoded(content, list[Fault])
    except InvalidResponse:
        return ()


def instant(text: str | None) -> float | None:
    """Epoch seconds of a time in an answer; None where it is missing or none."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
