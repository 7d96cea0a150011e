"""View-models of admin → sync → report."""

from __future__ import annotations

from dataclasses import dataclass

from .common import NORMAL, Action, Badge, Choice, Progress, TileState


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRow:
    """A record that something is wrong with. `path`: of its title; None where the library has none. `note` says what differs."""

    title: str
    path: str | None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryRow:
    """What was found of one server: `text` explains it, `count` and `share` are ready to be read, `more` how many are not shown."""

    id: str
    title: str
    text: str
    icon: str
    count: str
    share: str
    found: tuple[FoundRow, ...] = ()
    more: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedServer:
    id: str
    title: str
    path: str
    state: Badge
    text: str
    message: str
    categories: tuple[CategoryRow, ...] = ()
    groups: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportView:
    """`core/admin/sync_report.html`. `at`: when the report was begun; None without one. `reports`: the others that are kept."""

    tabs: tuple[Choice, ...]
    path: str
    at: float | None
    verdict: str
    servers: tuple[VerifiedServer, ...]
    reports: tuple[Choice, ...]
    run: Action
    progress: Progress | None = None
    state: TileState = NORMAL
