"""A stand-in of Tdarr as third parties believe it to be; it was not held against a real server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp

from medianest_core.testing.simulators import DemoInstance, Simulator, json_reply
from medianest_core.testing.world.titles import MOVIE, elsewhere

KEY = "tapi_simulated_0123456789"


class TdarrSimulator(Simulator):
    name: ClassVar[str] = "tdarr"

    def routes(self) -> ASGIApp:
        return Router([Route("/api/v2/status", self.status), Route("/api/v2/get-nodes", self.nodes)])

    def demo_instances(self) -> Sequence[DemoInstance]:
        return [DemoInstance("tdarr", "tdarr", "Tdarr", {"url": self.base_url, "key": KEY})]

    async def status(self, request: Request) -> Response:
        return (
            json_reply({"status": "good", "os": "linux", "version": "2.45.01", "uptime": 4711})
            if _known(request)
            else _no()
        )

    async def nodes(self, request: Request) -> Response:
        if not _known(request):
            return _no()
        film = elsewhere(MOVIE)[1]
        path = f"/media/Movies/{film.title} ({film.year})/{film.title} ({film.year}).mkv"
        return json_reply(
            {"n1": _node("n1", "attic", {"w1": path}), "n2": _node("n2", "cellar", {}, paused=True)}
        )


def _node(id: str, name: str, files: dict[str, str], *, paused: bool = False) -> dict[str, Any]:
    workers = {
        key: {
            "_id": key,
            "file": path,
            "percentage": 61.5,
            "fps": 88,
            "ETA": "0:04:10",
            "workerType": "transcodecpu",
        }
        for key, path in files.items()
    }
    return {
        "_id": id,
        "nodeName": name,
        "nodePaused": paused,
        "remoteAddress": "127.0.0.1",
        "workers": workers,
    }


def _known(request: Request) -> bool:
    return request.headers.get("x-api-key") == KEY


def _no() -> Response:
    return json_reply({"error": "Unauthorized"}, 401)
