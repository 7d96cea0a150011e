"""Admin → rules for requests: who takes what, who may ask for what, how much in an hour, profiles and blocked titles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from medianest_core.domain.requests.entries import Block, Taker
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.permissions import ADMIN
from medianest_core.store.errors import Stale
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.numbers import whole
from medianest_core.web.portal.pages.frame import Frame
from medianest_core.web.portal.pages.request_policies import (
    NEW,
    PLACE,
    Kinds,
    Typed,
    people_of,
    policy_form,
    policy_row,
    remove_action,
    what_label,
    with_error,
)
from medianest_core.web.portal.pages.request_profiles import profile_row
from medianest_core.web.portal.viewer import use_viewer
from medianest_core.web.portal.views import Action, Badge, Field, FieldGroup, Form
from medianest_core.web.portal.views.panels import PanelPart, PanelRow, PanelsView


class RequestRulePages:
    """Handlers of the page for the rules."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def routes(self) -> list[BaseRoute]:
        return [
            page(PLACE, self.show, policy=ADMIN),
            page(PLACE + "/hourly", self.hourly, methods=("POST",), policy=ADMIN),
            page(PLACE + "/policies", self.add_policy, methods=("POST",), policy=ADMIN),
            page(PLACE + "/policies/{id}/remove", self.remove_policy, methods=("POST",), policy=ADMIN),
            page(PLACE + "/blocked/{id}/remove", self.unblock, methods=("POST",), policy=ADMIN),
        ]

    async def show(self, request: Request) -> Response:
        return await self._show(request)

    async def _show(
        self, request: Request, wrong: str = "", error: UserError | None = None, typed: Typed | None = None
    ) -> Response:
        """wrong: the form whose values were refused; typed: as they were sent."""
        services = services_of(request)
        rules = services.requests
        settings = await services.portal_settings.current()
        takers, policies = await rules.takers(), await rules.list_policies()
        profiles, blocked = await rules.list_profiles(someone(request)), await rules.list_blocked()
        people = await people_of(services)
        with use_viewer(self._frame.view(request)):
            kinds = rules.types.all()
            adding = policy_form(PLACE + "/policies", _("Add a rule"), kinds, people, typed or Typed.of(NEW))
            hourly = _hourly(settings.requests_per_hour, services.portal_settings.version)
            view = PanelsView(
                title=_("Rules for requests"),
                text=_("Who may ask for what, and where it goes."),
                parts=(
                    PanelPart(
                        title=_("Who takes what"),
                        text=_("Where requests go by themselves, when nobody chooses."),
                        rows=_takers(takers, kinds),
                    ),
                    PanelPart(
                        title=_("Who may ask for what"),
                        text=_("The most exact rule counts: a person's before a role's."),
                        rows=tuple(policy_row(one, kinds, people) for one in policies),
                        form=with_error(adding, error if wrong == "policy" else None),
                    ),
                    PanelPart(
                        title=_("Profiles"),
                        text=_("Named ways that a request can take."),
                        rows=tuple(
                            profile_row(one, number, len(profiles), kinds, services)
                            for number, one in enumerate(profiles)
                        ),
                        empty=_("Without one, requests go as “Who takes what” says."),
                        actions=(
                            Action(label=_("Add a profile"), path=f"{PLACE}/profiles/new", icon="plus"),
                        ),
                    ),
                    PanelPart(
                        title=_("How much in an hour"),
                        form=with_error(hourly, error if wrong == "hourly" else None),
                    ),
                    PanelPart(
                        title=_("Blocked titles"),
                        rows=tuple(_blocked(one) for one in blocked),
                        empty=_("No title is blocked."),
                    ),
                ),
            )
        status = self._frame.form_status(request, error)
        return await self._frame.page(request, "core/panels.html", view, status=status)

    async def hourly(self, request: Request) -> Response:
        form = await request.form()
        reader = services_of(request).portal_settings
        wanted = whole(form.get("requests_per_hour"))
        try:
            if wanted is None:
                raise UserError(_("Write a number."), "requests_per_hour")
            values = {"requests_per_hour": wanted}
            await reader.change(values, whole(form.get("version")), someone(request).id)
        except UserError as error:
            return await self._show(request, "hourly", error)
        except Stale:
            return self._frame.go(request, PLACE, message=_("This was changed meanwhile; look again."))
        return self._frame.go(request, PLACE, message=_("Saved."))

    async def add_policy(self, request: Request) -> Response:
        typed = Typed.read(await request.form())
        try:
            await services_of(request).requests.put_policy(typed.policy(NEW), someone(request).id)
        except UserError as error:
            return await self._show(request, "policy", error, typed)
        return self._frame.go(request, PLACE, message=_("Saved."))

    async def remove_policy(self, request: Request) -> Response:
        await services_of(request).requests.remove_policy(request.path_params["id"], someone(request).id)
        return self._frame.go(request, PLACE, message=_("Removed."))

    async def unblock(self, request: Request) -> Response:
        await services_of(request).requests.unblock(request.path_params["id"], someone(request).id)
        return self._frame.go(request, PLACE, message=_("Removed."))


def _takers(takers: Sequence[Taker], kinds: Kinds) -> tuple[PanelRow, ...]:
    """A row for all that go the same way."""
    found: dict[tuple[str, ...], PanelRow] = {}
    for one in takers:
        row = _taker(one, kinds)
        same = found.get(row.notes)
        found[row.notes] = row if same is None else replace(same, title=f"{same.title}, {row.title}")
    return tuple(found.values())


def _taker(one: Taker, kinds: Kinds) -> PanelRow:
    names = ", ".join(
        title if ready else _("%(name)s (does not answer)") % {"name": title}
        for _id, title, ready in one.services
    )
    why = {
        "profile": _("By the profile “%(name)s”.") % {"name": one.profile},
        "people": _("It knows people and hands requests on by itself."),
        "order": _("The first that is able to.") if len(one.services) > 1 else "",
    }.get(one.by, "")
    return PanelRow(
        title=what_label(one.kind, one.variant, kinds),
        notes=tuple(
            text
            for text in (names or _("Nobody: it waits until a service is set up."), why if names else "")
            if text
        ),
        badge=None if one.services else Badge(text=_("Nobody"), tone="warning"),
    )


def _blocked(one: Block) -> PanelRow:
    notes = [str(one.year)] if one.year else []
    notes += [one.reason] if one.reason else []
    return PanelRow(title=one.title, notes=tuple(notes), actions=(remove_action("blocked", one.id),))


def _hourly(now: int, version: int) -> Form:
    field = Field(
        name="requests_per_hour",
        label=_("Titles that one person may ask for in an hour"),
        kind="number",
        value=str(now),
        required=True,
        min="1",
        max="10000",
    )
    return Form(
        path=PLACE + "/hourly",
        id="hourly",
        submit=_("Save"),
        version=version,
        groups=(FieldGroup(fields=(field,)),),
    )
