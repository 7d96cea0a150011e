"""Searches that people keep of the library and of the discover page: as links there, kept and forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from medianest_core.domain.accounts.errors import Missing, NotAllowed
from medianest_core.domain.accounts.saved import SavedSearch, tidy
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.permissions import USER
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.pages.frame import Frame
from medianest_core.web.portal.views import Choice, SavedBar


class SavedPages:
    """What the forms of `SavedBar` are sent to."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def routes(self) -> list[BaseRoute]:
        return [
            page("/searches", self.save, methods=("POST",), policy=USER),
            page("/searches/{id}/forget", self.forget, methods=("POST",), policy=USER),
        ]

    async def save(self, request: Request) -> Response:
        sent = await request.form()
        place, name, query = (str(sent.get(field, "")) for field in ("place", "name", "query"))
        saved = services_of(request).accounts.saved
        try:
            made = await saved.save(someone(request).id, place, name, query)
        except (UserError, NotAllowed) as error:
            back = place if place in ("library", "discover") else "library"
            return self._frame.go(request, f"/{back}?{query}", message=_(str(error)))
        return self._frame.go(request, made.path, message=_("Saved as “%(name)s”.") % {"name": made.name})

    async def forget(self, request: Request) -> Response:
        saved, person = services_of(request).accounts.saved, someone(request)
        search_id = request.path_params["id"]
        one = next((one for one in await saved.of(person.id) if one.id == search_id), None)
        if one is None or not await saved.remove(person.id, search_id):
            raise Missing(_("There is no such search."))
        return self._frame.go(request, one.path, message=_("Forgotten."))


def saved_bar(
    kept: Sequence[SavedSearch], place: str, given: Sequence[tuple[str, str]], suggested: str
) -> SavedBar:
    """kept: those of the page. given: of the present address. suggested: a name for what is searched for now."""
    try:
        query = tidy(place, urlencode(list(given)))
    except UserError:
        query = ""
    here = next((one for one in kept if one.query == query), None)
    return SavedBar(
        place=place,
        items=tuple(Choice(label=one.name, value=one.id, path=one.path, current=one is here) for one in kept),
        query=query,
        suggested=suggested[:80],
        forget_path=f"/searches/{here.id}/forget" if here is not None else None,
    )
