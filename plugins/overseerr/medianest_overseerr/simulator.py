"""An honest stand-in of Seerr 3.1 or Overseerr, with the TMDB, Radarr and Sonarr behind it played by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from medianest_core.testing.simulators import DemoInstance, Simulator, json_reply
from medianest_overseerr.simulation import api, flow, keeping
from medianest_overseerr.simulation.control import Control
from medianest_overseerr.simulation.issue_routes import IssueRoutes
from medianest_overseerr.simulation.life import settle
from medianest_overseerr.simulation.mangle import Mangle
from medianest_overseerr.simulation.options import Options
from medianest_overseerr.simulation.people import PASSWORD
from medianest_overseerr.simulation.pictures import Pictures
from medianest_overseerr.simulation.request_routes import Requests
from medianest_overseerr.simulation.settings_routes import SettingsRoutes
from medianest_overseerr.simulation.title_routes import TitleRoutes
from medianest_overseerr.simulation.user_routes import UserRoutes
from medianest_overseerr.simulation.world import World


class SeerrSimulator(Simulator):
    """`profile` is "seerr" or "overseerr". With `life` the household has made requests already, and things move by themselves."""

    name: ClassVar[str] = "seerr"
    demo_options: ClassVar[Mapping[str, str]] = {"life": "yes"}

    def __init__(
        self,
        *,
        items: int = 300,
        seed: int = 7,
        data_dir: Path,
        profile: str = "seerr",
        life: str | None = None,
    ) -> None:
        super().__init__(items=items, seed=seed, data_dir=data_dir)
        options = Options()
        options.update({"profile": profile})
        if life:
            options.update({"process_seconds": 4.0, "available_seconds": 25.0, "invent": True})
        self.world = World(seed=seed, ledger=self.ledger, options=options)
        self._life = bool(life)
        self._kept = data_dir / "rows.json"
        self._by_profile: dict[str, ASGIApp] = {}

    def routes(self) -> ASGIApp:
        """The API below /api/v1 and the image host below /t/p."""

        async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
            await self._service()(scope, receive, send)

        return Mangle(dispatch, self.world.options)

    def _service(self) -> ASGIApp:
        profile = self.world.options.profile
        if profile not in self._by_profile:
            endpoints = [
                endpoint
                for part in (SettingsRoutes, Requests, TitleRoutes, UserRoutes, IssueRoutes)
                for endpoint in part(self.world).endpoints()
            ]
            self._by_profile[profile] = Starlette(
                routes=[
                    *api.routes(self.world, endpoints),
                    Route("/t/p/{size}/{name}", Pictures(self.world).answer),
                    Route("/{path:path}", self._unknown, methods=["GET", "POST", "PUT", "DELETE"]),
                ],
                exception_handlers=api.HANDLERS,
            )
        return self._by_profile[profile]

    async def _unknown(self, request: Request) -> Response:
        path = request.url.path
        return json_reply({"message": "not found", "errors": [{"path": path, "message": "not found"}]}, 404)

    def control_routes(self) -> Sequence[BaseRoute]:
        """Knobs of this simulator; see `simulation.control`."""
        return Control(self.world).routes()

    def error_reply(self, status: int, scope: Scope) -> tuple[str, bytes]:
        """As the real one words each."""
        body: dict[str, object] = {
            "message": {429: "Too many requests", 500: "Internal server error"}.get(status, "")
        }
        if status == 403:
            body = {"status": 403, "error": "You do not have permission to access this endpoint"}
        if status == 401:
            message = "cookie 'connect.sid' required"
            body = {"message": message, "errors": [{"path": scope["path"], "message": message}]}
        return "application/json; charset=utf-8", orjson.dumps(body)

    async def start(self, base_url: str) -> None:
        await super().start(base_url)
        self.world.base_url = base_url
        if self._life:
            self._settle()

    def _settle(self) -> None:
        """As it was left the last time, or like a household that has used it for a while."""
        try:
            keeping.load(self.world, self._kept.read_bytes())
        except (FileNotFoundError, ValueError):
            settle(self.world)
        else:
            flow.resume(self.world)

    async def stop(self) -> None:
        """End what is under way; a lived-in one keeps its rows for the next start with the same folder."""
        await self.world.stop()
        if self._life:
            self._kept.write_bytes(keeping.dump(self.world))

    async def fate(self, kind: str, ids: Mapping[str, str], title: str, year: int, fate: str) -> bool:
        """What becomes of a title that was asked for."""
        media = self.world.find_media("movie" if kind == "movie" else "tv", int(ids.get("tmdb", "0")))
        rows = self.world.requests_of(media) if media is not None else []
        if media is None or not rows:
            return False
        if fate == "fails":
            flow.fail(self.world, rows[-1])
        else:
            flow.process(self.world, rows[-1])
            flow.available(self.world, media, seasons=[1] if fate == "begins" else None)
        return True

    def demo_instances(self) -> Sequence[DemoInstance]:
        """One instance, reached with the owner's key."""
        settings: dict[str, object] = {
            "url": self.base_url,
            "api_key": self.world.api_key,
            "image_url": f"{self.base_url}/t/p",
        }
        return [DemoInstance("seerr", "requests", "Seerr", settings)]

    def facts(self) -> dict[str, object]:
        """Who there is and how to reach things."""
        return {
            "profile": self.world.options.profile,
            "api_key": self.world.api_key,
            "users": {person.name: person.id for person in self.world.people.everyone},
            "password": PASSWORD,
            "titles": len(self.world.titles.all()),
        }
