"""Knobs of a simulated Radarr or Sonarr under /_sim: time, troubles, and what a person would do in its own pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from medianest_arr.simulation.connections import Connections
from medianest_arr.simulation.things import TROUBLES, Film, Series
from medianest_arr.simulation.world import World
from medianest_core.testing.simulators import json_body, json_reply

Handler = Callable[[Request], Awaitable[Response]]


class Control:
    """POST /advance {"seconds"} · PUT /fates {id: trouble or "nothing"} · POST /trouble {"title", "trouble"} ·
    PUT /health [{"source", "type", "message"}] · PUT /broken_roots [path] · PUT /login_page true · POST /forget {"title"}."""

    def __init__(self, world: World, connections: Connections) -> None:
        self._world = world
        self._connections = connections

    def routes(self) -> list[BaseRoute]:
        """A wrong value is answered 400, an unknown title 404, both with {"error"}."""
        table: list[tuple[str, Handler, str]] = [
            ("/advance", self.advance, "POST"),
            ("/fates", self.fates, "PUT"),
            ("/trouble", self.trouble, "POST"),
            ("/health", self.health, "PUT"),
            ("/broken_roots", self.broken_roots, "PUT"),
            ("/login_page", self.login_page, "PUT"),
            ("/forget", self.forget, "POST"),
        ]
        return [Route(path, _checked(handler), methods=[method]) for path, handler, method in table]

    async def advance(self, request: Request) -> Response:
        body: Any = await json_body(request)
        self._world.advance(float(body["seconds"]))
        return json_reply({"now": self._world.now})

    async def fates(self, request: Request) -> Response:
        body: Any = await json_body(request)
        if not isinstance(body, dict) or set(body.values()) - (TROUBLES | {"nothing"}):
            raise ValueError(f"an object of id: one of {', '.join(sorted(TROUBLES | {'nothing'}))}")
        self._world.fates = dict(body)
        return json_reply(body)

    async def trouble(self, request: Request) -> Response:
        """Give trouble to the downloads of a title, or with "" end it."""
        body: Any = await json_body(request)
        owner, wish = self._owner(body), str(body.get("trouble", ""))
        if wish not in TROUBLES:
            raise ValueError(f"trouble must be one of {', '.join(sorted(TROUBLES))}")
        for transfer in self._world.transfers:
            if transfer.owner is owner:
                transfer.trouble = wish
        return json_reply({"title": owner.title.title, "trouble": wish})

    async def health(self, request: Request) -> Response:
        rows: Any = await json_body(request)
        before = {row["source"]: row for row in self._world.health}
        self._world.health = [dict(row) for row in rows]
        for row in self._world.health:
            if row["source"] not in before:
                self._tell("onHealthIssue", "Health", row)
        for source in before.keys() - {row["source"] for row in rows}:
            self._tell("onHealthRestored", "HealthRestored", before[source])
        return json_reply(rows)

    def _tell(self, switch: str, kind: str, row: dict[str, str]) -> None:
        facts = {
            "level": row.get("type", "warning"),
            "message": row.get("message", ""),
            "type": row["source"],
        }
        self._connections.announce(switch, kind, facts)

    async def broken_roots(self, request: Request) -> Response:
        rows: Any = await json_body(request)
        self._world.broken_roots = set(rows)
        return json_reply(rows)

    async def login_page(self, request: Request) -> Response:
        """Whether a proxy stands before it and answers everything with its sign-in page."""
        self._world.login_page = bool(await json_body(request))
        return json_reply(self._world.login_page)

    async def forget(self, request: Request) -> Response:
        """Remove a title, as a person would in its own pages."""
        owner = self._owner(await json_body(request))
        rows: Any = getattr(self._world, "films", None) or getattr(self._world, "series", {})
        rows.pop(owner.id, None)
        self._world.ledger.record("forgotten", title=owner.title.title)
        return json_reply({"title": owner.title.title})

    def _owner(self, body: Any) -> Film | Series:
        for owner in self._world.held():
            if owner.title.title == body["title"]:
                return owner
        raise LookupError("there is no such title")


def _checked(handler: Handler) -> Handler:
    async def checked(request: Request) -> Response:
        try:
            return await handler(request)
        except KeyError as error:
            return json_reply({"error": f"{error} is missing"}, 400)
        except LookupError as error:
            return json_reply({"error": str(error)}, 404)
        except (ValueError, TypeError, AttributeError) as error:
            return json_reply({"error": str(error)}, 400)

    return checked
