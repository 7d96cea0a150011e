"""The stage that a request is at, in words and as a bar."""

from __future__ import annotations

import time

from medianest_core.domain.activity.entries import Step
from medianest_core.sdk.pipeline import StageState
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.i18n import use_plugin
from medianest_core.web.portal.views import Progress


def state_word(state: StageState) -> str:
    """How a stage is, in the reader's language."""
    return {
        StageState.WAITING: _("Not yet"),
        StageState.ACTIVE: _("Under way"),
        StageState.DONE: _("Done"),
        StageState.STUCK: _("Stuck"),
    }[state]


def step_progress(request_id: str, one: Step, *, thin: bool = False) -> Progress | None:
    """A bar, where it is known how far it is. thin: the step's name stands elsewhere."""
    if one.progress is None or one.state not in (StageState.ACTIVE, StageState.STUCK):
        return None
    return Progress(
        live=f"request/{request_id}",
        fraction=one.progress if one.progress >= 1.0 else min(one.progress, 0.994),
        left=max(0.0, one.ends_at - time.time()) if one.ends_at is not None else None,
        text="" if thin else step_label(one),
        tone="warning" if one.state is StageState.STUCK else "primary",
    )


def step_label(one: Step) -> str:
    with use_plugin(one.plugin or None):
        return _(one.title)


def step_note(one: Step) -> str:
    """Where it is and why, in one line; without its name where a bar says that."""
    with use_plugin(one.plugin or None):
        said = _(one.message) if one.message else ""
        if one.progress is not None and one.state in (StageState.ACTIVE, StageState.STUCK):
            return said
        return f"{_(one.title)}: {said or state_word(one.state)}"
