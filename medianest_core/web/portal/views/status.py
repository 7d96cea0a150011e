"""View-models of the status pages."""

from __future__ import annotations

from dataclasses import dataclass

from medianest_core.web.portal.views.common import (
    NORMAL,
    Action,
    Badge,
    Choice,
    Fact,
    Sentinel,
    TileState,
    Tone,
)
from medianest_core.web.portal.views.forms import Form


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Bars of one span, as data of SVG paths in a box of `width` by 24; `label` says the same in words."""

    up: str
    down: str
    maintenance: str
    unknown: str
    width: int
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Spark:
    """Response times as data of an SVG path in a box of `width` by 24; `label` says the same in words."""

    line: str
    width: int
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorRow:
    """One thing that is watched. health: the class of its dot. load_path: what brings this row anew. old: it is shown as last known."""

    id: int
    title: str
    path: str
    health: str
    label: str
    icon: str
    tone: Tone
    text: str = ""
    since_at: float | None = None
    latency_ms: float | None = None
    uptime: str = ""
    chart: Chart | None = None
    spark: Spark | None = None
    load_path: str = ""
    badge: Badge | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorGroup:
    """title "": the rest of a group that began on the page before."""

    title: str
    rows: tuple[MonitorRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentRow:
    """An outage, an incident, a maintenance window or an announcement. Times: epoch seconds; ended_at None while it lasts."""

    id: str
    title: str
    text: str
    kind: str
    tone: Tone
    icon: str
    started_at: float
    ended_at: float | None
    note: str = ""
    path: str | None = None
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusView:
    """`core/status.html`. now: what is announced or going on; recent: what is over. head_path: what brings the head anew."""

    title: str
    text: str
    tone: Tone
    icon: str
    tabs: tuple[Choice, ...]
    spans: tuple[Choice, ...]
    groups: tuple[MonitorGroup, ...]
    now: tuple[IncidentRow, ...] = ()
    recent: tuple[IncidentRow, ...] = ()
    query: str = ""
    show: str = "all"
    span: str = "day"
    searchable: bool = False
    next: Sentinel | None = None
    actions: tuple[Action, ...] = ()
    state: TileState = NORMAL


@dataclass(frozen=True, slots=True, kw_only=True)
class PastPanel:
    """How something fared in one span."""

    title: str
    uptime: str
    chart: Chart


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorView:
    """`core/monitor.html`. forms: what admins decide."""

    row: MonitorRow
    facts: tuple[Fact, ...]
    pasts: tuple[PastPanel, ...]
    spark: Spark | None = None
    incidents: tuple[IncidentRow, ...] = ()
    form: Form | None = None
    everything: tuple[Action, ...] = ()
    actions: tuple[Action, ...] = ()
    state: TileState = NORMAL


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnouncementView:
    """`core/announcement.html`."""

    title: str
    form: Form
