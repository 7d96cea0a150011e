"""Downloads as pages and the API show them, and the errors of the domain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medianest_core.base.texts import N_
from medianest_core.sdk.downloads import FoundItem, Options
from medianest_core.sdk.errors import MediaNestError

OPEN = ("queued", "running", "paused", "filing")
FINISHED = ("done", "partial", "failed", "cancelled")
_SHOWN = ("video/", "audio/", "image/jpeg", "image/png", "image/webp")


class TooManySubmissions(MediaNestError):
    """The person has used up their submissions. limit: an hour. retry_at: epoch seconds of the next one."""

    def __init__(self, limit: int, retry_at: float) -> None:
        super().__init__(N_("You can submit {count} downloads an hour.").format(count=limit))
        self.limit = limit
        self.retry_at = retry_at


@dataclass(frozen=True, slots=True)
class Quota:
    """left: submissions that are possible now. next_at: when the next one is, once none is left."""

    left: int
    limit: int
    next_at: float | None


@dataclass(frozen=True, slots=True)
class Target:
    """A library that finished files can be filed into. folder: the downloads folder as that server sees it, a guess."""

    instance_id: str
    instance: str
    library: str
    title: str
    kind: str
    folder: str | None


@dataclass(frozen=True, slots=True)
class PreviewItem:
    """have: the person already has it, so it will be linked and not fetched. image: id of its picture, served at
    "/img/downloads/{id}?w=300" for about an hour."""

    item: FoundItem
    have: bool
    image: str | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """What is behind an address, before it is submitted. kind: "video", "playlist" or "channel". total: may exceed len(items).
    image: see `PreviewItem`."""

    instance_id: str
    url: str
    kind: str
    title: str
    channel: str
    items: Sequence[PreviewItem]
    total: int
    warnings: Sequence[str]
    options: Options | None
    targets: Sequence[Target]
    quota: Quota
    image: str | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """fraction: 0 to 1 or None. done, total: bytes. speed: bytes a second. eta: seconds. stage: see `ProgressSink`."""

    fraction: float | None = None
    done: int | None = None
    total: int | None = None
    speed: float | None = None
    eta: float | None = None
    stage: str = ""


@dataclass(frozen=True, slots=True)
class File:
    """A finished file. path: below the downloads folder. kind: as `DownloadedFile.kind`."""

    id: str
    item_id: str
    name: str
    path: str
    kind: str
    size: int
    media_type: str


@dataclass(frozen=True, slots=True)
class ServedFile:
    """A file to send: it exists, is the viewer's and lies below the downloads folder."""

    path: Path
    name: str
    size: int
    media_type: str

    @property
    def shown(self) -> bool:
        """Whether a browser may open it in the portal's name; anything else is only saved, as bytes without a meaning."""
        return self.media_type.startswith(_SHOWN)


@dataclass(frozen=True, slots=True)
class Item:
    """status: queued, running, done, failed, cancelled or skipped (it cannot be had; `reason` says why). linked: was there
    already. media_key: of the title at the target server, once filed. title_id: in the library, once it is there. image: id of
    its picture, served at "/img/downloads/{id}?w=300"."""

    id: str
    number: int
    key: str
    url: str
    title: str
    status: str
    reason: str
    duration: float | None
    size: int | None
    thumbnail: str | None
    linked: bool
    media_key: str | None
    title_id: int | None
    facts: Mapping[str, str]
    due_at: float
    finished_at: float | None
    progress: Progress
    files: Sequence[File]
    image: str | None = None


@dataclass(frozen=True, slots=True)
class Download:
    """status: queued, running, paused, filing, done, partial, failed or cancelled. reason: why it waits, is paused or failed.
    counts: items by status. filing: {"stage": "waiting" | "rescanning" | "locating" | "collecting" | "done" | "failed", "reason",
    "steps": {stage: epoch seconds}}; empty where nothing is to be filed. bytes: of all finished files. image: as `Item.image`."""

    id: str
    user_id: str
    instance_id: str
    url: str
    kind: str
    title: str
    channel: str
    thumbnail: str | None
    quality: str
    container: str
    subtitles: Sequence[str]
    folder: str
    status: str
    reason: str
    position: float
    target_instance: str | None
    target_library: str | None
    collection: str | None
    collection_key: str | None
    filing: Mapping[str, Any]
    version: int
    created_at: float
    finished_at: float | None
    counts: Mapping[str, int]
    bytes: int
    progress: Progress
    image: str | None = None

    @property
    def total(self) -> int:
        """Items in all."""
        return sum(self.counts.values())

    @property
    def done(self) -> int:
        return self.counts.get("done", 0)


@dataclass(frozen=True, slots=True)
class DownloadPage:
    """next_cursor: None at the end."""

    items: Sequence[Download]
    next_cursor: str | None
