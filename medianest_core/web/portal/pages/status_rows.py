"""Rows of the status pages: monitors and incidents in words."""

from __future__ import annotations

from collections.abc import Mapping

from medianest_core.domain.status.reading import IncidentInfo, Monitor, Past
from medianest_core.domain.status.rings import Span
from medianest_core.domain.status.states import State
from medianest_core.web.portal.formats import span
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.i18n import ngettext
from medianest_core.web.portal.pages.status_charts import chart, share, spark
from medianest_core.web.portal.views import Action, Badge
from medianest_core.web.portal.views.common import Tone
from medianest_core.web.portal.views.status import IncidentRow, MonitorRow

BASE = "/status"
_LOOKS: Mapping[State, tuple[str, str, Tone]] = {
    State.UP: ("up", "circle-check", "success"),
    State.DOWN: ("down", "circle-alert", "error"),
    State.MAINTENANCE: ("degraded", "wrench", "warning"),
    State.PAUSED: ("paused", "circle-pause", "neutral"),
    State.UNKNOWN: ("unknown", "circle-help", "neutral"),
}
_TONES: Mapping[str, Tone] = {"info": "info", "success": "success", "warning": "warning", "error": "error"}


def state_label(state: State) -> str:
    """A plain word for the state, in the reader's language."""
    return {
        State.UP: _("Up"),
        State.DOWN: _("Down"),
        State.MAINTENANCE: _("Maintenance"),
        State.PAUSED: _("Paused"),
        State.UNKNOWN: _("Not known"),
    }[state]


def monitor_row(
    monitor: Monitor, pasts: Mapping[Span, Past], which: Span, *, away_since: float | None = None
) -> MonitorRow:
    """away_since: nobody watches it since then; it is shown as it was."""
    health, icon, tone = _LOOKS[monitor.state]
    text = _(monitor.message) if monitor.message and monitor.state is not State.UP else ""
    if away_since is not None:
        health, tone, text = "unknown", "neutral", _("Shown as it was last seen.")
    past = pasts.get(which)
    day = pasts.get(Span.DAY)
    return MonitorRow(
        id=monitor.id,
        title=monitor.name,
        path=f"{BASE}/{monitor.id}",
        health=health,
        label=state_label(monitor.state),
        icon=icon,
        tone=tone,
        text=text,
        since_at=away_since if away_since is not None else _since(monitor),
        latency_ms=monitor.response_ms if monitor.state is State.UP else None,
        uptime=share(monitor.uptime.get(which)),
        chart=chart(past) if past is not None else None,
        spark=spark(day.buckets) if day is not None else None,
        load_path=f"{BASE}/rows/{monitor.id}?span={which.value}",
        badge=Badge(text=_("Only admins"), icon="eye-off") if monitor.role else None,
    )


def _since(monitor: Monitor) -> float | None:
    """Since when matters for what is not as it should be."""
    return None if monitor.state is State.UP else monitor.since_at


def incident_row(incident: IncidentInfo, now: float, *, admin: bool, origin: bool = True) -> IncidentRow:
    """origin: with the way to the monitor it is about."""
    kind, icon = {
        "outage": (_("Outage"), "circle-alert"),
        "incident": (_("Incident"), "triangle-alert"),
        "maintenance": (_("Maintenance"), "wrench"),
        "announcement": (_("Announcement"), "info"),
    }[incident.kind]
    over = incident.ended_at is not None and incident.ended_at <= now
    notes = []
    if incident.started_at > now:
        notes.append(_("planned"))
    elif over and incident.ended_at is not None and incident.kind != "announcement":
        notes.append(_("lasted %(time)s") % {"time": span(max(1.0, incident.ended_at - incident.started_at))})
    if incident.times > 1:
        notes.append(
            ngettext("%(count)s time", "%(count)s times", incident.times) % {"count": incident.times}
        )
    return IncidentRow(
        id=incident.id,
        title=incident.title,
        text=_(incident.message) if incident.message else "",
        kind=kind,
        tone="neutral" if over else _TONES.get(incident.tone, "info"),
        icon="circle-check" if over and incident.kind == "outage" else icon,
        started_at=incident.started_at,
        ended_at=incident.ended_at,
        note=" · ".join(notes),
        path=f"{BASE}/{incident.monitor_id}" if origin and incident.monitor_id is not None else None,
        actions=_actions(incident, over) if admin and incident.kind == "announcement" else (),
    )


def _actions(incident: IncidentInfo, over: bool) -> tuple[Action, ...]:
    path, version = f"{BASE}/announcements/{incident.id}", (("version", str(incident.version)),)
    edit = Action(label=_("Edit"), path=path, icon="pencil")
    if over:
        return (edit,)
    end = Action(label=_("End it now"), path=f"{path}/end", method="post", icon="check", values=version)
    return (edit, end)
