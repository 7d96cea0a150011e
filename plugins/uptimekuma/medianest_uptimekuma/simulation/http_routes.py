"""The HTTP side: `/metrics`, status pages, badges and push."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from medianest_core.testing.simulators import json_reply
from medianest_uptimekuma.models import DOWN, UP
from medianest_uptimekuma.simulation.announcements import Announcements
from medianest_uptimekuma.simulation.metrics_text import render
from medianest_uptimekuma.simulation.pulse import Pulse
from medianest_uptimekuma.simulation.world import USER, World

_PAGE_KEPT, _BEATS_KEPT = 300.0, 60.0
_HOME = "<!DOCTYPE html><html><head><title>Uptime Kuma</title></head><body><div id=app></div></body></html>"


class HttpRoutes:
    """Answers are kept for a while by address, as the real one's cache does."""

    def __init__(self, world: World, announcements: Announcements, pulse: Pulse) -> None:
        self.world = world
        self.announcements = announcements
        self.pulse = pulse
        self._kept: dict[str, tuple[float, Any, int]] = {}

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/metrics", self.metrics),
            Route("/api/entry-page", self.entry_page),
            Route("/api/push/{token}", self.push, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
            Route("/api/badge/{id}/{kind:path}", self.badge),
            Route("/api/status-page/heartbeat/{slug}", self.page_beats),
            Route("/api/status-page/{slug}/incident-history", self.incident_history),
            Route("/api/status-page/{slug}", self.page),
            Route("/{rest:path}", self.home),
        ]

    def forget(self) -> None:
        """Empty the cache."""
        self._kept.clear()

    async def home(self, request: Request) -> Response:
        if request.url.path.startswith("/api/"):
            return json_reply({"status": "fail", "msg": "Not Found"}, 404)
        return HTMLResponse(_HOME)

    async def entry_page(self, request: Request) -> Response:
        return json_reply({"type": "entryPage", "entryPage": "dashboard"})

    async def metrics(self, request: Request) -> Response:
        if not self.world.auth_disabled and not self._may(request):
            return Response(status_code=401, media_type="text/html")
        return PlainTextResponse(render(self.world), media_type="text/plain; version=0.0.4")

    def _may(self, request: Request) -> bool:
        scheme, _, coded = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return False
        try:
            user, _, password = base64.b64decode(coded).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return False
        if not self.world.keys:
            good = (user, password) == (USER, self.world.password)
            if not good:
                self.world.logins.take()
            return good
        if not self.world.key_uses.take():
            return False
        return any(key.active and key.clear == password for key in self.world.keys.values())

    async def page(self, request: Request) -> Response:
        def make() -> tuple[Any, int]:
            found = self.announcements.pages.get(request.path_params["slug"].lower())
            if found is None:
                return {"status": "fail", "msg": "Status Page Not Found"}, 404
            return self.announcements.payload(found), 200

        return self._cached(request, _PAGE_KEPT, make)

    async def page_beats(self, request: Request) -> Response:
        def make() -> tuple[Any, int]:
            found = self.announcements.pages.get(request.path_params["slug"].lower())
            return self.announcements.beats(found), 200

        return self._cached(request, _BEATS_KEPT, make)

    async def incident_history(self, request: Request) -> Response:
        found = self.announcements.pages.get(request.path_params["slug"].lower())
        if not self.world.profile.incident_list:
            return HTMLResponse(_HOME)
        if found is None:
            return json_reply({"status": "fail", "msg": "Status Page Not Found"}, 404)
        return json_reply(self.announcements.history(found))

    def _cached(self, request: Request, seconds: float, make: Callable[[], tuple[Any, int]]) -> Response:
        address, now = str(request.url), self.world.now()
        kept = self._kept.get(address)
        if kept is None or now - kept[0] >= seconds:
            body, status = make()
            kept = (now, body, status)
            if status == 200:
                self._kept[address] = kept
        return json_reply(kept[1], kept[2])

    async def push(self, request: Request) -> Response:
        token = request.path_params["token"]
        monitor = next(
            (one for one in self.world.monitors.values() if one.active and one.push_token == token), None
        )
        if monitor is None:
            return json_reply({"ok": False, "msg": "Monitor not found or not active."}, 404)
        given = request.query_params
        good = given.get("status", "up") == "up"
        monitor.trouble = None if good else given.get("msg", "OK")
        ping = given.get("ping", "")
        await self.pulse.beat(monitor, ping=int(ping) if ping.isdecimal() else None)
        return json_reply({"ok": True})

    async def badge(self, request: Request) -> Response:
        identifier = request.path_params["id"]
        if not identifier.isdecimal():
            return json_reply({"status": "fail", "msg": "Invalid monitor ID"}, 403)
        shown = {one for page in self.announcements.pages.values() for _, ids in page.groups for one in ids}
        monitor = self.world.monitors.get(int(identifier))
        word, colour = "N/A", "#999"
        if monitor is not None and monitor.id in shown and (beats := self.world.beats(monitor)):
            word = {UP: "Up", DOWN: "Down"}.get(beats[-1].status, "Pending")
            colour = {"Up": "#66c20a", "Down": "#c2290a"}.get(word, "#dfb317")
        svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="90" height="20"><rect width="90" height="20" fill="{colour}"/><text x="8" y="14">{word}</text></svg>'
        return Response(svg, media_type="image/svg+xml")
