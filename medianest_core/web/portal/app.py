"""The portal's routes and its error pages."""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from medianest_core.base.logging import correlation_id, get_logger
from medianest_core.host.declarations import Declarations
from medianest_core.sdk.permissions import PUBLIC
from medianest_core.store.errors import DatabaseAway
from medianest_core.web.gate.compression import accepts
from medianest_core.web.gate.problems import Problem
from medianest_core.web.gate.routing import Later, PolicyMount
from medianest_core.web.gate.services import Services
from medianest_core.web.portal.folders import template_folders
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.pages.frame import Frame
from medianest_core.web.portal.pages.offline import OfflinePages
from medianest_core.web.portal.pages.signin import SignInPages
from medianest_core.web.portal.render import Renderer
from medianest_core.web.portal.viewer import use_viewer
from medianest_core.web.portal.views import Action, ErrorView, Shell

_log = get_logger(__name__)
STATIC = Path(__file__).parent / "static"
YEAR = 31_536_000


class _Static(StaticFiles):
    """Static files; those with a hash in their name may be kept for good, and were packed when they were built."""

    def file_response(self, full_path, stat_result, scope, status_code=200):  # type: ignore[no-untyped-def]  # as its base
        packed, coding = _packed(str(full_path), scope)
        if coding:
            response = super().file_response(packed, Path(packed).stat(), scope, status_code)
            response.headers["Content-Encoding"] = coding
        else:
            response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["Vary"] = "Accept-Encoding"
        hashed = "/dist/" in str(full_path).replace("\\", "/") and not str(full_path).endswith(
            "manifest.json"
        )
        response.headers["Cache-Control"] = (
            f"public, max-age={YEAR}, immutable" if hashed else "public, max-age=3600"
        )
        return response


def _packed(path: str, scope: Scope) -> tuple[str, str]:
    """The packed file beside `path` that the browser takes, and its coding; otherwise `path` and ""."""
    for ending, coding in ((".br", "br"), (".gz", "gzip")):
        if accepts(scope["headers"], coding.encode()) and Path(path + ending).is_file():
            return path + ending, coding
    return path, ""


class _InTheirLanguage:
    """Runs a page's handler in the language and time zone of the person who asks."""

    def __init__(self, app: ASGIApp, frame: Frame) -> None:
        self._app = app
        self._frame = frame

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with use_viewer(self._frame.view(Request(scope))):
            await self._app(scope, receive, send)


class Portal:
    """Everything people see. `routes` once all services are there."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.renderer = Renderer(
            strict=services.settings.dev, compiled=services.settings.data_dir / "templates"
        )
        services.caches.show("pieces", self.renderer.kept)
        self.frame = Frame(self.renderer)
        for declared in services.host.registry.active():
            self._plugin_changed(declared.plugin, declared)
        services.host.on_change(self._plugin_changed)

    def routes(self) -> list[BaseRoute]:
        """The way in is there from the start, everything behind it once somebody has come in."""
        front = [*SignInPages(self.frame).routes(), *OfflinePages(self.frame).routes()]
        return [
            *self._in_their_language(front),
            PolicyMount("/static", _Static(directory=STATIC), policy=PUBLIC, name="static"),
            Later(self._office, below="/admin"),
            Later(self._rooms),
        ]

    def _office(self) -> list[BaseRoute]:
        from medianest_core.web.portal import office

        return self._in_their_language(office.routes(self.frame))

    def _rooms(self) -> list[BaseRoute]:
        from medianest_core.web.portal import rooms

        return self._in_their_language(rooms.routes(self.frame, self._services))

    def _in_their_language(self, routes: list[BaseRoute]) -> list[BaseRoute]:
        for route in routes:
            if isinstance(route, Route):
                route.app = _InTheirLanguage(route.app, self.frame)
        return routes

    async def error_page(self, request: Request, problem: Problem) -> Response:
        """An error as people read it: inside the portal's frame where somebody is signed in."""
        view = self.frame.view(request)
        try:
            shell = await self.frame.shell(request, view)
        except DatabaseAway:
            shell = Shell(live=False)
        except Exception as error:
            _log.warning("an error page is shown without its frame", exc_info=error)
            shell = Shell(live=False)
        with use_viewer(view):
            model = ErrorView(
                status=problem.status,
                title=_(problem.title),
                text=_(problem.detail) if problem.detail else "",
                correlation_id=correlation_id.get(),
                retry_at=problem.retry_at,
                actions=(Action(label=_("To the start"), path="/", icon="house"),),
            )
        return self.renderer.page("core/errors/error.html", model, shell, view, status=problem.status)

    def _plugin_changed(self, plugin: str, declared: Declarations | None) -> None:
        if declared is None:
            self.renderer.remove(plugin)
            return
        templates, locale = template_folders(declared.plugin, declared.module.__name__)
        # A plugin may have texts without a page of its own.
        self.renderer.add(plugin, templates, locale)
