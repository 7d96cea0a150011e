"""View-models of admin → sync."""

from __future__ import annotations

from dataclasses import dataclass

from .common import NORMAL, Action, Badge, Choice, Fact, Progress, TileState
from .forms import Form


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRow:
    """A server that the library reads. `text` says how it is and when it was last read whole; `held`: titles kept for an admin."""

    id: str
    title: str
    path: str
    icon: str
    state: Badge
    text: str
    complete_at: float | None
    next_at: float | None
    every: str
    notes: tuple[str, ...] = ()
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One run; `scope` is what it reads, in words, `text` what came of it."""

    id: int
    path: str
    scope: str
    state: Badge
    text: str
    at: float
    problems: int = 0
    progress: Progress | None = None
    live: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncView:
    """`core/admin/sync.html`. `tabs` are the pages of the room."""

    tabs: tuple[Choice, ...]
    sources: tuple[SourceRow, ...]
    runs: tuple[RunRow, ...]
    actions: tuple[Action, ...] = ()
    state: TileState = NORMAL
    no_runs: TileState = NORMAL


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncPartView:
    """`core/admin/sync_part.html`. title, title_path: of the one that is to be synced, empty where the form asks for titles."""

    tabs: tuple[Choice, ...]
    form: Form
    title: str = ""
    title_path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceProgress:
    """One server within a run: how far it is, what it is at, and how many of each kind and operation."""

    id: str
    title: str
    state: Badge
    progress: Progress | None
    message: str
    kinds: tuple[Fact, ...] = ()
    operations: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """A value that a run changed, or would change. `path` is dotted, for reading only."""

    title: str
    title_path: str | None
    path: str
    before: str
    after: str
    source: str
    rule: Badge


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemRow:
    """Something that could not be read."""

    server: str
    library: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """`core/admin/sync_run.html`. `more_path`: the next changes. `rehearsal`: nothing was written; `added` are the titles that would be
    new, by kind, and `beyond` says what is not shown."""

    tabs: tuple[Choice, ...]
    run: RunRow
    job_id: str
    facts: tuple[Fact, ...]
    sources: tuple[SourceProgress, ...]
    problems: tuple[ProblemRow, ...]
    changes: tuple[ChangeRow, ...]
    actions: tuple[Action, ...] = ()
    more_path: str | None = None
    rehearsal: bool = False
    added: tuple[Fact, ...] = ()
    beyond: tuple[str, ...] = ()
    no_changes: TileState = NORMAL


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceView:
    """`core/admin/sync_server.html`. `address` and `webhook_id` are secrets: whoever knows them can order syncs of this server."""

    tabs: tuple[Choice, ...]
    title: str
    form: Form
    next_at: float | None
    address: str
    webhook_id: str
    service_path: str
