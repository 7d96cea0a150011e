"""Pages, routes and cards of plugins, under /p/<plugin>/…: found at each request, so that a plugin can come and go.

A plugin's handler runs with a deadline; what it raises is shown as its own failure inside the portal's frame.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, compile_path

from medianest_core.base.logging import get_logger
from medianest_core.base.tasks import bounded
from medianest_core.domain.accounts.access import Verdict, decide
from medianest_core.domain.accounts.errors import Missing
from medianest_core.host.context import Context
from medianest_core.sdk.errors import MediaNestError, NotFound, UserError
from medianest_core.sdk.permissions import USER, Policy
from medianest_core.sdk.portal import Card as PluginCard
from medianest_core.sdk.portal import Page, Slot
from medianest_core.sdk.routes import File, Handler, Html, Json, Redirect, Reply, Route, Viewer
from medianest_core.sdk.routes import Request as PluginRequest
from medianest_core.web.gate.problems import route_path
from medianest_core.web.gate.routing import Dispatch, Entry, enforce, page
from medianest_core.web.gate.services import Services
from medianest_core.web.gate.viewer import someone
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.pages.frame import Frame
from medianest_core.web.portal.viewer import use_viewer
from medianest_core.web.portal.views import Action, Card, PluginPageView, TileState

_log = get_logger(__name__)
DEADLINE = 10.0
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


class Asked(PluginRequest):
    """A request as a plugin sees it."""

    def __init__(self, request: Request, context: Context, params: Mapping[str, str], viewer: Viewer) -> None:
        self._request = request
        self.method = request.method
        self.path = request.url.path
        self.path_params = MappingProxyType(dict(params))
        self.query = MappingProxyType(dict(request.query_params))
        self.viewer = viewer
        self.context = context

    async def form(self) -> Mapping[str, str]:
        form = await self._request.form(max_files=0, max_fields=500, max_part_size=1024 * 1024)
        return {name: value for name, value in form.items() if isinstance(value, str)}

    def url(self, path: str) -> str:
        return str(self._request.scope.get("root_path", "")) + path


class PluginPages:
    """Dispatches to plugins."""

    def __init__(self, frame: Frame, services: Services) -> None:
        self._frame = frame
        self._services = services

    def routes(self) -> list[BaseRoute]:
        return [
            Dispatch(
                "/p/{plugin}/{path:path}",
                self.answer,
                policy=USER,
                listing=self._entries,
                methods=list(_METHODS),
                name="plugin",
            ),
            page("/fragments/slot/{id}/{subject}", self.slot, policy=USER),
        ]

    def _entries(self) -> Iterable[Entry]:
        registry = self._services.host.registry
        for plugin, one in registry.contributions(Page):
            yield Entry("plugin", "GET", f"/p/{plugin}/{one.path.lstrip('/')}", one.policy)
        for plugin, route in registry.contributions(Route):
            yield Entry("plugin", route.method.upper(), f"/p/{plugin}/{route.path.lstrip('/')}", route.policy)

    async def answer(self, request: Request) -> Response:
        plugin, path = request.path_params["plugin"], request.path_params["path"]
        registry = self._services.host.registry
        if request.method in ("GET", "HEAD"):
            for name, one in registry.contributions(Page):
                params = _matches(one.path, path) if name == plugin else None
                if params is not None:
                    enforce(request, one.policy)
                    return await self._page(request, plugin, one, params)
        method = "GET" if request.method == "HEAD" else request.method
        for name, route in registry.contributions(Route):
            params = _matches(route.path, path) if name == plugin else None
            if params is not None and route.method.upper() == method:
                enforce(request, route.policy)
                return await self._route(request, plugin, route.handler, params)
        raise Missing(_("There is nothing at this address."))

    async def _call(
        self, request: Request, plugin: str, handler: Handler, params: Mapping[str, str]
    ) -> Reply:
        asked = Asked(request, self._services.host.context(plugin), params, someone(request))
        with use_viewer(self._frame.view(request), plugin):
            return await bounded(handler(asked), DEADLINE)

    async def _page(self, request: Request, plugin: str, page: Page, params: Mapping[str, str]) -> Response:
        status = 200
        try:
            reply = await self._call(request, plugin, page.handler, params)
            if not isinstance(reply, Html):
                return await self._answer(request, plugin, reply)
            status = reply.status
            view = PluginPageView(title=_(page.title), html=self._render(request, plugin, reply))
        except (UserError, NotFound):
            raise
        except Exception as error:
            view, status = self._failed(request, plugin, page.title, error), 502
        return await self._frame.page(request, "core/plugin_page.html", view, status=status)

    async def _route(
        self, request: Request, plugin: str, handler: Handler, params: Mapping[str, str]
    ) -> Response:
        try:
            return await self._answer(request, plugin, await self._call(request, plugin, handler, params))
        except (UserError, NotFound):
            raise
        except Exception as error:
            view = self._failed(request, plugin, plugin, error)
            card = Card(id=plugin, title=view.title, state=view.state)
            return self._frame.fragment(request, "core/fragments/card.html", card, status=502)

    async def _answer(self, request: Request, plugin: str, reply: Reply) -> Response:
        if isinstance(reply, Html):
            return Response(str(self._render(request, plugin, reply)), reply.status, media_type="text/html")
        if isinstance(reply, Redirect):
            if not reply.path.startswith("/") or reply.path.startswith(("//", "/\\")):
                raise ValueError("a Redirect leads to a path of the portal")
            return self._frame.go(request, reply.path, message=reply.message)
        if isinstance(reply, Json):
            return JSONResponse(reply.value, reply.status)
        if isinstance(reply, File):
            return self._file(plugin, reply)
        raise TypeError(f"the handler answered with {type(reply).__name__}")

    def _file(self, plugin: str, reply: File) -> Response:
        root = self._services.host.context(plugin).data_dir.resolve()
        path = Path(reply.path)
        target = (path if path.is_absolute() else root / path).resolve()
        if not target.is_relative_to(root) or not target.is_file():
            raise Missing(_("There is no such file."))
        return FileResponse(target, media_type=reply.media_type, filename=reply.filename)

    def _render(self, request: Request, plugin: str, reply: Html) -> Markup:
        if not reply.template.startswith(f"{plugin}/"):
            raise ValueError(f"a template of {plugin} starts with {plugin}/")
        text = self._frame.renderer.text(
            reply.template, reply.context, self._frame.view(request), plugin=plugin
        )
        return Markup(text)  # noqa: S704  # rendered with autoescape from the plugin's own template

    def _failed(self, request: Request, plugin: str, title: str, error: Exception) -> PluginPageView:
        _log.error("a plugin's page failed", plugin=plugin, exc_info=error)
        self._services.host.faults.note(plugin, route_path(request.scope), error)
        info = self._services.host.registry.plugin(plugin)
        admin = someone(request).is_admin
        text = (
            str(error)
            if isinstance(error, MediaNestError)
            else _("The plugin made a mistake. It is in the log.")
        )
        return PluginPageView(
            title=_(title),
            state=TileState(
                kind="failed",
                title=_("%(name)s cannot show this now") % {"name": info.title if info else plugin},
                text=text,
                icon="puzzle",
                action=Action(label=_("Look at the plugin"), path=f"/admin/plugins/{plugin}")
                if admin
                else None,
            ),
        )

    async def cards(self, request: Request) -> list[Card]:
        """The cards of all plugins that this person may see; they fill in by themselves."""
        person, found = someone(request), []
        items = self._services.host.registry.contributions(PluginCard)
        for plugin, card in sorted(items, key=lambda pair: pair[1].order):
            if _allowed(card.policy, person):
                key = f"{plugin}:{card.name}"
                found.append(
                    Card(
                        id=key,
                        title=_(card.title),
                        path=f"/fragments/card/{key}",
                        load_path=f"/fragments/card/{key}",
                        live=" ".join(card.refresh_on),
                    )
                )
        return found

    def slots(self, request: Request, place: str, subject: str) -> list[Card]:
        """What plugins put at a place of a core page; each fills in by itself. subject: what the page is about, e.g. a title's id."""
        person, found = someone(request), []
        items = self._services.host.registry.contributions(Slot)
        for plugin, slot in sorted(items, key=lambda pair: pair[1].order):
            if slot.place == place and _allowed(slot.policy, person):
                path = f"/fragments/slot/{plugin}:{slot.name}/{quote(subject, safe='')}"
                found.append(Card(id=f"{plugin}:{slot.name}", title="", path=path, load_path=path))
        return found

    async def slot(self, request: Request) -> Response:
        """The inside of one slot; the handler finds the subject in `path_params["subject"]`."""
        plugin, _sep, name = request.path_params["id"].partition(":")
        for owner, slot in self._services.host.registry.contributions(Slot):
            if (owner, slot.name) == (plugin, name):
                enforce(request, slot.policy)
                params = {"subject": request.path_params["subject"]}
                return await self._filled(
                    request, plugin, request.path_params["id"], "", slot.handler, params
                )
        raise Missing(_("There is no such part."))

    async def card(self, request: Request, key: str) -> Response:
        """The inside of one plugin's card."""
        plugin, _sep, name = key.partition(":")
        for owner, card in self._services.host.registry.contributions(PluginCard):
            if (owner, card.name) == (plugin, name):
                enforce(request, card.policy)
                return await self._filled(request, plugin, key, card.title, card.handler, {})
        raise Missing(_("There is no such card."))

    async def _filled(
        self, request: Request, plugin: str, key: str, title: str, handler: Handler, params: Mapping[str, str]
    ) -> Response:
        try:
            reply = await self._call(request, plugin, handler, params)
            if not isinstance(reply, Html):
                raise TypeError(f"the card answered with {type(reply).__name__}")
            view = Card(id=key, title=_(title) if title else "", html=self._render(request, plugin, reply))
        except Exception as error:
            with use_viewer(self._frame.view(request)):
                failed = self._failed(request, plugin, title or plugin, error)
            view = Card(id=key, title=failed.title, state=failed.state)
        return self._frame.fragment(request, "core/fragments/card.html", view)


def _allowed(policy: Policy, person: Viewer) -> bool:
    return decide(policy, person) is Verdict.ALLOW


@functools.lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    return compile_path("/" + pattern)[0]


def _matches(pattern: str, path: str) -> dict[str, str] | None:
    match = _compiled(pattern.strip("/")).match("/" + path.strip("/"))
    return match.groupdict() if match else None
