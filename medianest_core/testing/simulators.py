"""The frame every simulated service stands in: facts, faults, a side-effect ledger and a control API under /_sim.

A plugin subclasses `Simulator` in its `simulator.py` and names it in the entry-point group `medianest.simulators`.
The control API is never subject to faults:

    GET    /_sim/ledger[?kind=&since=]   side effects as a list of {"seq","kind","at","facts"}
    DELETE /_sim/ledger                  forget them
    GET    /_sim/faults                  the rules in force
    PUT    /_sim/faults                  replace them by a rule or a list of rules (see `faults.Rule`); [] clears
    GET    /_sim/facts                   what tests and the demo need to know
    GET    /_sim/instances               the instances to configure for this service
    POST   /_sim/fate                    {"kind", "ids", "title", "year", "fate"}: what becomes of a title, see `Simulator.fate`; 404 where nothing does
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from typing import ClassVar

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from medianest_core.testing.faults import FaultMiddleware, Faults
from medianest_core.testing.ledger import Ledger
from medianest_core.testing.server import RunningSimulator as RunningSimulator
from medianest_core.testing.server import running as running
from medianest_core.testing.server import serve_simulator as serve_simulator

GROUP = "medianest.simulators"
PREFIX = "/_sim"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DemoInstance:
    """One service instance to configure for the demo.

    `service` is the name of the ServiceType; `settings` holds secrets in clear.
    """

    service: str
    name: str
    title: str
    settings: dict[str, object] = field(default_factory=dict)


def json_reply(value: object, status: int = 200) -> Response:
    """`value` as a JSON response."""
    return Response(orjson.dumps(value), status, media_type="application/json")


async def json_body(request: Request) -> object:
    """The request's JSON value, None for an empty body; ValueError when it is no JSON."""
    raw = await request.body()
    return orjson.loads(raw) if raw else None


class Simulator(ABC):
    """An honest stand-in of one service. `items` scales its contents; equal seeds give equal contents."""

    name: ClassVar[str]
    demo_options: ClassVar[Mapping[str, str]] = {}
    """Constructor arguments that the demo adds, for a first look that is worth one."""

    def __init__(self, *, items: int = 300, seed: int = 7, data_dir: Path) -> None:
        self.items = items
        self.seed = seed
        self.data_dir = data_dir
        self.ledger = Ledger()
        self.faults = Faults()
        self.base_url = ""

    @abstractmethod
    def routes(self) -> ASGIApp:
        """The service itself."""

    def control_routes(self) -> Sequence[BaseRoute]:
        """Further routes of the control API, with paths relative to /_sim."""
        return ()

    def error_reply(self, status: int, scope: Scope) -> tuple[str, bytes]:
        """Content type and body of an injected 401, 429 or 500, as this service words it."""
        return "application/json", orjson.dumps({"error": f"simulated {status}"})

    async def start(self, base_url: str) -> None:
        """Make what is served ready; `base_url` has no trailing slash. Called once, before the first request."""
        self.base_url = base_url

    async def stop(self) -> None:  # noqa: B027  # most simulators have no background work
        """End background work."""

    async def hang_up(self) -> None:  # noqa: B027  # most simulators keep no connection open
        """End the connections that stay open between requests, as a service does that goes away."""

    async def fate(self, kind: str, ids: Mapping[str, str], title: str, year: int, fate: str) -> bool:
        """Let something happen to a title: "arrives", "begins" (only a part of it arrives) or "fails". False where that says
        nothing to this service. kind: "movie" or "show". ids: provider → id, as in `world.titles`."""
        return False

    def demo_instances(self) -> Sequence[DemoInstance]:
        """The instances the demo configures; valid after `start`."""
        return ()

    def facts(self) -> dict[str, object]:
        """JSON values that tests and the demo need; valid after `start`."""
        return {}

    def app(self) -> ASGIApp:
        """The service behind its faults, plus the control API."""
        service = FaultMiddleware(self.routes(), self.faults, self.error_reply)
        control = Router([*self._own_control_routes(), *self.control_routes()])

        async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
            path = scope.get("path", "")
            if scope["type"] == "http" and (path == PREFIX or path.startswith(PREFIX + "/")):
                await control({**scope, "root_path": scope.get("root_path", "") + PREFIX}, receive, send)
            else:
                await service(scope, receive, send)

        return dispatch

    def _own_control_routes(self) -> list[BaseRoute]:
        async def ledger(request: Request) -> Response:
            if request.method == "DELETE":
                self.ledger.clear()
                return Response(status_code=204)
            since = request.query_params.get("since", "0")
            if not since.isdecimal():
                return json_reply({"error": "since must be a whole number"}, 400)
            return json_reply(self.ledger.entries(request.query_params.get("kind"), since=int(since)))

        async def faults(request: Request) -> Response:
            if request.method == "PUT":
                try:
                    self.faults.load(await json_body(request))
                except ValueError as error:
                    return json_reply({"error": str(error)}, 400)
            return json_reply(self.faults.dump())

        async def facts(request: Request) -> Response:
            return json_reply(self.facts())

        async def instances(request: Request) -> Response:
            return json_reply([asdict(instance) for instance in self.demo_instances()])

        async def fate(request: Request) -> Response:
            try:
                body = await json_body(request)
                happened = await self.fate(**body) if isinstance(body, dict) else False
            except (TypeError, ValueError) as error:
                return json_reply({"error": str(error)}, 400)
            return Response(status_code=204) if happened else json_reply({"error": "nothing happened"}, 404)

        return [
            Route("/fate", fate, methods=["POST"]),
            Route("/ledger", ledger, methods=["GET", "DELETE"]),
            Route("/faults", faults, methods=["GET", "PUT"]),
            Route("/facts", facts),
            Route("/instances", instances),
        ]


def simulator_names() -> list[str]:
    """Names of the installed simulators, without importing them."""
    return sorted({point.name for point in entry_points(group=GROUP)})


def load_simulator(name: str) -> type[Simulator]:
    """Import one simulator class; LookupError when none is installed under `name`."""
    for point in entry_points(group=GROUP):
        if point.name == name:
            loaded = point.load()
            if not (isinstance(loaded, type) and issubclass(loaded, Simulator)):
                raise TypeError(f"{point.value} is not a Simulator class")
            return loaded
    raise LookupError(f"no simulator named {name!r}; installed: {', '.join(simulator_names()) or 'none'}")


def load_simulators() -> dict[str, type[Simulator]]:
    """Every installed simulator class by name; one that cannot be imported is logged and left out."""
    found: dict[str, type[Simulator]] = {}
    for name in simulator_names():
        try:
            found[name] = load_simulator(name)
        except Exception:
            _log.exception("simulator %s cannot be loaded", name)
    return found
