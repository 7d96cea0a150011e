"""Downloader: fetches media from an address that a person pasted.

The core keeps the queue, progress, limits, ownership and files; a downloader only looks at an address and fetches one item
at a time into the folders it is given.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from medianest_core.sdk.capabilities import Capability, optional, unsupported
from medianest_core.sdk.media import Image
from medianest_core.sdk.service import C, Provider, S


class DownloadCapability(Capability):
    PLAYLISTS = "playlists"
    FORMATS = "formats"
    RESUME = "resume"
    SUBTITLES = "subtitles"
    THUMBNAILS = "thumbnails"


class Availability(StrEnum):
    OK = "ok"
    PRIVATE = "private"
    REMOVED = "removed"
    LIVE = "live"
    UPCOMING = "upcoming"
    RESTRICTED = "restricted"
    """Needs a sign-in, an age check or another region; `note` says which."""


@dataclass(frozen=True, slots=True)
class Limits:
    """concurrent: items at once over all users. submissions_per_hour: per user."""

    concurrent: int = 2
    submissions_per_hour: int = 5


@dataclass(frozen=True, slots=True)
class FoundItem:
    """One item behind an address. key: unique and stable at the service, used to never fetch twice. duration: seconds.

    published_at: epoch seconds, where known. short: a clip of the kind that sites show upright, one after the other.

    size: bytes at best quality, where known. heights: available video heights, highest first. thumbnail: address of a picture,
    shown through the portal where the downloader can fetch it.
    """

    key: str
    url: str
    title: str
    availability: Availability = Availability.OK
    note: str = ""
    duration: float | None = None
    size: int | None = None
    thumbnail: str | None = None
    channel: str = ""
    heights: Sequence[int] = ()
    published_at: float | None = None
    short: bool = False


@dataclass(frozen=True, slots=True)
class Inspection:
    """What is behind an address. kind: "video", "playlist" or "channel". total: items in all, may exceed len(items)."""

    url: str
    kind: str
    key: str
    title: str
    items: Sequence[FoundItem]
    total: int
    channel: str = ""
    warnings: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry of a select: value sent back, label shown. note: shown beside it."""

    value: str
    label: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Options:
    """What a person can choose; the first entry is the default. video_only: containers that exclude audio-only quality."""

    qualities: Sequence[Choice]
    containers: Sequence[Choice]
    subtitles: bool = False


@dataclass(frozen=True, slots=True)
class DownloadTask:
    """One item to fetch.

    work_dir: private folder for half files, kept between attempts so that a download can resume; on the same file system as
    target_dir. target_dir: where finished files go, made by the core, under the owner's own folder. stem: safe file name
    without extension, chosen by the core. quality, container: values from `Options`. subtitles: language tags. collection: title
    of the playlist, for the NFO. index: 1-based place in it.
    """

    item: FoundItem
    work_dir: Path
    target_dir: Path
    stem: str
    quality: str
    container: str
    subtitles: Sequence[str] = ()
    collection: str = ""
    index: int | None = None


@dataclass(frozen=True, slots=True)
class DownloadedFile:
    """kind: "media", "subtitle", "thumbnail" or "nfo". path is below target_dir, complete and final. size: bytes."""

    path: Path
    kind: str
    size: int
    media_type: str = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Downloaded:
    """The result of one item. facts: e.g. {"height": "1080", "note": "…"} shown to the owner. The fact "published", a day as YYYYMMDD, tells
    subscriptions how new the item is where the listing did not."""

    files: Sequence[DownloadedFile]
    facts: Mapping[str, str] = field(default_factory=dict)


class ProgressSink(ABC):
    """Where a downloader says how far it is. Cheap to call: the core throttles."""

    @abstractmethod
    async def progress(
        self,
        *,
        stage: str,
        downloaded: int,
        total: int | None = None,
        speed: float | None = None,
        eta: float | None = None,
    ) -> None:
        """stage: "downloading", "merging", "converting" or "moving". downloaded, total: bytes. speed: bytes/s. eta: seconds."""


class DownloadFailed(Exception):
    """An item cannot be had. `str(error)` is shown to the owner. retryable: whether another try may help."""

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable


class Downloader(Provider[S, C]):
    @abstractmethod
    def accepts(self, url: str) -> bool:
        """Would `inspect` understand this address? Pure: no I/O."""

    @abstractmethod
    async def inspect(self, url: str) -> Inspection:
        """Look at an address. Raises UserError for an address that is not allowed or understood, ProviderError otherwise."""

    @abstractmethod
    async def download(self, task: DownloadTask, sink: ProgressSink) -> Downloaded:
        """Fetch one item. Cancelling the call stops it at once and leaves what is needed to resume in `work_dir`.

        Raises DownloadFailed.
        """

    @abstractmethod
    def limits(self) -> Limits:
        """The instance's limits."""

    @optional(DownloadCapability.FORMATS)
    def options(self) -> Options:
        """What can be chosen."""
        raise unsupported(self, DownloadCapability.FORMATS)

    @optional(DownloadCapability.THUMBNAILS)
    async def thumbnail(self, address: str) -> Image:
        """The picture at a `FoundItem.thumbnail` that this downloader named; at most 10 MiB. Raises NotFound where there is none.

        The core checks that it is a picture, makes it small and keeps it. Fetch it with `self.http`, whose rules say which
        hosts may be reached.
        """
        raise unsupported(self, DownloadCapability.THUMBNAILS)
