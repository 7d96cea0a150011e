"""Changing a request before anybody has decided, and choosing for it what a service lets choose."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import BaseRoute

from medianest_core.domain.discover.entries import SeasonInfo
from medianest_core.domain.requests.backends import takes
from medianest_core.domain.requests.entries import Request
from medianest_core.domain.requests.states import NotPossible
from medianest_core.sdk.errors import MediaNestError, UserError
from medianest_core.sdk.permissions import ADMIN, OWNER
from medianest_core.sdk.requests import RequestItem, RequestOption
from medianest_core.store.errors import Stale
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.numbers import whole
from medianest_core.web.portal.pages.frame import Frame
from medianest_core.web.portal.pages.request_seasons import chosen_seasons, season_picks
from medianest_core.web.portal.pages.requests import missing
from medianest_core.web.portal.pages.requests_forms import edit_form, said, service_form
from medianest_core.web.portal.pages.requests_rows import BASE
from medianest_core.web.portal.viewer import use_viewer
from medianest_core.web.portal.views import Choice, TileState
from medianest_core.web.portal.views.panels import PanelPart, PanelsView


class RequestEditPages:
    """Handlers of the pages for changing a request."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def routes(self) -> list[BaseRoute]:
        one = BASE + "/{request_id}"
        return [
            page(one + "/edit", self.show, policy=OWNER),
            page(one + "/edit", self.save, methods=("POST",), policy=OWNER),
            page(one + "/way", self.way, policy=ADMIN),
        ]

    async def show(self, request: HttpRequest) -> Response:
        return await self._show(request, {})

    async def _show(
        self,
        request: HttpRequest,
        sent: Mapping[str, str],
        error: UserError | None = None,
        picked: Collection[int] | None = None,
    ) -> Response:
        """picked: the seasons as they were sent."""
        services, person = services_of(request), someone(request)
        one = await self._one(request)
        if not one.needs_decision or one.reference:
            return self._frame.go(
                request,
                f"{BASE}/{one.id}",
                message=_("Only what nobody has decided about can be changed."),
            )
        profiles = await services.requests.list_profiles(person)
        seasons = await self._seasons(request, one)
        with use_viewer(self._frame.view(request)):
            view = PanelsView(
                title=one.title,
                crumbs=((_("Requests"), BASE), (one.title, f"{BASE}/{one.id}")),
                parts=(
                    PanelPart(
                        title=_("Change what is asked for"),
                        form=edit_form(
                            one,
                            profiles,
                            sent,
                            error,
                            season_picks(one, seasons, picked, said(error, "seasons")) if seasons else None,
                        ),
                    ),
                ),
            )
        status = self._frame.form_status(request, error)
        return await self._frame.page(request, "core/panels.html", view, status=status)

    async def save(self, request: HttpRequest) -> Response:
        services, person = services_of(request), someone(request)
        one, form = await self._one(request), await request.form()
        sent = {name: str(form.get(name, ""))[:2000] for name in ("seasons", "profile_id", "comment")}
        picked: Collection[int] | None = None
        try:
            if "picks" in form:
                picked = frozenset(n for each in form.getlist("season") if (n := whole(each)) is not None)
                seasons = chosen_seasons(one, await self._seasons(request, one), picked)
            else:
                seasons = _numbers(sent["seasons"]) if one.root_kind == "show" else None
                seasons = None if one.episodes and not sent["seasons"].strip() else seasons
            found = await services.requests.edit(
                person,
                one.id,
                version=whole(form.get("version")),
                seasons=seasons,
                profile_id=sent["profile_id"] if "profile_id" in form else None,
                comment=sent["comment"],
            )
        except UserError as refused:
            return await self._show(request, sent, refused, picked)
        except (NotPossible, Stale) as late:
            told = (
                _(str(late))
                if isinstance(late, NotPossible)
                else _("This was changed meanwhile; look again.")
            )
            return self._frame.go(request, f"{BASE}/{one.id}", message=told)
        if found is None:
            raise missing()
        return self._frame.go(request, f"{BASE}/{one.id}", message=_("Saved."))

    async def way(self, request: HttpRequest) -> Response:
        """What the services that take this let an admin choose, one service at a time."""
        services, one = services_of(request), await self._one(request)
        backends = services.requests.backends
        item = RequestItem(one.kind, one.ids, one.title, variant=one.variant)
        ready = {each.instance.id: each.instance for each in backends.ready() if takes(each, item)}
        usual = [each.instance.id for each in backends.usual(item) if each.instance.id in ready]
        asked = request.query_params.get("service") or one.instance_id or next(iter(usual), "")
        service = asked if asked in ready else next(iter(ready), "")
        options: tuple[RequestOption, ...] = ()
        trouble = ""
        if service:
            try:
                options = tuple((await services.requests.options(one.kind, one.variant, service))[service])
            except MediaNestError as error:
                trouble = str(error)
        action = "approve" if one.needs_decision else "retry"
        with use_viewer(self._frame.view(request)):
            submit = _("Approve") if action == "approve" else _("Try again")
            plugin = ready[service].plugin if service else ""
            part = PanelPart(
                title=ready[service].title if service else _("Service"),
                text="" if options else _("There is nothing to choose at this service."),
                form=service_form(one, action, submit, service, options, plugin) if service else None,
                empty=_("No service that takes this answers now."),
            )
            note = None
            if trouble:
                note = TileState(
                    kind="stale",
                    title=_("What can be chosen is not known now"),
                    text=_(trouble),
                )
            view = PanelsView(
                title=one.title,
                text=_("Choose which service takes it, and how."),
                crumbs=((_("Requests"), BASE), (one.title, f"{BASE}/{one.id}")),
                choices=tuple(
                    Choice(
                        label=each.title,
                        value=key,
                        path=f"{BASE}/{one.id}/way?service={key}",
                        current=key == service,
                    )
                    for key, each in ready.items()
                )
                if len(ready) > 1 and one.reference is None
                else (),
                choices_label=_("Service"),
                note=note,
                parts=(part,),
            )
        return await self._frame.page(request, "core/panels.html", view)

    async def _seasons(self, request: HttpRequest, one: Request) -> Sequence[SeasonInfo]:
        """Those of the show, as catalogs and the library know them now; none where nobody says."""
        if one.root_kind != "show":
            return ()
        found = await services_of(request).discover.details(someone(request), "show", one.ids)
        return found.seasons

    async def _one(self, request: HttpRequest) -> Request:
        found = await services_of(request).requests.get(
            someone(request), str(request.path_params["request_id"])
        )
        if found is None:
            raise missing()
        return found


def _numbers(text: str) -> tuple[int, ...]:
    """ "1, 2 5" → numbers. Raises UserError."""
    words = [one for one in re.split(r"[\s,;]+", text) if one]
    numbers = [whole(one) for one in words]
    if any(one is None or one < 0 for one in numbers):
        raise UserError(_("Write the numbers of seasons, with commas between them."), "seasons")
    return tuple(sorted({one for one in numbers if one is not None}))
