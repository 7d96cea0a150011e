"""What stands around every page: the search box over titles, pages and settings, and the banners."""

from __future__ import annotations

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from medianest_core.sdk.permissions import USER
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.viewer import services_of
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.pages.frame import Frame
from medianest_core.web.portal.pages.posters import art, kind_label
from medianest_core.web.portal.viewer import use_viewer
from medianest_core.web.portal.views import SearchHit, SearchView

_MOST = 8


class SearchPages:
    """Handlers of the search box, as a fragment and as a page of its own."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def routes(self) -> list[BaseRoute]:
        return [
            page("/search", self.search, policy=USER),
            page("/fragments/search", self.fragment, policy=USER),
            page("/fragments/banners", self.banners, policy=USER),
        ]

    async def banners(self, request: Request) -> Response:
        """The sentences above every page, when one of them may have changed."""
        view = self._frame.view(request)
        shell = await self._frame.shell(request, view)
        return self._frame.fragment(request, "core/fragments/banners.html", None, shell=shell)

    async def search(self, request: Request) -> Response:
        return await self._frame.page(request, "core/search.html", await self._find(request, 40))

    async def fragment(self, request: Request) -> Response:
        return self._frame.fragment(request, "core/fragments/search.html", await self._find(request, _MOST))

    async def _find(self, request: Request, limit: int) -> SearchView:
        text = request.query_params.get("q", "").strip()[:200]
        rows = await services_of(request).library.search(text, limit) if text else []
        view = self._frame.view(request)
        shell = await self._frame.shell(request, view)
        with use_viewer(view):
            hits = [
                SearchHit(
                    label=row.title,
                    path=f"/title/{row.id}",
                    group=_("Titles"),
                    note=" · ".join(part for part in (kind_label(row.kind), str(row.year or "")) if part),
                    art=art(row.poster),
                )
                for row in rows
            ]
            pages = [link for group in shell.nav for link in group.links]
            hits += [
                SearchHit(label=link.label, path=link.path, group=_("Pages"), icon=link.icon)
                for link in pages
                if not text or text.casefold() in link.label.casefold()
            ]
            return SearchView(
                query=text, hits=tuple(hits), all_path=f"/library?q={quote(text)}" if text and rows else None
            )
