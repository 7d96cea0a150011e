"""Sample view-models of the status pages."""

from __future__ import annotations

from typing import Any

from medianest_core.domain.status.reading import IncidentInfo, Monitor, Past
from medianest_core.domain.status.rings import SHAPES, Bucket, Span
from medianest_core.domain.status.states import State
from medianest_core.web.portal import views as v
from medianest_core.web.portal.pages.status_charts import chart, share, span_label, spark
from medianest_core.web.portal.pages.status_forms import announcement_view, monitor_form, wanted_of
from medianest_core.web.portal.pages.status_rows import incident_row, monitor_row
from medianest_core.web.portal.views.status import (
    AnnouncementView,
    MonitorGroup,
    MonitorRow,
    MonitorView,
    PastPanel,
    StatusView,
)

NOW = 1_795_168_920.0


def _past(span: Span, number: int) -> Past:
    width, count = SHAPES[span]
    buckets = [
        Bucket(
            NOW - (count - n) * width,
            up=0.0 if n < number % 20 else width * (0.4 if (n + number) % 17 == 0 else 1.0),
            down=width * 0.6 if n >= number % 20 and (n + number) % 17 == 0 else 0.0,
            maintenance=0.0,
            response_ms=None if n < number % 20 else 20.0 + (n * number) % 60,
        )
        for n in range(count)
    ]
    up, down = sum(one.up for one in buckets), sum(one.down for one in buckets)
    return Past(span, width, up / (up + down) if up + down else None, buckets)


def _monitor(number: int, name: str, group: str, state: State = State.UP) -> tuple[Monitor, dict[Span, Past]]:
    pasts = {span: _past(span, number) for span in Span}
    monitor = Monitor(
        id=number,
        instance_id="i",
        own=not group,
        name=name,
        group=group,
        state=state,
        since_at=NOW - 3600 * number,
        seen_at=NOW,
        response_ms=20.0 * number,
        certificate_ends_at=NOW + 86_400 * 60 if number % 2 else None,
        uptime={span: past.uptime for span, past in pasts.items()},
        message="connect ECONNREFUSED 10.0.0.5:25" if state is State.DOWN else "",
        url="https://nas.example.org/",
        role="admin" if number == 4 else "",
        needed=True,
        version=1,
    )
    return monitor, pasts


_ALL = (
    (1, "Films", "", State.UP),
    (2, "Watchdog", "", State.UP),
    (3, "A service with quite a long name that has to wrap on a phone", "Public", State.UP),
    (4, "Mail", "Public", State.DOWN),
    (5, "Backup", "Public", State.MAINTENANCE),
    (6, "Old box", "Inside", State.PAUSED),
)


def _incidents() -> list[IncidentInfo]:
    values: dict[str, Any] = {"monitor_id": None, "ended_at": None, "times": 1, "tone": "info", "message": ""}
    return [
        IncidentInfo(
            **{**values, "id": "a", "kind": "announcement", "title": "New disks on Sunday",
               "message": "Everything is away from 8 to 10.", "started_at": NOW - 60, "version": 1}
        ),
        IncidentInfo(**{**values, "id": "b", "kind": "maintenance", "title": "Update", "started_at": NOW + 600}),
        IncidentInfo(
            **{**values, "id": "c", "kind": "outage", "title": "Mail", "monitor_id": 4, "tone": "error",
               "started_at": NOW - 9000, "ended_at": NOW - 8000, "times": 3}
        ),
    ]  # fmt: skip


def status() -> StatusView:
    rows: dict[str, list[MonitorRow]] = {}
    for number, name, group, state in _ALL:
        monitor, pasts = _monitor(number, name, group, state)
        rows.setdefault(group or "Services of this portal", []).append(monitor_row(monitor, pasts, Span.DAY))
    incidents = [incident_row(one, NOW, admin=True) for one in _incidents()]
    return StatusView(
        title="1 service is down",
        text="3 of 6 are up",
        tone="error",
        icon="circle-alert",
        tabs=(
            v.Choice(label="All", value="all", path="/status", current=True, count=6),
            v.Choice(label="In trouble", value="trouble", path="/status?show=trouble", count=2),
        ),
        spans=tuple(
            v.Choice(
                label=span_label(one), value=one.value, path=f"/status?span={one}", current=one is Span.DAY
            )
            for one in Span
        ),
        groups=tuple(MonitorGroup(title=title, rows=tuple(found)) for title, found in rows.items()),
        now=tuple(incidents[:2]),
        recent=tuple(incidents[2:]),
        searchable=True,
        next=v.Sentinel(next_path="/status?cursor=6", page_path="/status?cursor=6"),
        actions=(v.Action(label="Announce something", path="/status/announcements/new", icon="plus"),),
    )


def status_empty() -> StatusView:
    state = v.TileState(
        kind="empty", title="Nothing is watched yet", text="Connect a service.", icon="activity"
    )
    return StatusView(
        title="", text="", tone="neutral", icon="activity", tabs=(), spans=(), groups=(), state=state
    )


def monitor() -> MonitorView:
    found, pasts = _monitor(4, "Mail", "Public", State.DOWN)
    return MonitorView(
        row=monitor_row(found, pasts, Span.DAY),
        facts=(v.Fact(label="Group", value="Public"), v.Fact(label="So since", value=NOW, kind="datetime")),
        pasts=tuple(
            PastPanel(title=span_label(one), uptime=share(past.uptime), chart=chart(past))
            for one, past in pasts.items()
        ),
        spark=spark(pasts[Span.DAY].buckets),
        incidents=tuple(incident_row(one, NOW, admin=True, origin=False) for one in _incidents()[2:]),
        form=monitor_form(found),
    )


def announcement() -> AnnouncementView:
    known = _incidents()[0]
    return announcement_view(known.id, known, wanted_of(known), NOW)
