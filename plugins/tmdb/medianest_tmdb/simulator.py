"""An honest stand-in of api.themoviedb.org and its image host under a single address.

The API answers below /3 (key in the address or token in the header), pictures below /t/p. Nothing can be changed there, so the
ledger stays empty; `GET /_sim/requests` tells what was asked. That answers carry an entity tag and a time to be kept is known of
the service though not promised by its documents.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, Router
from starlette.types import ASGIApp, Scope

from medianest_core.testing.simulators import DemoInstance, Simulator, json_body, json_reply
from medianest_tmdb.simulation.catalogue import build
from medianest_tmdb.simulation.service import Options, Service
from medianest_tmdb.simulation.words import error

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJhdWQiOiJzaW11bGF0b3IiLCJzY29wZXMiOlsiYXBpX3JlYWQiXX0.c2ltdWxhdGVk"
KEY = "5ca1ab1e0ddba11ca5cade5ba5eba11a"


class TmdbSimulator(Simulator):
    """`items` counts films and series; what is written down is always there."""

    name: ClassVar[str] = "tmdb"

    def __init__(self, *, items: int = 300, seed: int = 7, data_dir: Path) -> None:
        super().__init__(items=items, seed=seed, data_dir=data_dir)
        catalogue = build(items, seed, datetime.now(UTC).date())
        self.service = Service(catalogue, TOKEN, KEY, seed, lambda: f"{self.base_url}/t/p")

    def routes(self) -> ASGIApp:
        return Router(self.service.routes(), redirect_slashes=False)

    def control_routes(self) -> Sequence[BaseRoute]:
        """GET, DELETE /requests: what was asked. GET, PUT /options: see `simulation.service.Options`."""
        return [
            Route("/requests", self._requests, methods=["GET", "DELETE"]),
            Route("/options", self._options, methods=["GET", "PUT"]),
        ]

    def error_reply(self, status: int, scope: Scope) -> tuple[str, bytes]:
        if status == 403:
            # Not the API says so, but the network in front of it.
            return (
                "text/html",
                b"<html><head><title>ERROR: The request could not be satisfied</title></head></html>",
            )
        code = {401: 7, 429: 25, 500: 11}[status]
        return "application/json;charset=utf-8", orjson.dumps(error(code))

    def demo_instances(self) -> Sequence[DemoInstance]:
        settings: dict[str, object] = {
            "access_token": TOKEN,
            "url": f"{self.base_url}/3",
            "image_url": f"{self.base_url}/t/p",
        }
        return [DemoInstance("tmdb", "tmdb", "TMDB", settings)]

    def facts(self) -> dict[str, object]:
        works = self.service.catalogue.works.values()
        return {
            "access_token": TOKEN,
            "api_key": KEY,
            "movies": sum(work.kind == "movie" for work in works),
            "series": sum(work.kind == "tv" for work in works),
        }

    async def _requests(self, request: Request) -> Response:
        if request.method == "DELETE":
            self.service.requests.clear()
        return json_reply(list(self.service.requests))

    async def _options(self, request: Request) -> Response:
        if request.method == "PUT":
            body = await json_body(request)
            known = {one.name for one in fields(Options)}
            if not isinstance(body, Mapping) or not set(body) <= known:
                return json_reply({"error": f"options are {', '.join(sorted(known))}"}, 400)
            self.service.options = Options(**{**asdict(self.service.options), **body})
        return json_reply(asdict(self.service.options))
