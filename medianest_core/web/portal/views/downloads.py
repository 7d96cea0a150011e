"""View-models of downloads: paste, preview, progress and files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .common import NORMAL, Action, Art, Badge, Choice, Fact, Progress, Sentinel, TileState
from .forms import Form

DownloadState = Literal[
    "queued", "waiting", "running", "paused", "filing", "done", "failed", "cancelled", "partial"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """Submissions left in the window. `next_at` is when the next one is possible, once none is left."""

    left: int
    limit: int
    next_at: float | None = None
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadRow:
    """One submission in the list. `items` is (done, total)."""

    id: str
    title: str
    path: str
    state: DownloadState
    state_label: str
    progress: Progress
    art: Art | None = None
    source: str = ""
    items: tuple[int, int] = (0, 1)
    size: int | None = None
    created_at: float = 0.0
    owner: str = ""
    reason: str = ""
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadsView:
    """`core/downloads.html`. The paste form posts `url` to `inspect_path`, which answers `core/fragments/preview.html`.

    `tabs` choose mine, all (admins) and finished. `notice` says why nothing runs (low disk, paused). `path`: this list as it is.
    """

    inspect_path: str
    path: str = "/downloads"
    examples: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    url: str = ""
    preview: PreviewView | None = None
    tabs: tuple[Choice, ...] = ()
    rows: tuple[DownloadRow, ...] = ()
    quota: Quota | None = None
    notice: str = ""
    next: Sentinel | None = None
    state: TileState = NORMAL


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionRow:
    """notes: what is wanted of it, in a few words each."""

    name: str
    path: str
    notes: tuple[str, ...] = ()
    due_at: float | None = None
    newest_at: float | None = None
    error: str = ""
    badge: Badge | None = None
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionsView:
    """`core/subscriptions.html`."""

    rows: tuple[SubscriptionRow, ...]
    add: Action | None = None
    state: TileState = NORMAL


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionView:
    """`core/subscription.html`."""

    title: str
    form: Form


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewItem:
    """An item of a link before it is submitted. `problem` says why it cannot be had (private, removed, live)."""

    id: str
    title: str
    art: Art | None = None
    duration: float | None = None
    size: int | None = None
    problem: str = ""
    have: bool = False
    chosen: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewView:
    """`core/fragments/preview.html`: what stands behind a link. `form` holds the choices (quality, container, subtitles,
    where to file it); the items chosen are sent as `item`. `hidden` counts items beyond those listed (all are chosen)."""

    url: str
    title: str
    kind: Literal["video", "playlist", "channel"]
    kind_label: str
    form: Form
    author: str = ""
    art: Art | None = None
    items: tuple[PreviewItem, ...] = ()
    total_items: int = 1
    hidden: int = 0
    duration: float | None = None
    size: int | None = None
    notes: tuple[str, ...] = ()
    state: TileState = NORMAL


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadItem:
    """One item of a download. `play` and `save` are there for finished files."""

    id: str
    title: str
    state: DownloadState
    state_label: str
    progress: Progress
    art: Art | None = None
    duration: float | None = None
    size: int | None = None
    reason: str = ""
    file_name: str = ""
    play: Action | None = None
    save: Action | None = None
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A stage of filing into the library. `at` is when it was reached."""

    label: str
    state: Literal["ahead", "current", "done", "failed"]
    text: str = ""
    at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadView:
    """`core/download.html`: one submission, its items and what became of it."""

    row: DownloadRow
    items: tuple[DownloadItem, ...]
    facts: tuple[Fact, ...] = ()
    filing: tuple[Step, ...] = ()
    collection: Action | None = None
    badges: tuple[Badge, ...] = ()
    player: PlayerView | None = None
    next: Sentinel | None = None
    state: TileState = NORMAL


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayerView:
    """A finished file in the browser's player. `path` answers range requests."""

    title: str
    path: str
    media_type: str
    audio: bool = False
    poster: Art | None = None
    subtitles: tuple[tuple[str, str, str], ...] = ()
    """(language code, label, path of a WebVTT file)"""
