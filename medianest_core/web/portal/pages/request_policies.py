"""Rules for who may ask for what: each as a row, and the forms that add and change one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from medianest_core.domain.accounts.errors import Missing
from medianest_core.domain.accounts.roles import ADMIN_ROLE, USER_ROLE
from medianest_core.domain.requests.entries import Policy
from medianest_core.domain.requests.policies import ANY
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.permissions import ADMIN
from medianest_core.sdk.pipeline import MediaType
from medianest_core.store.errors import Stale
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.services import Services
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.portal.formats import number
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.i18n import ngettext
from medianest_core.web.portal.numbers import whole
from medianest_core.web.portal.pages.conflict import last_change
from medianest_core.web.portal.pages.frame import Frame
from medianest_core.web.portal.pages.people import names_of
from medianest_core.web.portal.viewer import use_viewer
from medianest_core.web.portal.views import Action, Badge, Choice, Field, FieldGroup, Form
from medianest_core.web.portal.views.panels import PanelPart, PanelRow, PanelsView

PLACE = "/admin/requests"
Kinds = Mapping[str, MediaType]
NEW = Policy("", "role", USER_ROLE)


@dataclass(frozen=True, slots=True)
class Typed:
    """A form as it came in. quota, window_days: as they were written."""

    who: str
    kind: str
    variant: str
    access: str
    watchlist: bool
    quota: str
    window_days: str

    @classmethod
    def read(cls, form: FormData) -> Typed:
        return cls(
            str(form.get("who", ""))[:60],
            str(form.get("kind", ANY))[:40],
            str(form.get("variant", ""))[:20],
            str(form.get("access", "ask"))[:10],
            form.getlist("watchlist")[-1:] == ["true"],
            str(form.get("quota", "")).strip()[:20],
            str(form.get("window_days", "")).strip()[:10],
        )

    @classmethod
    def of(cls, one: Policy) -> Typed:
        return cls(
            f"{one.subject}:{one.subject_id}",
            one.kind,
            one.variant,
            "no" if not one.allowed else "auto" if one.auto_approve else "ask",
            one.watchlist,
            f"{one.quota:g}" if one.quota is not None else "",
            str(one.window_days),
        )

    def policy(self, stored: Policy) -> Policy:
        """The rule over the stored one. Raises UserError."""
        subject, _sep, subject_id = self.who.partition(":")
        limit = whole(self.quota) if self.quota else None
        if self.quota and limit is None:
            raise UserError(_("Write a number."), "quota")
        return replace(
            stored,
            subject=subject,
            subject_id=subject_id[:36],
            kind=self.kind,
            variant=self.variant,
            allowed=self.access != "no",
            auto_approve=self.access == "auto",
            watchlist=self.watchlist,
            quota=float(limit) if limit is not None else None,
            window_days=whole(self.window_days) or 7,
        )


class PolicyPages:
    """Handlers of the page that changes one rule."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def routes(self) -> list[BaseRoute]:
        one = PLACE + "/policies/{id}"
        return [page(one, self.edit, methods=("GET", "POST"), policy=ADMIN)]

    async def edit(self, request: Request) -> Response:
        services, person = services_of(request), someone(request)
        stored = await _stored(services, str(request.path_params["id"]))
        typed, error, said = Typed.of(stored), None, ""
        theirs: Policy | None = None
        if request.method == "POST":
            form = await request.form()
            typed, sent = Typed.read(form), whole(form.get("version"))
            try:
                wanted = typed.policy(replace(stored, version=stored.version if sent is None else sent))
                await services.requests.put_policy(wanted, person.id)
                return self._frame.go(request, PLACE, message=_("Saved."))
            except UserError as refused:
                error = refused
            except Stale:
                theirs = await _stored(services, stored.id)
                change = await last_change(services, stored.id, "requests.policy")
                with use_viewer(self._frame.view(request)):
                    said = change.told() if change else _("Someone else changed this in the meantime.")
        people = dict(await people_of(services))
        if stored.subject == "user":
            # Of a long list of people only the first are offered; whose rule it is stays offered.
            people |= await names_of(services, (stored.subject_id,))
        with use_viewer(self._frame.view(request)):
            kinds = services.requests.types.all()
            made = policy_form(
                f"{PLACE}/policies/{stored.id}",
                _("Save"),
                kinds,
                people,
                typed,
                Typed.of(theirs) if theirs is not None else None,
            )
            shown = replace(
                made,
                version=(theirs or stored).version,
                conflict=said,
                cancel_path=PLACE,
                danger=remove_action("policies", stored.id),
            )
            view = PanelsView(
                title=_("Change a rule"),
                crumbs=((_("Rules for requests"), PLACE),),
                parts=(PanelPart(title=who_label(stored, people), form=with_error(shown, error)),),
            )
        status = self._frame.form_status(request, error or theirs, 409 if theirs else 422)
        return await self._frame.page(request, "core/panels.html", view, status=status)


async def _stored(services: Services, policy_id: str) -> Policy:
    found = next((one for one in await services.requests.list_policies() if one.id == policy_id), None)
    if found is None:
        raise Missing(_("There is no such rule."))
    return found


