"""View-models of the pages for requests and for reports of something wrong."""

from __future__ import annotations

from dataclasses import dataclass

from medianest_core.web.portal.views.common import (
    NORMAL,
    Action,
    Art,
    Badge,
    Choice,
    Fact,
    Progress,
    Sentinel,
    TileState,
    Tone,
)
from medianest_core.web.portal.views.forms import Form


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRow:
    """One request in the list. notes: kind, year, parts and the like. approve, decline: for admins while it waits for them; a decline
    asks for a reason. load_path: what brings this row anew. progress, step: how far services are with it. live: events that change it
    beside those that its list hears."""

    id: str
    title: str
    path: str
    state: Badge
    load_path: str
    art: Art | None = None
    icon: str = "film"
    notes: tuple[str, ...] = ()
    owner: str = ""
    created_at: float = 0.0
    reason: str = ""
    bad: bool = False
    approve: Action | None = None
    decline: Action | None = None
    progress: Progress | None = None
    step: str = ""
    live: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRow:
    """A report of something wrong, in its list."""

    id: str
    title: str
    path: str
    state: Badge
    notes: tuple[str, ...] = ()
    text: str = ""
    created_at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestsView:
    """`core/requests.html`. whose: mine or everyone's, for admins. path: this list as it is. left: what one may still ask for.
    triage: the keyboard decides."""

    path: str
    whose: tuple[Choice, ...] = ()
    tabs: tuple[Choice, ...] = ()
    rows: tuple[RequestRow, ...] = ()
    reports: tuple[ReportRow, ...] | None = None
    left: tuple[str, ...] = ()
    next: Sentinel | None = None
    triage: bool = False
    state: TileState = NORMAL


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineStep:
    """What was decided, by whom or what, and why; or what a service says of a stage. state: of a stage: waiting, active, done or stuck.
    at None: it is not known when, or still to come. actions: what admins can do about it."""

    label: str
    icon: str
    tone: Tone
    at: float | None = None
    by: str = ""
    text: str = ""
    state: str = ""
    state_label: str = ""
    progress: Progress | None = None
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SilentNote:
    """A service that does not answer. since_at: since when. answered_at: from when what it said is. reason: for admins."""

    title: str
    since_at: float
    answered_at: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestWay:
    """`core/fragments/request_way.html`: the way of a request. path: what brings it anew. live: events that change it."""

    path: str
    live: str
    steps: tuple[TimelineStep, ...]
    silent: tuple[SilentNote, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentRow:
    id: str
    by: str
    text: str
    at: float
    remove: Action | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestView:
    """`core/request.html`. forms: what admins decide. people: names of those who follow it, with the way to take each off."""

    row: RequestRow
    facts: tuple[Fact, ...]
    way: RequestWay
    comments: tuple[CommentRow, ...]
    comment: Form
    people: tuple[tuple[str, Action | None], ...] = ()
    others: int = 0
    actions: tuple[Action, ...] = ()
    forms: tuple[Form, ...] = ()
    danger: tuple[Action, ...] = ()
    state: TileState = NORMAL


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportView:
    """`core/request_issue.html`: what was reported, and the answer."""

    id: str
    title: str
    path: str
    state: Badge
    message: str
    answer: str
    facts: tuple[Fact, ...]
    by: str = ""
    actions: tuple[Action, ...] = ()
    form: Form | None = None
