"""Forms of the status pages: what admins decide about a monitor, and announcements."""

from __future__ import annotations

from starlette.datastructures import FormData

from medianest_core.domain.accounts.roles import ADMIN_ROLE
from medianest_core.domain.status.announcements import TONES, Wanted
from medianest_core.domain.status.reading import IncidentInfo, Monitor
from medianest_core.sdk.errors import UserError
from medianest_core.store.errors import Stale
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.i18n import ngettext
from medianest_core.web.portal.pages.status_rows import BASE
from medianest_core.web.portal.views import Action, Choice, Field, FieldGroup, Form
from medianest_core.web.portal.views.status import AnnouncementView

NEW = "new"
_HOURS = {"1": 1, "4": 4, "24": 24, "168": 168}


def monitor_form(monitor: Monitor, theirs: object = None) -> Form:
    """theirs: what is stored, where a save met a newer version."""
    current = dict(theirs) if isinstance(theirs, dict) else None
    return Form(
        path=f"{BASE}/{monitor.id}",
        id="monitor",
        submit=_("Save"),
        version=current["version"] if current else monitor.version,
        conflict=_("Someone else changed this in the meantime.") if current else "",
        groups=(
            FieldGroup(
                fields=(
                    Field(
                        name="role",
                        label=_("Who sees it"),
                        kind="select",
                        value=monitor.role,
                        choices=_roles(monitor.role),
                        theirs=current["role"] if current and current["role"] != monitor.role else None,
                    ),
                    Field(
                        name="needed",
                        label=_("People need it"),
                        kind="toggle",
                        help=_("When it is down, a banner tells everyone who may see it."),
                        value="true" if monitor.needed else "",
                        theirs=("true" if current["needed"] else "")
                        if current and current["needed"] != monitor.needed
                        else None,
                    ),
                )
            ),
        ),
    )


def for_everything(monitor: Monitor) -> tuple[Action, ...]:
    """What can be decided for all that a service watches."""
    path = f"{BASE}/{monitor.id}/all"
    return (
        Action(
            label=_("Show all of it to everyone"),
            path=path,
            method="post",
            icon="eye",
            values=(("role", ""),),
        ),
        Action(
            label=_("Show all of it only to admins"),
            path=path,
            method="post",
            icon="eye-off",
            values=(("role", ADMIN_ROLE),),
        ),
    )


def wanted_of(known: IncidentInfo | None) -> Wanted:
    """An announcement as it is; an empty one where there is none."""
    if known is None:
        return Wanted("")
    return Wanted(known.title, known.message, known.tone, known.role, known.started_at, known.ended_at)


def wanted_from(sent: FormData, known: IncidentInfo | None, now: float) -> Wanted:
    """What somebody filled in. known: what it changes."""
    lasts = str(sent.get("lasts", ""))
    ends_at = known.ended_at if known is not None and lasts == "keep" else None
    if lasts in _HOURS:
        ends_at = now + _HOURS[lasts] * 3600.0
    return Wanted(
        title=str(sent.get("title", "")),
        message=str(sent.get("message", "")),
        tone=str(sent.get("tone", "info")),
        role=str(sent.get("role", "")),
        starts_at=known.started_at if known is not None else None,
        ends_at=ends_at,
    )


def announcement_view(
    identifier: str,
    known: IncidentInfo | None,
    wanted: Wanted,
    now: float,
    *,
    error: UserError | None = None,
    theirs: Stale | None = None,
) -> AnnouncementView:
    """The form of one. error, theirs: why it could not be saved."""

    def said(name: str) -> str:
        return _(str(error)) if error is not None and error.field == name else ""

    def other(name: str, mine: str) -> str | None:
        value = str(theirs.current.get(name, "")) if theirs is not None else mine
        return value if value != mine else None

    tones = {
        "info": _("News"),
        "success": _("Good news"),
        "warning": _("Warning"),
        "error": _("Serious"),
    }
    lasts = [Choice(label=_("Until I end it"), value="")]
    if wanted.ends_at is not None:
        lasts.insert(0, Choice(label=_("As it was set"), value="keep"))
    lasts += [
        Choice(
            label=ngettext("%(count)s hour", "%(count)s hours", hours) % {"count": hours}
            if hours < 24
            else ngettext("%(count)s day", "%(count)s days", hours // 24) % {"count": hours // 24},
            value=value,
        )
        for value, hours in _HOURS.items()
    ]
    version = known.version if known is not None else None
    if theirs is not None:
        version = int(theirs.current.get("version", version or 1))
    form = Form(
        path=f"{BASE}/announcements/{identifier}",
        id="announcement",
        submit=_("Save") if known is not None else _("Announce"),
        version=version,
        conflict=_("Someone else changed this in the meantime.") if theirs is not None else "",
        error=said("ends_at"),
        cancel_path=BASE,
        danger=Action(
            label=_("Remove"),
            path=f"{BASE}/announcements/{identifier}/remove",
            method="post",
            icon="trash-2",
            tone="error",
            confirm=_("Remove this announcement?"),
            values=(("version", str(known.version)),),
        )
        if known is not None
        else None,
        groups=(
            FieldGroup(
                fields=(
                    Field(
                        name="title",
                        label=_("Title"),
                        required=True,
                        value=wanted.title,
                        error=said("title"),
                        theirs=other("title", wanted.title),
                        autofocus=error is not None and error.field == "title",
                    ),
                    Field(
                        name="message",
                        label=_("Text"),
                        kind="textarea",
                        value=wanted.message,
                        error=said("message"),
                        theirs=other("message", wanted.message),
                    ),
                    Field(
                        name="tone",
                        label=_("What kind of news"),
                        kind="radio",
                        value=wanted.tone if wanted.tone in TONES else "info",
                        choices=tuple(Choice(label=tones[one], value=one) for one in TONES),
                        error=said("tone"),
                        theirs=other("tone", wanted.tone),
                    ),
                    Field(
                        name="role",
                        label=_("Who sees it"),
                        kind="select",
                        value=wanted.role,
                        choices=_roles(wanted.role),
                        error=said("role"),
                        theirs=other("role", wanted.role),
                    ),
                    Field(
                        name="lasts",
                        label=_("How long"),
                        kind="select",
                        value="keep" if wanted.ends_at is not None else "",
                        choices=tuple(lasts),
                    ),
                )
            ),
        ),
    )
    title = _("Edit an announcement") if known is not None else _("Announce something")
    return AnnouncementView(title=title, form=form)


def _roles(current: str) -> tuple[Choice, ...]:
    return (
        Choice(label=_("Everyone"), value="", current=current == ""),
        Choice(label=_("Only admins"), value=ADMIN_ROLE, current=current == ADMIN_ROLE),
    )
