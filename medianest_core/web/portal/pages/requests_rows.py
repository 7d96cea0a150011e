"""Requests and reports as rows: their words, colours, and what admins can do with them at once."""

from __future__ import annotations

from collections.abc import Sequence

from medianest_core.domain.activity.entries import Step
from medianest_core.domain.activity.timeline import ON_THE_WAY
from medianest_core.domain.requests.entries import Decision, IssueReport, Request
from medianest_core.domain.requests.kinds import MediaTypes
from medianest_core.domain.requests.states import State
from medianest_core.host.errors import UnknownInstance
from medianest_core.sdk.routes import Viewer
from medianest_core.web.gate.services import Services
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.i18n import ngettext
from medianest_core.web.portal.pages.posters import art
from medianest_core.web.portal.pages.requests_steps import step_note, step_progress
from medianest_core.web.portal.views import Action, Badge
from medianest_core.web.portal.views.common import Tone
from medianest_core.web.portal.views.requests import ReportRow, RequestRow, TimelineStep

BASE = "/requests"
_GOING = frozenset(one.value for one in ON_THE_WAY)
_SHOWN = 8
"""Seasons or episodes that are named one by one."""
_LOOKS: dict[str, tuple[Tone, str]] = {
    State.PENDING: ("warning", "clock"),
    State.HELD: ("warning", "circle-pause"),
    State.APPROVED: ("info", "thumbs-up"),
    State.SUBMITTING: ("info", "send"),
    State.PROCESSING: ("primary", "loader-circle"),
    State.PARTIALLY_AVAILABLE: ("info", "layers"),
    State.AVAILABLE: ("success", "circle-check"),
    State.DECLINED: ("error", "thumbs-down"),
    State.FAILED: ("error", "circle-alert"),
    State.CANCELLED: ("neutral", "ban"),
}


def state_label(state: str) -> str:
    """A plain word for the state of a request, in the reader's language."""
    return {
        State.PENDING.value: _("Waiting for approval"),
        State.HELD.value: _("On hold"),
        State.APPROVED.value: _("Approved"),
        State.SUBMITTING.value: _("Being sent"),
        State.PROCESSING.value: _("On its way"),
        State.PARTIALLY_AVAILABLE.value: _("Available in part"),
        State.AVAILABLE.value: _("Available"),
        State.DECLINED.value: _("Declined"),
        State.FAILED.value: _("Failed"),
        State.CANCELLED.value: _("Cancelled"),
    }.get(state, state)


def state_badge(state: str) -> Badge:
    return Badge(text=state_label(state), tone=_LOOKS.get(state, ("neutral", ""))[0])


def parts_label(seasons: Sequence[int], episodes: Sequence[tuple[int, int]]) -> str:
    """Which seasons or episodes; empty for all of it."""
    if episodes:
        named = ", ".join(f"S{season:02}E{number:02}" for season, number in episodes[:_SHOWN])
        return named + (" …" if len(episodes) > _SHOWN else "")
    if not seasons:
        return ""
    named = ", ".join(str(one) for one in seasons[:_SHOWN]) + (" …" if len(seasons) > _SHOWN else "")
    return ngettext("Season %(list)s", "Seasons %(list)s", len(seasons)) % {"list": named}


def notes(types: MediaTypes, one: Request) -> tuple[str, ...]:
    """Kind, year, parts and quality, for the line below a title."""
    kind = types.get(one.kind)
    found = [_(kind.title) if kind is not None else one.kind]
    if one.year:
        found.append(str(one.year))
    found.append(parts_label(one.seasons, one.episodes))
    found.append(one.variant.upper())
    if one.participants > 1:
        count = ngettext("%(num)d person follows it", "%(num)d people follow it", one.participants)
        found.append(count % {"num": one.participants})
    return tuple(text for text in found if text)