async def people_of(services: Services) -> Mapping[str, str]:
    """id → name of those for whom there can be a rule."""
    return {one.id: one.name for one in (await services.accounts.users.list(limit=200)).users}


def who_label(one: Policy, people: Mapping[str, str]) -> str:
    if one.subject == "user":
        return people.get(one.subject_id, _("(deleted account)"))
    return {ADMIN_ROLE: _("Admins"), USER_ROLE: _("Members")}.get(one.subject_id, one.subject_id)


def what_label(kind: str, variant: str, kinds: Kinds) -> str:
    name = _("Everything") if kind == ANY else _(kinds[kind].plural) if kind in kinds else kind
    return f"{name} · 4K" if variant == "4k" else name


def policy_row(one: Policy, kinds: Kinds, people: Mapping[str, str]) -> PanelRow:
    notes = [what_label(one.kind, one.variant, kinds)]
    if one.variant == ANY:
        notes[0] += f" · {_('any quality')}"
    if one.allowed and one.quota is not None:
        words = ngettext("%(count)s within %(num)d day", "%(count)s within %(num)d days", one.window_days)
        notes.append(words % {"count": number(one.quota), "num": one.window_days})
    if one.allowed and not one.watchlist:
        notes.append(_("not by watchlists"))
    if not one.id:
        notes.append(_("where no other rule fits"))
    if not one.allowed:
        badge = Badge(text=_("No"), tone="error")
    elif one.auto_approve:
        badge = Badge(text=_("At once"), tone="success")
    else:
        badge = Badge(text=_("With approval"), tone="info")
    path = f"{PLACE}/policies/{one.id}" if one.id else ""
    change = (Action(label=_("Change"), path=path, icon="pencil"),) if path else ()
    return PanelRow(title=who_label(one, people), path=path, notes=tuple(notes), badge=badge, actions=change)


def remove_action(what: str, identifier: str) -> Action:
    path = f"{PLACE}/{what}/{identifier}/remove"
    return Action(label=_("Remove"), path=path, method="post", icon="trash-2", confirm=_("Remove this?"))


def with_error(form: Form, error: UserError | None) -> Form:
    """The form with what is wrong in it."""
    if error is None:
        return form
    groups = tuple(
        replace(
            group,
            fields=tuple(
                replace(one, error=_(str(error))) if one.name == error.field else one for one in group.fields
            ),
        )
        for group in form.groups
    )
    placed = any(one.error for group in groups for one in group.fields)
    return replace(form, groups=groups, error="" if placed else _(str(error)))


def kind_choices(kinds: Kinds) -> tuple[Choice, ...]:
    return tuple(Choice(label=_(one.plural), value=name) for name, one in kinds.items() if one.requestable)


def quality_choices() -> tuple[Choice, ...]:
    return (Choice(label=_("Usual quality"), value=""), Choice(label="4K", value="4k"))


def policy_form(
    path: str,
    submit: str,
    kinds: Kinds,
    people: Mapping[str, str],
    typed: Typed,
    theirs: Typed | None = None,
) -> Form:
    """theirs: what is stored, where a save met a newer version."""
    others = theirs or typed

    def select(name: str, label: str, choices: tuple[Choice, ...], kind: str = "select") -> Field:
        value, other = str(getattr(typed, name)), str(getattr(others, name))
        return Field(
            name=name,
            label=label,
            kind="radio" if kind == "radio" else "select",
            value=value,
            choices=choices,
            theirs=other if other != value else None,
            theirs_label=next((one.label for one in choices if one.value == other), other),
        )

    roles = (
        Choice(label=_("Members"), value=f"role:{USER_ROLE}"),
        Choice(label=_("Admins"), value=f"role:{ADMIN_ROLE}"),
    )
    who = (*roles, *(Choice(label=name, value=f"user:{key}") for key, name in people.items()))
    what = (Choice(label=_("Everything"), value=ANY), *kind_choices(kinds))
    qualities = (*quality_choices(), Choice(label=_("Any quality"), value=ANY))
    access = (
        Choice(label=_("With approval"), value="ask"),
        Choice(label=_("At once"), value="auto"),
        Choice(label=_("No"), value="no"),
    )
    fields = (
        select("who", _("For whom"), who),
        select("kind", _("What"), what),
        select("variant", _("Quality"), qualities, "radio"),
        select("access", _("Whether"), access, "radio"),
        Field(
            name="watchlist",
            label=_("Watchlists may ask too"),
            kind="toggle",
            value="true" if typed.watchlist else "",
            theirs=("true" if others.watchlist else "") if others.watchlist != typed.watchlist else None,
        ),
        Field(
            name="quota",
            label=_("How many"),
            kind="number",
            min="0",
            value=typed.quota,
            theirs=others.quota if others.quota != typed.quota else None,
            help=_("Empty: as many as they like."),
        ),
        Field(
            name="window_days",
            label=_("Within days"),
            kind="number",
            value=typed.window_days,
            theirs=others.window_days if others.window_days != typed.window_days else None,
            min="1",
            max="3660",
        ),
    )
    return Form(path=path, id="policy", submit=submit, groups=(FieldGroup(fields=fields),))
