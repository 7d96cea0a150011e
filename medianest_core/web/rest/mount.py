"""The API as the portal mounts it: loaded when it is first needed, with entity tags, and the most asked question answered first."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import orjson
import xxhash
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from medianest_core.sdk.permissions import PENDING
from medianest_core.sdk.routes import ApiRoute
from medianest_core.web.gate.problems import problem_json, problem_of
from medianest_core.web.gate.routing import Entry, PolicyMount, enforce
from medianest_core.web.gate.services import Services
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
        if below == "/me" and scope["method"] == "GET":
            await self._me(scope, receive, tagged(scope, send))
            return
        app = await self._current()
        await app(scope, receive, tagged(scope, send))

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


def tagged(scope: Scope, send: Send) -> Send:
    """Give whole GET answers an ETag, and nothing but 304 to whom has them already."""
    if scope["method"] != "GET":
        return send
    asked = next((value for name, value in scope["headers"] if name == b"if-none-match"), b"")
    held: Message | None = None

    async def tag(message: Message) -> Any:
        nonlocal held
        if message["type"] == "http.response.start" and message["status"] == 200:
            held = message
            return
        if held is not None:
            start, held = held, None
            if message.get("more_body"):
                await send(start)
            else:
                etag = f'"{xxhash.xxh3_128_hexdigest(message.get("body", b""))}"'.encode()
                headers = [*start["headers"], (b"etag", etag), (b"cache-control", b"private, no-cache")]
                if etag in asked:
                    kept = [line for line in headers if line[0] not in (b"content-length", b"content-type")]
                    start, message = {**start, "status": 304}, {**message, "body": b""}
                    headers = kept
                await send({**start, "headers": headers})
        await send(message)

    return tag
