"""What stands in for the sink's service: each public method of the world is a call, `POST /<name>` with its arguments as JSON."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp

from medianest_core.testing.simulators import DemoInstance, Simulator, json_body, json_reply
from tests.kitchen_sink.world import Unknown, World

KEY = "a-key-that-nobody-guesses"
VALVE = "a-word-that-opens-the-valve"
PINS = {"left": "pin-of-the-left-tap", "right": "pin-of-the-right-tap"}
_HEADERS = {"x-key": KEY, "x-valve": VALVE, "x-pins": ",".join(f"{tap}={pin}" for tap, pin in PINS.items())}


class SinkSimulator(Simulator):
    name: ClassVar[str] = "sink"

    def __init__(self, *, items: int = 3, seed: int = 7, data_dir: Path) -> None:
        super().__init__(items=items, seed=seed, data_dir=data_dir)
        self.world = World()

    def routes(self) -> ASGIApp:
        return Router([Route("/{name}", self._call, methods=["POST"])])

    def demo_instances(self) -> Sequence[DemoInstance]:
        settings: dict[str, object] = {
            "url": self.base_url,
            "key": KEY,
            "water": {"valve": VALVE},
            "taps": [{"name": tap, "pin": pin} for tap, pin in PINS.items()],
        }
        return [DemoInstance("sink", "sink", "Kitchen sink", settings)]

    async def _call(self, request: Request) -> Response:
        if any(request.headers.get(name) != secret for name, secret in _HEADERS.items()):
            return json_reply({"error": "Who are you?"}, 401)
        arguments: Any = await json_body(request)
        try:
            said = getattr(self.world, request.path_params["name"])(**arguments)
            return json_reply(await said if inspect.isawaitable(said) else said)
        except Unknown as error:
            return json_reply({"error": str(error)}, 404)
