"""View-models of admin → backups."""

from __future__ import annotations

from dataclasses import dataclass

from .common import NORMAL, Action, Badge, Fact, Progress, Stat, TileState
from .forms import Field, Form


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupRow:
    """One archive; `text` is what it is, in a few words."""

    title: str
    path: str
    made_at: float
    text: str
    state: Badge
    badges: tuple[Badge, ...] = ()
    icon: str = "archive"


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupsView:
    """`core/admin/backups.html`. `problem` is why the last one was not made, or not restored."""

    backups: tuple[BackupRow, ...]
    stats: tuple[Stat, ...]
    make: Form
    schedule: Form
    running: Progress | None = None
    running_title: str = ""
    running_path: str = ""
    problem: str = ""
    state: TileState = NORMAL


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceRow:
    """What a restore would do to a table."""

    table: str
    here: int
    there: int
    removed: int
    added: int
    changed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupView:
    """`core/admin/backup.html`. `differences` None: it was not tried yet. `password`: the field that confirms, or None.

    `obstacle` is why it cannot be restored here; `download_error` and `restore_error` stand above their forms.
    """

    title: str
    name: str
    row: BackupRow
    facts: tuple[Fact, ...]
    left_out: tuple[Fact, ...]
    compare: Action
    download_path: str
    restore_path: str
    remove: Action
    password: Field | None
    differences: tuple[DifferenceRow, ...] | None = None
    compared_at: float | None = None
    running: Progress | None = None
    problem: str = ""
    obstacle: str = ""
    download_error: str = ""
    restore_error: str = ""
