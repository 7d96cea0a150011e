"""Requests → watchlist: whether one's list at a service is asked for by itself, and what became of what stands there."""

from __future__ import annotations

from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import BaseRoute

from medianest_core.domain.requests.watchlists import Watched, Watching
from medianest_core.sdk.permissions import USER
from medianest_core.store.errors import Stale
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.portal.formats import clock
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.numbers import whole
from medianest_core.web.portal.pages.frame import Frame
from medianest_core.web.portal.pages.requests_rows import BASE
from medianest_core.web.portal.viewer import use_viewer
from medianest_core.web.portal.views import Badge, Field, FieldGroup, Form, TileState
from medianest_core.web.portal.views.common import Tone
from medianest_core.web.portal.views.panels import PanelPart, PanelRow, PanelsView

PLACE = BASE + "/watchlist"


class WatchlistPages:
    """Handlers of the page for one's list."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def routes(self) -> list[BaseRoute]:
        return [
            page(PLACE, self.show, policy=USER),
            page(PLACE, self.switch, methods=("POST",), policy=USER),
        ]

    async def show(self, request: HttpRequest) -> Response:
        found = await services_of(request).requests.watching(someone(request))
        with use_viewer(self._frame.view(request)):
            view = watchlist_view(found)
        return await self._frame.page(request, "core/panels.html", view)

    async def switch(self, request: HttpRequest) -> Response:
        form = await request.form()
        enabled = form.getlist("enabled")[-1:] == ["true"]
        try:
            await services_of(request).requests.watch(
                someone(request), enabled, version=whole(form.get("version"))
            )
        except Stale:
            return self._frame.go(request, PLACE, message=_("This was changed meanwhile; look again."))
        told = _("Your watchlist is read now.") if enabled else _("Your watchlist is not read any more.")
        return self._frame.go(request, PLACE, message=told)


def watchlist_view(found: Watching) -> PanelsView:
    note = None
    if not found.allowed:
        note = TileState(
            kind="stale",
            title=_("Your account may not do this"),
            text=_("An admin has not allowed lists to ask for titles."),
        )
    elif not found.sources:
        note = TileState(
            kind="stale",
            title=_("There is no list to read"),
            text=_("Sign in with a service that has a watchlist, such as the one your films come from."),
        )
    elif found.enabled and found.problem:
        note = TileState(
            kind="stale", title=_("Your watchlist could not be read in full"), text=_(found.problem)
        )
    switch = Form(
        path=PLACE,
        id="watchlist",
        submit=_("Save"),
        version=found.version,
        groups=(
            FieldGroup(
                fields=(
                    Field(
                        name="enabled",
                        label=_("Ask for what I put on my watchlist"),
                        kind="toggle",
                        value="true" if found.enabled else "",
                        readonly=not found.enabled and not (found.allowed and found.sources),
                        help=_(
                            "Each title once, by the same rules and quotas as if you asked yourself. What was declined is not asked for again."
                        ),
                    ),
                )
            ),
        ),
    )
    read = _("Last read at %(time)s.") % {"time": clock(found.checked_at)} if found.checked_at else ""
    text = " ".join(one for one in (", ".join(found.sources), read) if one)
    return PanelsView(
        title=_("Watchlist"),
        text=_("Titles that you put on your list at a service are asked for by themselves."),
        crumbs=((_("Requests"), BASE),),
        note=note,
        parts=(
            PanelPart(title=_("Your watchlist"), text=text, form=switch),
            PanelPart(
                title=_("What became of it"),
                rows=tuple(_row(one) for one in found.titles),
                empty=_("Nothing from your list has been asked for yet."),
            ),
        ),
    )


def _row(one: Watched) -> PanelRow:
    looks: dict[str, tuple[str, Tone]] = {
        "created": (_("Asked for"), "info"),
        "joined": (_("Somebody had asked already"), "info"),
        "available": (_("In the library"), "success"),
        "declined": (_("Declined before"), "neutral"),
        "denied": (_("Not allowed"), "warning"),
        "blocked": (_("Blocked"), "error"),
        "refused": (_("Cannot be requested"), "neutral"),
    }
    text, tone = looks.get(one.outcome, (one.outcome, "neutral"))
    return PanelRow(
        title=one.title,
        notes=(_(one.reason),) if one.reason else (),
        badge=Badge(text=text, tone=tone),
        path=f"{BASE}/{one.request_id}" if one.request_id else "",
    )
