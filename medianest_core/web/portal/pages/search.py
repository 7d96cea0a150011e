"""The search box over titles, people, pages, settings and actions, the same as a page, and the banners above every page.

What the portal knows itself is there at once; what catalogs know follows in a second step, so that the box never waits for one.
"""

from __future__ import annotations

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from medianest_core.domain.discover.entries import Entry, Results
from medianest_core.domain.library.reading.query import TitleRow
from medianest_core.sdk.media import SHOW
from medianest_core.sdk.permissions import USER
from medianest_core.sdk.routes import Viewer
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.services import Services
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.i18n import ngettext
from medianest_core.web.portal.pages.discover_rows import (
    SHOWN,
    entry_path,
    sheet_path,
    trouble_notes,
    wish_label,
)
from medianest_core.web.portal.pages.frame import Frame
from medianest_core.web.portal.pages.posters import art, kind_label
from medianest_core.web.portal.pages.search_places import places
from medianest_core.web.portal.viewer import use_viewer
from medianest_core.web.portal.views import SearchHit, SearchView

_MOST = 8
_MOST_ON_PAGE = 40
_MOST_IN_CATALOGS = 8
_LONGEST = 200
_SHORTEST = 2
"""Letters that catalogs are asked about at least."""


class SearchPages:
    """Handlers of the search box, as fragments and as a page of its own."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def routes(self) -> list[BaseRoute]:
        return [
            page("/search", self.search, policy=USER),
            page("/fragments/search", self.fragment, policy=USER),
            page("/fragments/search/catalogs", self.catalogs, policy=USER),
            page("/fragments/banners", self.banners, policy=USER),
        ]

    async def banners(self, request: Request) -> Response:
        """The sentences above every page, when one of them may have changed."""
        view = self._frame.view(request)
        shell = await self._frame.shell(request, view)
        return self._frame.fragment(request, "core/fragments/banners.html", None, shell=shell)

    async def search(self, request: Request) -> Response:
        """Everything at once: who has no script cannot fetch the rest."""
        view = await self._here(request, _MOST_ON_PAGE)
        if view.more_path:
            more = await self._elsewhere(request)
            titles = [hit for hit in view.hits if hit.path.startswith("/title/")]
            rest = [hit for hit in view.hits if not hit.path.startswith("/title/")]
            view = SearchView(
                query=view.query,
                hits=(*titles, *more.hits, *rest),
                all_path=view.all_path,
                notes=more.notes,
                credits=more.credits,
            )
        return await self._frame.page(request, "core/search.html", view)

    async def fragment(self, request: Request) -> Response:
        return self._frame.fragment(request, "core/fragments/search.html", await self._here(request, _MOST))

    async def catalogs(self, request: Request) -> Response:
        """The second step."""
        view = await self._elsewhere(request)
        return self._frame.fragment(request, "core/fragments/search_more.html", view)

    async def _here(self, request: Request, limit: int) -> SearchView:
        services, person, text = services_of(request), someone(request), _text_of(request)
        rows = await services.library.search(text, limit) if text else []
        people = await services.library.people(text, [row.id for row in rows])
        names = (
            (await services.accounts.users.list(text=text, limit=4)).users if text and person.is_admin else ()
        )
        view = self._frame.view(request)
        shell = await self._frame.shell(request, view)
        with use_viewer(view):
            hits = [_title(row) for row in rows]
            hits += [
                SearchHit(
                    label=one.name,
                    path=f"/library?q={quote(one.name)}",
                    group=_("People"),
                    icon="user",
                    note=ngettext("in %(num)d title", "in %(num)d titles", one.titles) % {"num": one.titles},
                )
                for one in people
            ]
            hits += [
                SearchHit(
                    label=one.display_name or one.username,
                    path=f"/admin/users/{one.id}",
                    group=_("People"),
                    icon="user-check",
                    note=_("Account"),
                )
                for one in names
            ]
            hits += places(text, person, shell.nav, services)
        asks = len(text) >= _SHORTEST and bool(services.discover.catalogs())
        return SearchView(
            query=text,
            hits=tuple(hits),
            all_path=f"/library?q={quote(text)}" if rows else None,
            more_path=f"/fragments/search/catalogs?q={quote(text)}" if asks else None,
        )

    async def _elsewhere(self, request: Request) -> SearchView:
        services, person, text = services_of(request), someone(request), _text_of(request)
        found = await services.discover.search(person, text) if len(text) >= _SHORTEST else Results()
        allowed = await _requestable(services, person) if found.entries else frozenset()
        with use_viewer(self._frame.view(request)):
            # What can be played stands among the library's titles already; of a show something may be missing.
            shown = [one for one in found.entries if one.available is None or one.kind == SHOW]
            return SearchView(
                query=text,
                hits=tuple(_entry(one, allowed) for one in shown[:_MOST_IN_CATALOGS]),
                notes=trouble_notes(found.troubles),
                credits=tuple(_(one) for one in found.attributions) if shown else (),
                step="more",
            )


def _text_of(request: Request) -> str:
    return " ".join(request.query_params.get("q", "").split())[:_LONGEST]


async def _requestable(services: Services, person: Viewer) -> frozenset[str]:
    return frozenset(one.kind for one in await services.requests.allowances(person) if one.allowed)


def _title(row: TitleRow) -> SearchHit:
    return SearchHit(
        label=row.title,
        path=f"/title/{row.id}",
        group=_("Titles"),
        note=" · ".join(part for part in (kind_label(row.kind), str(row.year or "")) if part),
        art=art(row.poster),
        icon="tv" if row.kind == SHOW else "film",
    )


def _entry(one: Entry, allowed: frozenset[str]) -> SearchHit:
    mark = one.request
    asked = mark is not None and mark.state in SHOWN
    if one.available is not None:
        state = _("In the library")
    elif mark is not None and asked:
        state = wish_label(mark.state)
    else:
        state = ""
    free = not state and one.kind in allowed
    return SearchHit(
        label=_("Request “%(title)s”") % {"title": one.title} if free else one.title,
        path=f"{sheet_path(one.key)}#request" if free else entry_path(one),
        group=_("From the catalogs"),
        note=" · ".join(part for part in (kind_label(one.kind), str(one.year or ""), state) if part),
        art=art(one.image),
        icon="ticket" if free else "tv" if one.kind == SHOW else "film",
    )
