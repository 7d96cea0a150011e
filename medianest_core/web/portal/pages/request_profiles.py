"""Profiles, the named ways of requests: each as a row, its order, and the page that adds or changes one by what its service offers now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from medianest_core.domain.accounts.errors import Missing
from medianest_core.domain.requests.entries import Profile
from medianest_core.domain.requests.offers import Offer
from medianest_core.host.errors import UnknownInstance
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.permissions import ADMIN
from medianest_core.store.errors import Stale
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.services import Services
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.numbers import whole
from medianest_core.web.portal.pages.conflict import last_change
from medianest_core.web.portal.pages.frame import Frame
from medianest_core.web.portal.pages.request_policies import (
    PLACE,
    Kinds,
    remove_action,
    what_label,
    with_error,
)
from medianest_core.web.portal.pages.request_profile_form import fits, profile_form, read
from medianest_core.web.portal.viewer import use_viewer
from medianest_core.web.portal.views import Action, Badge
from medianest_core.web.portal.views.panels import PanelPart, PanelRow, PanelsView

ONE = PLACE + "/profiles/{id}"
NEW = Profile("", "")


class ProfilePages:
    """Handlers of the page for one profile; the id "new" is one that does not exist yet."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def routes(self) -> list[BaseRoute]:
        return [
            page(ONE, self.show, policy=ADMIN),
            page(ONE, self.save, methods=("POST",), policy=ADMIN),
            page(ONE + "/look", self.look, methods=("POST",), policy=ADMIN),
            page(ONE + "/move", self.move, methods=("POST",), policy=ADMIN),
            page(ONE + "/remove", self.remove, methods=("POST",), policy=ADMIN),
        ]

    async def show(self, request: Request) -> Response:
        stored = await self._stored(request)
        return await self._show(request, stored, stored, stored.version)

    async def look(self, request: Request) -> Response:
        """The form as it was filled in, with what its service offers; nothing is saved."""
        stored, form = await self._stored(request), await request.form()
        return await self._show(request, stored, read(form, stored), whole(form.get("version")))

    async def save(self, request: Request) -> Response:
        services, person = services_of(request), someone(request)
        stored, form = await self._stored(request), await request.form()
        wanted, sent = read(form, stored), whole(form.get("version"))
        if not stored.id:
            wanted = replace(wanted, position=len(await services.requests.profiles.all()))
        elif sent is not None:
            wanted = replace(wanted, version=sent)
        try:
            made = await services.requests.put_profile(wanted, person.id)
        except UserError as error:
            return await self._show(request, stored, wanted, sent, error)
        except Stale:
            theirs = await self._stored(request)
            change = await last_change(services, stored.id, "requests.profile")
            with use_viewer(self._frame.view(request)):
                said = change.told() if change else _("Someone else changed this in the meantime.")
            return await self._show(request, stored, wanted, theirs.version, said=said, theirs=theirs)
        if await self._more_to_choose(services, form, made):
            told = _("Saved. Now choose below what the service offers for it.")
            return self._frame.go(request, f"{PLACE}/profiles/{made.id}", message=told)
        return self._frame.go(request, PLACE, message=_("Saved."))

    async def _more_to_choose(self, services: Services, form: FormData, made: Profile) -> bool:
        """Whether the form could not yet show what there is to choose, as it was sent without a script."""
        if made.instance_id is None or fits(form, made):
            return False
        offer = await services.requests.offers.of(made.instance_id, made.kinds, made.variant)
        return bool(offer.options)

    async def move(self, request: Request) -> Response:
        by = {"up": -1, "down": 1}.get(str((await request.form()).get("step", "")), 0)
        profile_id = str(request.path_params["id"])
        await services_of(request).requests.profiles.move(profile_id, by, someone(request).id)
        return self._frame.go(request, f"{PLACE}#profile-{profile_id}")

    async def remove(self, request: Request) -> Response:
        await services_of(request).requests.remove_profile(request.path_params["id"], someone(request).id)
        return self._frame.go(request, PLACE, message=_("Removed."))

    async def _stored(self, request: Request) -> Profile:
        profile_id = str(request.path_params["id"])
        if profile_id == "new":
            return NEW
        known = await services_of(request).requests.profiles.all()
        found = next((one for one in known if one.id == profile_id), None)
        if found is None:
            raise Missing(_("There is no such profile."))
        return found

    async def _show(
        self,
        request: Request,
        stored: Profile,
        wanted: Profile,
        version: int | None,
        error: UserError | None = None,
        *,
        said: str = "",
        theirs: Profile | None = None,
    ) -> Response:
        """said, theirs: who was faster, and what stands there now."""
        services = services_of(request)
        offer, plugin = Offer(), ""
        if wanted.instance_id is not None:
            offer = await services.requests.offers.of(wanted.instance_id, wanted.kinds, wanted.variant)
            plugin = plugin_of(services, wanted.instance_id)
        with use_viewer(self._frame.view(request)):
            form = profile_form(
                f"{PLACE}/profiles/{stored.id or 'new'}",
                wanted,
                services.requests.types.all(),
                takers_of(services, wanted.instance_id),
                offer,
                plugin,
                theirs,
            )
            form = replace(
                with_error(form, error),
                version=version if stored.id else None,
                conflict=said,
                cancel_path=PLACE,
                danger=remove_action("profiles", stored.id) if stored.id else None,
            )
            title = stored.name or _("A new profile")
            view = PanelsView(
                title=title,
                text=_("A named way that a request can take."),
                crumbs=((_("Rules for requests"), PLACE),),
                parts=(PanelPart(title=_("Profile"), form=form),),
            )
        status = self._frame.form_status(request, error or theirs, 409 if theirs else 422)
        return await self._frame.page(request, "core/panels.html", view, status=status)


