"""One request with its facts, timeline and thread, and what this person can do about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from medianest_core.domain.activity.entries import Timeline
from medianest_core.domain.requests.entries import Profile, Request, RequestDetail
from medianest_core.domain.requests.moves import BY_BACKEND
from medianest_core.domain.requests.states import OPEN, State, may
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.routes import Viewer
from medianest_core.web.gate.services import Services
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.pages.conflict import version_field
from medianest_core.web.portal.pages.requests_forms import comment_form, decline_form, way_form
from medianest_core.web.portal.pages.requests_rows import (
    BASE,
    request_row,
    service_title,
    state_label,
)
from medianest_core.web.portal.pages.requests_way import request_way
from medianest_core.web.portal.views import Action, Fact, Form
from medianest_core.web.portal.views.requests import CommentRow, RequestView


def request_view(
    services: Services,
    found: RequestDetail,
    way: Timeline,
    person: Viewer,
    profiles: Sequence[Profile],
    backends: Mapping[str, str],
    error: UserError | None,
    sent: Mapping[str, Any],
) -> RequestView:
    """backends: instance id → title of those that take requests now. error, sent: what could not be taken, shown again."""
    one = found.request
    forms: list[Form] = []
    danger: list[Action] = []
    if person.is_admin:
        forms = _forms(one, profiles, backends, error, sent)
        danger = [back_action(one, "remove")]
    said = error if "text" in sent else None
    return RequestView(
        row=request_row(services, one, person, now=way.now),
        facts=_facts(services, one, profiles, person),
        way=request_way(services, way),
        comments=tuple(
            CommentRow(
                id=each.id,
                by=each.by.name if each.by is not None else _("(deleted account)"),
                text=each.text,
                at=each.at,
                remove=Action(
                    label=_("Remove"),
                    path=f"{BASE}/{one.id}/comments/{each.id}/remove",
                    method="post",
                    icon="trash-2",
                    confirm=_("Remove this comment?"),
                )
                if person.is_admin or (each.by is not None and each.by.id == person.id)
                else None,
            )
            for each in found.comments
        ),
        comment=comment_form(one.id, str(sent.get("text", "")), said),
        people=tuple(
            (
                each.name,
                Action(
                    label=_("Remove %(name)s") % {"name": each.name},
                    path=f"{BASE}/{one.id}/unfollow",
                    method="post",
                    icon="user-x",
                    values=(("user_id", each.id),),
                )
                if person.is_admin and each.id != person.id and len(found.people) > 1
                else None,
            )
            for each in found.people
        ),
        others=max(0, one.participants - len(found.people)),
        actions=_actions(services, one, person),
        forms=tuple(forms),
        danger=tuple(danger),
    )


def _forms(
    one: Request,
    profiles: Sequence[Profile],
    backends: Mapping[str, str],
    error: UserError | None,
    sent: Mapping[str, Any],
) -> list[Form]:
    found = []
    wrong = None if "text" in sent else error
    if one.needs_decision:
        found.append(way_form(one, "approve", _("Approve"), profiles, backends, wrong))
    if can_retry(one):
        found.append(way_form(one, "retry", _("Try again"), profiles, backends, wrong))
    if may(State(one.state), State.DECLINED):
        found.append(decline_form(one, str(sent.get("reason", "")), wrong))
    return found


def can_retry(one: Request) -> bool:
    return one.state == State.FAILED or (one.state == State.HELD and one.held_by == BY_BACKEND)


def _actions(services: Services, one: Request, person: Viewer) -> tuple[Action, ...]:
    found = []
    path = f"{BASE}/{one.id}"
    if one.title_id is not None:
        found.append(
            Action(
                label=_("In the library"), path=f"/title/{one.title_id}", icon="library-big", tone="primary"
            )
        )
    theirs = person.id in {each.id for each in (one.user, one.created_by) if each is not None}
    last = one.mine and one.participants == 1
    if one.mine and not (last and State(one.state) in OPEN):
        found.append(
            Action(label=_("Stop following"), path=f"{path}/unfollow", method="post", icon="eye-off")
        )
    elif not one.mine:
        found.append(Action(label=_("Follow"), path=f"{path}/follow", method="post", icon="eye"))
    if one.needs_decision and one.reference is None and (theirs or person.is_admin):
        found.append(Action(label=_("Change"), path=f"{path}/edit", icon="pencil"))
    if person.is_admin and ((one.needs_decision and one.reference is None) or can_retry(one)):
        found.append(Action(label=_("Choose where it goes"), path=f"{path}/way", icon="send"))
    if may(State(one.state), State.CANCELLED) and (theirs or person.is_admin):
        found.append(back_action(one, "cancel"))
    return tuple(found)


def back_action(one: Request, what: str) -> Action:
    """A button for one of the things that can be done with a request."""
    words = {
        "approve": (_("Approve"), "check", None),
        "decline": (_("Decline"), "x", None),
        "retry": (_("Try again"), "rotate-ccw", None),
        "cancel": (_("Cancel the request"), "ban", _("Cancel this request?")),
        "remove": (
            _("Delete the request"),
            "trash-2",
            _("This deletes the request with its comments, and withdraws it where it is on its way."),
        ),
    }
    label, icon, confirm = words[what]
    return Action(
        label=label,
        path=f"{BASE}/{one.id}/{what}",
        method="post",
        icon=icon,
        tone="error" if what == "remove" else "neutral",
        confirm=confirm,
        values=version_field(one.version),
        optimistic=state_label(State.CANCELLED) if what == "cancel" else "",
    )


def _facts(services: Services, one: Request, profiles: Sequence[Profile], person: Viewer) -> tuple[Fact, ...]:
    gone = one.origin_name or _("(deleted account)")
    found = [Fact(label=_("Asked for by"), value=one.user.name if one.user is not None else gone)]
    if one.origin == "backend" and one.instance_id:
        found.append(Fact(label=_("Asked at"), value=service_title(services, one.instance_id)))
    elif one.origin == "watchlist":
        found.append(Fact(label=_("Asked by"), value=_("A watchlist")))
    if one.created_by is not None and one.user is not None and one.created_by.id != one.user.id:
        found.append(Fact(label=_("Entered by"), value=one.created_by.name))
    found.append(Fact(label=_("Asked for"), value=one.created_at, kind="datetime"))
    if one.finished_at is not None:
        found.append(Fact(label=_("Finished"), value=one.finished_at, kind="datetime"))
    if person.is_admin:
        profile = next((each.name for each in profiles if each.id == one.profile_id), "")
        if profile:
            found.append(Fact(label=_("Profile"), value=profile))
        if one.instance_id:
            found.append(Fact(label=_("Service"), value=service_title(services, one.instance_id)))
    return tuple(found)
