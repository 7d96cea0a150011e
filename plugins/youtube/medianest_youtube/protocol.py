"""What the portal and the yt-dlp child say to each other: one job line in, event lines out (stdlib only).

Every line is one JSON object in UTF-8. Events carry their kind under ``event``:

- ``ready``     ``{"version": yt-dlp's version, "confined": [what holds the child]}``, once, before any network use
- ``item``      what is about to be fetched: an item as in ``inspected``, plus ``container``, ``height``, ``bytes``
- ``progress``  ``{"stage", "bytes", "total", "exact", "speed", "eta"}``: bytes, bytes a second, seconds; None = unknown;
                ``stage`` is downloading, merging or converting
- ``note``      ``{"code", "detail"}``: something the user should know, the job goes on
- ``inspected`` ``{"result": {...}}``: see `inspection`
- ``done``      ``{"item": {...}, "files": [{"role", "name", "bytes", "language"}], "notes": [...]}``; names lie in the work folder
- ``error``     ``{"code", "retry", "detail"}``: codes and retry words are those of `errors`
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any, Literal

MAX_JOB_BYTES = 4 * 1024 * 1024
QUALITIES = ("2160", "1440", "1080", "720", "480", "360", "audio")
VIDEO_CONTAINERS = ("mp4", "mkv", "webm")
AUDIO_CONTAINERS = ("m4a", "mp3")


class BadJob(ValueError):
    """The job line is not one this child understands."""


@dataclass(frozen=True, kw_only=True)
class ChildJob:
    """One thing for one child to do. Paths are absolute; `work` exists and belongs to this job alone."""

    kind: Literal["inspect", "download"]
    url: str
    work: str
    quality: str = "1080"
    container: str = "mp4"
    subtitles: list[str] = field(default_factory=list)
    auto_subtitles: bool = False
    thumbnail: bool = True
    nfo: bool = True
    collection: str = ""
    index: int | None = None
    single: bool = True
    playlist_limit: int = 500
    max_bytes: int | None = None
    max_seconds: float | None = None
    bytes_per_second: int | None = None
    extractors: list[str] = field(default_factory=list)
    site_url: str | None = None
    cookies: str | None = None
    proxy: str | None = None
    connect_ports: list[int] = field(default_factory=list)
    ffmpeg: str | None = None
    js_runtimes: dict[str, str] = field(default_factory=dict)
    ytdlp_path: str | None = None

    def line(self) -> bytes:
        return json.dumps(dataclasses.asdict(self)).encode() + b"\n"


def read_job(line: bytes) -> ChildJob:
    """Raises BadJob on anything but a complete job: a child never guesses."""
    try:
        values = json.loads(line)
    except ValueError as error:
        raise BadJob("the job is not JSON") from error
    if not isinstance(values, dict):
        raise BadJob("the job is not an object")
    names = {one.name for one in dataclasses.fields(ChildJob)}
    if unknown := values.keys() - names:
        raise BadJob(f"unknown: {', '.join(sorted(unknown))}")
    try:
        job = ChildJob(**values)
    except TypeError as error:
        raise BadJob("something required is missing") from error
    if job.kind not in ("inspect", "download"):
        raise BadJob("unknown kind")
    if job.quality not in QUALITIES:
        raise BadJob("unknown quality")
    if job.container not in (AUDIO_CONTAINERS if job.quality == "audio" else VIDEO_CONTAINERS):
        raise BadJob("this container does not go with this quality")
    return job


def read_event(line: bytes) -> dict[str, Any]:
    """One event of a child. Raises ValueError when the line is not an event."""
    event = json.loads(line)
    if not isinstance(event, dict) or not isinstance(event.get("event"), str):
        raise ValueError("not an event")
    return event
