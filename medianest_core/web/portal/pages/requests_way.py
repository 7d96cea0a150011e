"""How far a request is, in words: the steps of its timeline, and the one that it is at."""

from __future__ import annotations

from medianest_core.domain.activity.entries import Silence, Step, Timeline
from medianest_core.sdk.pipeline import StageState
from medianest_core.web.gate.services import Services
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.i18n import use_plugin
from medianest_core.web.portal.pages.requests_rows import BASE, state_label, timeline_step
from medianest_core.web.portal.pages.requests_steps import state_word, step_progress
from medianest_core.web.portal.views import Action
from medianest_core.web.portal.views.common import Tone
from medianest_core.web.portal.views.requests import RequestWay, SilentNote, TimelineStep

_LOOKS: dict[StageState, tuple[Tone, str]] = {
    StageState.WAITING: ("neutral", "circle"),
    StageState.ACTIVE: ("primary", "loader-circle"),
    StageState.DONE: ("success", "circle-check"),
    StageState.STUCK: ("warning", "triangle-alert"),
}


def request_way(services: Services, found: Timeline) -> RequestWay:
    """The timeline as the page shows it, with what admins can do about each step."""
    return RequestWay(
        path=f"/fragments{BASE}/{found.request_id}/way",
        live=f"request:progress/{found.request_id}",
        steps=tuple(_step(services, found.request_id, one) for one in found.steps),
        silent=tuple(_silent(one) for one in found.silent),
    )


def _step(services: Services, request_id: str, one: Step) -> TimelineStep:
    if one.decision is not None:
        return timeline_step(services, one.decision)
    tone, icon = _LOOKS[one.state]
    if one.kind == "ahead":
        return TimelineStep(label=state_label(one.title), icon=icon, tone=tone, state=one.state.value)
    with use_plugin(one.plugin or None):
        actions = tuple(
            Action(
                label=_(offer.title),
                path=f"{BASE}/{request_id}/act",
                method="post",
                icon="refresh-cw",
                values=(("instance_id", one.instance_id), ("stage", one.stage), ("what", offer.name)),
                swap="#way",
            )
            for offer in one.actions
        )
        return TimelineStep(
            label=_(one.title),
            icon=icon,
            tone=tone,
            state=one.state.value,
            state_label=state_word(one.state),
            at=one.at,
            by=one.service,
            text=_(one.message) if one.message else "",
            progress=step_progress(request_id, one, thin=True),
            actions=actions,
        )


def _silent(one: Silence) -> SilentNote:
    return SilentNote(
        title=one.title,
        since_at=one.since_at,
        answered_at=one.answered_at,
        reason=_(one.reason) if one.reason else "",
    )
