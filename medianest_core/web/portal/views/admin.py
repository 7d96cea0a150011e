"""View-models of the notifications inbox and the admin pages."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from .access import ApiKey, Device, Identity, ServiceOption
from .common import NORMAL, Action, Art, Badge, Choice, Fact, Progress, Sentinel, Stat, TileState, Tone
from .forms import Form
from .plugins import Mistake, SafeMode

Health = Literal["up", "down", "degraded", "unknown", "paused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A notification. `path` is where it leads; `read` ones are quieter."""

    id: str
    title: str
    created_at: float
    text: str = ""
    tone: Tone = "neutral"
    icon: str = "bell"
    path: str | None = None
    read: bool = False
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationsView:
    """`core/notifications.html`. path: this inbox as it is."""

    notices: tuple[Notice, ...]
    path: str = "/notifications"
    unread: int = 0
    tabs: tuple[Choice, ...] = ()
    read_all: Action | None = None
    next: Sentinel | None = None
    state: TileState = NORMAL


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthRow:
    """One thing watched. `since_at` is when it became as it is; `latency_ms` its last answer."""

    title: str
    health: Health
    label: str
    path: str | None = None
    text: str = ""
    since_at: float | None = None
    checked_at: float | None = None
    latency_ms: float | None = None
    icon: str = "plug"
    live: str = ""
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OverviewView:
    """`core/admin/overview.html`. `todo` are things only an admin can do, most urgent first."""

    stats: tuple[Stat, ...]
    todo: tuple[HealthRow, ...] = ()
    services: tuple[HealthRow, ...] = ()
    running: tuple[JobRow, ...] = ()
    facts: tuple[Fact, ...] = ()
    state: TileState = NORMAL


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRow:
    id: str
    name: str
    path: str
    role: Badge
    status: Badge
    email: str = ""
    via: str = ""
    avatar: Art | None = None
    last_seen_at: float | None = None
    asked_at: float | None = None
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UsersView:
    """`core/admin/users.html`. Those waiting for approval stand first, as `pending`. path: this list as it is."""

    users: tuple[UserRow, ...]
    total: int
    path: str = "/admin/users"
    pending: tuple[UserRow, ...] = ()
    tabs: tuple[Choice, ...] = ()
    query: str = ""
    add: Action | None = None
    next: Sentinel | None = None
    state: TileState = NORMAL


@dataclass(frozen=True, slots=True, kw_only=True)
class UserView:
    """`core/admin/user.html`."""

    user: UserRow
    form: Form
    facts: tuple[Fact, ...] = ()
    identities: tuple[Identity, ...] = ()
    devices: tuple[Device, ...] = ()
    keys: tuple[ApiKey, ...] = ()
    danger: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConflictView:
    """`core/conflict.html`: what was wanted, what stands there now and by whom, and the choice between them."""

    title: str
    text: str
    wanted: str
    present: tuple[Fact, ...]
    actions: tuple[Action, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicesView:
    """`core/admin/services.html`: configured instances and what can be added."""

    services: tuple[HealthRow, ...]
    options: tuple[ServiceOption, ...] = ()
    state: TileState = NORMAL


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceView:
    """`core/admin/service.html`: add (`health` None) or edit one instance."""

    title: str
    service: str
    form: Form
    text: str = ""
    icon: str = "plug"
    health: HealthRow | None = None
    facts: tuple[Fact, ...] = ()
    libraries: tuple[Choice, ...] = ()
    sync: Progress | None = None
    actions: tuple[Action, ...] = ()
    danger: tuple[Action, ...] = ()
    events: tuple[LogLine, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    at: float
    text: str
    tone: Tone = "neutral"
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginRow:
    """An installed plugin; `state_label` is a plain word for `state`, `tone` its colour."""

    name: str
    title: str
    path: str
    state: str
    state_label: str
    tone: Tone
    version: str = ""
    distribution: str = ""
    text: str = ""
    reason: str = ""
    since_at: float | None = None
    instances: int = 0
    provides: tuple[str, ...] = ()
    quality: str = ""
    """Its level on the quality scale in the reader's language; empty where it has none."""
    icon: str = "blocks"
    builtin: bool = False
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginsView:
    """`core/admin/plugins.html`."""

    plugins: tuple[PluginRow, ...]
    builtin: tuple[PluginRow, ...] = ()
    safe_mode: SafeMode | None = None
    state: TileState = NORMAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    kind: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityRule:
    """note: what is lacking, in the machine's words."""

    title: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginView:
    """`core/admin/plugin.html`. following: the next level of the quality scale, rules: what it asks for that the plugin lacks."""

    plugin: PluginRow
    following: str = ""
    rules: tuple[QualityRule, ...] = ()
    facts: tuple[Fact, ...] = ()
    contributions: tuple[Contribution, ...] = ()
    instances: tuple[HealthRow, ...] = ()
    mistakes: tuple[Mistake, ...] = ()
    hooks: tuple[str, ...] = ()
    traceback: str = ""
    add: tuple[ServiceOption, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    id: str
    title: str
    path: str
    state: str
    state_label: str
    tone: Tone
    progress: Progress | None = None
    owner: str = ""
    plugin: str = ""
    attempt: int = 0
    attempts: int = 1
    created_at: float = 0.0
    started_at: float | None = None
    ended_at: float | None = None
    due_at: float | None = None
    reason: str = ""
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleRow:
    """path: of the runs of its job."""

    title: str
    when: str
    path: str
    plugin: str = ""
    next_at: float | None = None
    last_at: float | None = None
    badge: Badge | None = None
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulesView:
    """`core/admin/schedules.html`."""

    rows: tuple[ScheduleRow, ...]
    add: Action


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleFormView:
    """`core/admin/schedule.html`."""

    title: str
    form: Form


@dataclass(frozen=True, slots=True, kw_only=True)
class JobsView:
    """`core/admin/jobs.html`."""

    jobs: tuple[JobRow, ...]
    tabs: tuple[Choice, ...] = ()
    stats: tuple[Stat, ...] = ()
    schedules: Action | None = None
    query: str = ""
    next: Sentinel | None = None
    state: TileState = NORMAL


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """`core/admin/job.html`. `arguments` and `result` are JSON text with secrets already masked."""

    job: JobRow
    facts: tuple[Fact, ...] = ()
    arguments: str = ""
    result: str = ""
    error: str = ""
    children: tuple[JobRow, ...] = ()
    log: tuple[LogLine, ...] = field(default=())