def request_row(
    services: Services, one: Request, person: Viewer, *, to: str = "", now: Step | None = None
) -> RequestRow:
    """One request as a row. to: the tab that a decision leads back to. now: the stage that it is at."""
    path = f"{BASE}/{one.id}"
    kind = services.requests.types.get(one.kind)
    approve = decline = None
    if person.is_admin and one.needs_decision:
        values = (("version", str(one.version)), ("to", to or "all"))
        approve = Action(
            label=_("Approve"),
            path=f"{path}/approve",
            method="post",
            icon="check",
            tone="primary",
            values=values,
            swap="closest [data-swap]",
            optimistic=state_label(State.APPROVED),
        )
        decline = Action(
            label=_("Decline"),
            path=f"{path}/decline",
            method="post",
            icon="x",
            values=values,
            swap="closest [data-swap]",
            optimistic=state_label(State.DECLINED),
        )
    owner = one.user.name if one.user is not None else one.origin_name or _("(deleted account)")
    return RequestRow(
        id=one.id,
        title=one.title,
        path=path,
        state=state_badge(one.state),
        load_path=f"/fragments{path}" + (f"?to={to}" if to else ""),
        art=art(one.image, one.title),
        icon=kind.icon if kind is not None else "film",
        notes=notes(services.requests.types, one),
        owner=owner if one.user is None or one.user.id != person.id else "",
        created_at=one.created_at,
        # What its backend said last is older than what the stage says now.
        reason=_(one.reason) if one.reason and now is None else "",
        bad=one.state in (State.DECLINED, State.FAILED),
        approve=approve,
        decline=decline,
        progress=step_progress(one.id, now) if now is not None else None,
        step=step_note(now) if now is not None else "",
        # What else happens to it, its list hears.
        live=f"request:progress/{one.id}" if one.state in _GOING else "",
    )


def timeline_step(services: Services, one: Decision) -> TimelineStep:
    """One decision: who or what made it, and why."""
    look: tuple[Tone, str] = _LOOKS.get(one.after, ("neutral", "circle"))
    label = state_label(one.after)
    if not one.before:
        label, look = _("Asked for"), ("primary", "ticket")
    elif one.before == one.after:
        label, look = _("News"), ("neutral", "info")
    return TimelineStep(
        label=label,
        icon=look[1],
        tone=look[0],
        at=one.at,
        by=_decider(services, one),
        text=_(one.reason) if one.reason else "",
    )


def _decider(services: Services, one: Decision) -> str:
    if one.by is not None:
        return one.by.name
    what, _sep, which = one.rule.partition(":")
    if what == "backend":
        return service_title(services, which)
    if what == "hook":
        known = services.host.registry.plugin(which)
        return _(known.title) if known is not None else which
    return {
        "person": _("(deleted account)"),
        "policy": _("By the rules"),
        "library": _("Seen in the library"),
        "system": _("By itself"),
    }.get(what, what)


def service_title(services: Services, instance_id: str) -> str:
    """The name of a service; a plain word for one that is gone."""
    try:
        return services.host.instances.info(instance_id).title
    except UnknownInstance:
        return _("(removed service)")


def problem_label(problem: str) -> str:
    """What is wrong with a title, in the reader's language."""
    return {
        "video": _("The picture"),
        "audio": _("The sound"),
        "subtitles": _("The subtitles"),
        "other": _("Something else"),
    }.get(problem, problem)


def report_badge(state: str) -> Badge:
    if state == "resolved":
        return Badge(text=_("Solved"), tone="success")
    return Badge(text=_("Open"), tone="warning")


def report_row(one: IssueReport, person: Viewer) -> ReportRow:
    """One report in the list."""
    owner = one.by.name if one.by is not None else one.origin_name or _("(deleted account)")
    found = [
        problem_label(one.problem),
        parts_label(one.seasons, one.episodes),
        owner if one.by is None or one.by.id != person.id else "",
    ]
    return ReportRow(
        id=one.id,
        title=one.title,
        path=f"{BASE}/issues/{one.id}",
        state=report_badge(one.state),
        notes=tuple(text for text in found if text),
        text=one.message,
        created_at=one.created_at,
    )
