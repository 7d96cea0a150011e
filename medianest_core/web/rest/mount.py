"""The API as the portal mounts it: loaded when it is first needed, and the most asked question answered first."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

import orjson
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from medianest_core.sdk.permissions import PENDING, USER
from medianest_core.sdk.routes import ApiRoute
from medianest_core.web.gate.problems import Problem, problem_json, problem_of
from medianest_core.web.gate.routing import Entry, PolicyMount, enforce
from medianest_core.web.gate.services import Services
from medianest_core.web.gate.viewer import viewer_of
from medianest_core.web.rest.shared import Answer, SharedAnswers
from medianest_core.web.rest.whoami import who_am_i

if TYPE_CHECKING:
    from fastapi import FastAPI

PREFIX = "/api/v1"


class RestApi:
    """An ASGI application for `routes`. Importing FastAPI and the resources would double the portal's start."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._app: FastAPI | None = None
        self._built_for: tuple[tuple[str, int], ...] = ()
        self._loading = asyncio.Lock()
        self._shared = SharedAnswers(services.bus, services.db.written)
        services.caches.show("answers", self._shared)

    def routes(self) -> list[PolicyMount]:
        return [PolicyMount(PREFIX, self, listing=self.entries, name="api")]

    def entries(self) -> Iterable[Entry]:
        """The API's lines of the policy table; loads it."""
        from medianest_core.web.rest import app

        return app.entries(self._build())

    async def warm_up(self) -> None:
        """Load it before the first call. Raises NoPolicy where a route has none."""
        await self._current()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        below = scope["path"][len(scope.get("root_path", "")) :]
        if scope["method"] == "HEAD":
            # The server leaves the body out; everything else is as for GET.
            scope = {**scope, "method": "GET"}
        reads = scope["method"] == "GET"
        if reads and below == "/me":
            await self._me(scope, receive, send)
            return
        key = (
            SharedAnswers.key(below, scope["query_string"], viewer_of(HTTPConnection(scope)))
            if reads
            else None
        )
        if key is None:
            await (await self._current())(scope, receive, send)
        elif (answer := self._shared.get(key)) is not None:
            await self._again(scope, receive, send, answer)
        else:
            kept = self._shared.kept(key, send)
            await (await self._current())(scope, receive, kept)

    async def _again(self, scope: Scope, receive: Receive, send: Send, answer: Answer) -> None:
        """What was answered a moment ago, to whoever may see it; a person's own answer is found by themselves only."""
        try:
            enforce(HTTPConnection(scope), USER)
        except Problem as problem:
            await problem_json(problem, scope["path"])(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": list(answer.headers)})
        await send({"type": "http.response.body", "body": answer.body})

    async def _me(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            connection = HTTPConnection(scope)
            enforce(connection, PENDING)
            answer: ASGIApp = Response(orjson.dumps(who_am_i(connection)), media_type="application/json")
        except Exception as error:
            answer = problem_json(problem_of(error), scope["path"])
        await answer(scope, receive, send)

    async def _current(self) -> FastAPI:
        """The application for the plugins that run now. Made in a thread: it takes the better part of a second."""
        if self._app is None or self._built_for != self._wanted():
            async with self._loading:
                if self._app is None or self._built_for != self._wanted():
                    await asyncio.to_thread(self._build)
        assert self._app is not None
        return self._app

    def _wanted(self) -> tuple[tuple[str, int], ...]:
        return tuple(
            (plugin, id(route)) for plugin, route in self._services.host.registry.contributions(ApiRoute)
        )

    def _build(self) -> FastAPI:
        wanted = self._wanted()
        if self._app is None or wanted != self._built_for:
            from medianest_core.web.rest import app

            plugins = self._services.host.registry.contributions(ApiRoute)
            self._app, self._built_for = app.build(self._services, plugins), wanted
        return self._app
