"""Sample view-models of the pages for requests."""

from __future__ import annotations

from medianest_core.domain.requests.entries import IssueReport, Person
from medianest_core.domain.requests.people import Someone
from medianest_core.domain.requests.watchlists import Watched, Watching
from medianest_core.sdk.routes import Viewer
from medianest_core.web.portal import views as v
from medianest_core.web.portal.pages.people_import import import_view
from medianest_core.web.portal.pages.request_reports import report_view
from medianest_core.web.portal.pages.request_watchlist import watchlist_view
from medianest_core.web.portal.pages.requests_forms import comment_form
from medianest_core.web.portal.pages.requests_rows import report_row, state_badge
from medianest_core.web.portal.views.panels import PanelsView
from medianest_core.web.portal.views.requests import (
    CommentRow,
    ReportView,
    RequestRow,
    RequestsView,
    RequestView,
    RequestWay,
    SilentNote,
    TimelineStep,
)

NOW = 1_795_168_920.0
ADMIN = Viewer("1", "Sam", "admin", frozenset())
STATES = ("pending", "held", "submitting", "processing", "partially_available", "available", "failed")


def _row(number: int, state: str, title: str = "The Long Way to Ostrava, Part the Second") -> RequestRow:
    path = f"/requests/r{number}"
    waits = state == "pending"
    values = (("version", "3"), ("to", "all"))
    return RequestRow(
        id=f"r{number}",
        title=title,
        path=path,
        state=state_badge(state),
        load_path=f"/fragments{path}",
        art=v.Art(path="/img/0c") if number % 2 else None,
        notes=("Movie", "2024", "4K", "2 people follow it"),
        owner="Robin",
        created_at=NOW - 3600 * number,
        reason="The service could not do it." if state == "failed" else "",
        bad=state == "failed",
        progress=v.Progress(live=f"request/r{number}", fraction=0.43, left=700.0, text="Downloading")
        if state == "processing"
        else None,
        step="Searched: Not yet" if state == "submitting" else "",
        live=f"request:progress/r{number}",
        approve=v.Action(
            label="Approve",
            path=f"{path}/approve",
            method="post",
            icon="check",
            tone="primary",
            values=values,
            swap="closest [data-swap]",
        )
        if waits
        else None,
        decline=v.Action(
            label="Decline", path=f"{path}/decline", method="post", values=values, swap="closest [data-swap]"
        )
        if waits
        else None,
    )


def requests() -> RequestsView:
    return RequestsView(
        path="/requests",
        whose=(
            v.Choice(label="Everyone's", value="all", path="/requests", current=True),
            v.Choice(label="Mine", value="mine", path="/requests?whose=mine"),
        ),
        tabs=(
            v.Choice(label="All", value="all", path="/requests", current=True, count=7),
            v.Choice(label="Waiting", value="waiting", path="/requests?state=waiting", count=1),
        ),
        rows=tuple(_row(number, state) for number, state in enumerate(STATES)),
        left=("Movies: 3 of 10 left",),
        triage=True,
        next=v.Sentinel(next_path="/requests?cursor=x", page_path="/requests?cursor=x"),
    )


def requests_empty() -> RequestsView:
    return RequestsView(
        path="/requests",
        state=v.TileState(
            kind="empty",
            title="No requests yet",
            text="Find a title and ask for it.",
            icon="ticket",
            action=v.Action(label="Find a title", path="/discover", tone="primary"),
        ),
    )


def _way() -> RequestWay:
    return RequestWay(
        path="/fragments/requests/r1/way",
        live="request:progress/r1",
        silent=(SilentNote(title="Sonarr", since_at=NOW - 600, answered_at=NOW - 700, reason="Timeout."),),
        steps=(
            TimelineStep(label="Asked for", icon="ticket", tone="primary", at=NOW - 60, by="Robin"),
            TimelineStep(
                label="On hold", icon="circle-pause", tone="warning", at=NOW, by="Watchdog", text="Disk full."
            ),
            TimelineStep(
                label="Downloading",
                icon="triangle-alert",
                tone="warning",
                by="Radarr",
                text="The download is stalled: nobody offers the rest of it at present.",
                state="stuck",
                state_label="Stuck",
                progress=v.Progress(live="request/r1", fraction=0.43, left=700.0, tone="warning"),
                actions=(
                    v.Action(
                        label="Search again",
                        path="/requests/r1/act",
                        method="post",
                        icon="refresh-cw",
                        swap="#way",
                    ),
                ),
            ),
            TimelineStep(label="Available", icon="circle", tone="neutral", state="waiting"),
        ),
    )


def request() -> RequestView:
    return RequestView(
        row=_row(1, "pending"),
        facts=(v.Fact(label="Asked for by", value="Robin"),),
        way=_way(),
        comments=(
            CommentRow(
                id="c",
                by="Robin",
                text="Please,\nfor Sunday!",
                at=NOW,
                remove=v.Action(
                    label="Remove", path="/requests/r1/comments/c/remove", method="post", icon="trash-2"
                ),
            ),
        ),
        comment=comment_form("r1"),
        people=(("Robin", None),),
        others=2,
        actions=(v.Action(label="Follow", path="/requests/r1/follow", method="post", icon="eye"),),
        forms=(v.Form(path="/requests/r1/approve", id="approve", submit="Approve", version=3, groups=()),),
        danger=(
            v.Action(label="Delete the request", path="/requests/r1/remove", method="post", tone="error"),
        ),
    )


def _report(number: int, state: str) -> IssueReport:
    return IssueReport(
        id=f"w{number}",
        by=Person("2", "Robin"),
        title_id=7,
        request_id=None,
        kind="show",
        ids={"tvdb": "1"},
        title="Harbour of Glass",
        year=2019,
        seasons=(1, 2),
        episodes=(),
        problem="audio",
        message="No sound from the second part on.",
        answer="" if state == "open" else "It is a new copy now.",
        state=state,
        version=2,
        created_at=NOW - 3600,
        resolved_at=None if state == "open" else NOW,
    )


def reports() -> RequestsView:
    found = [_report(1, "open"), _report(2, "resolved")]
    return RequestsView(path="/requests/issues", reports=tuple(report_row(one, ADMIN) for one in found))


def report() -> ReportView:
    return report_view(_report(1, "open"), ADMIN)


def report_solved() -> ReportView:
    return report_view(_report(2, "resolved"), ADMIN)


def watchlist() -> PanelsView:
    titles = [
        Watched("Harbour Lights", "created", "", "r1", NOW),
        Watched("Salt", "blocked", "Not here.", None, NOW),
    ]
    return watchlist_view(Watching(True, ["Living room"], True, NOW - 600, "It does not answer.", titles, 2))


def people() -> PanelsView:
    found = [
        Someone("1", "Casey", "casey@example.test", "new"),
        Someone("2", "Robin", None, "known", "7"),
        Someone("3", "Lena", None, "no_way_in"),
    ]
    return import_view({"s": "Requests", "t": "Others"}, "s", found)