def takers_of(services: Services, present: str | None) -> Mapping[str, str]:
    """instance id → title of those that take requests, with the present one even if it does not answer."""
    found = {one.instance.id: one.instance.title for one in services.requests.backends.ready()}
    if present is not None and present not in found:
        title = services.requests.backends.title(present)
        found[present] = _("%(name)s (does not answer)") % {"name": title}
    return found


def plugin_of(services: Services, instance_id: str) -> str:
    try:
        return services.requests.backends.plugin(instance_id)
    except UnknownInstance:
        return ""


def profile_row(one: Profile, number: int, count: int, kinds: Kinds, services: Services) -> PanelRow:
    """number: its place among `count`."""
    names = [what_label(kind, one.variant, kinds) for kind in one.kinds] or [
        what_label("*", one.variant, kinds)
    ]
    service = _("Any service")
    if one.instance_id is not None:
        service = takers_of(services, one.instance_id)[one.instance_id]
    notes = [", ".join(names), service]
    if one.admins_only:
        notes.append(_("for admins only"))
    return PanelRow(
        id=f"profile-{one.id}",
        title=one.name,
        path=f"{PLACE}/profiles/{one.id}",
        notes=tuple(notes),
        badge=Badge(text=_("Where nobody chooses"), tone="info") if one.preferred else None,
        actions=(Action(label=_("Change"), path=f"{PLACE}/profiles/{one.id}", icon="pencil"),),
        steps=_steps(one, number, count) if count > 1 else (),
    )


def _steps(one: Profile, number: int, count: int) -> tuple[Action, ...]:
    ends = _("It is at the end already.")
    return tuple(
        Action(
            label=f"{label}: {one.name}",
            path=f"{PLACE}/profiles/{one.id}/move",
            method="post",
            icon=icon,
            values=(("step", step),),
            disabled=ends if at_end else None,
        )
        for step, label, icon, at_end in (
            ("up", _("Move up"), "arrow-up", number == 0),
            ("down", _("Move down"), "arrow-down", number == count - 1),
        )
    )
