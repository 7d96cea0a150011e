"""The API as the portal mounts it: loaded when it is first needed, with entity tags, and the most asked question answered first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import orjson
import xxhash
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from medianest_core.sdk.permissions import PENDING, USER
from medianest_core.sdk.routes import ApiRoute
from medianest_core.web.gate.problems import Problem, problem_json, problem_of
from medianest_core.web.gate.routing import Entry, PolicyMount, enforce
from medianest_core.web.gate.services import Services
from medianest_core.web.rest.shared import Answer, SharedAnswers
from medianest_core.web.rest.whoami import who_am_i

if TYPE_CHECKING:
    from fastapi import FastAPI

PREFIX = "/api/v1"
Headers = Sequence[tuple[bytes, bytes]]
Keep = Callable[[Headers, bytes, bytes], None]


class RestApi:
    """An ASGI application for `routes`. Importing FastAPI and the resources would double the portal's start."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._app: FastAPI | None = None
        self._built_for: tuple[tuple[str, int], ...] = ()
        self._loading = asyncio.Lock()
        self._shared = SharedAnswers(services.bus)

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
        key = SharedAnswers.key(below, scope["query_string"]) if scope["method"] == "GET" else None
        if key is not None and (answer := self._shared.get(key)) is not None:
            await self._again(scope, receive, send, answer)
            return
        generation = self._shared.generation

        def keep(headers: Headers, body: bytes, etag: bytes) -> None:
            if key is not None:
                self._shared.put(key, generation, headers, body, etag)

        app = await self._current()
        await app(scope, receive, tagged(scope, send, keep))

    async def _again(self, scope: Scope, receive: Receive, send: Send, answer: Answer) -> None:
        """What was answered a moment ago, to whoever may see it."""
        try:
            enforce(HTTPConnection(scope), USER)
        except Problem as problem:
            await problem_json(problem, scope["path"])(scope, receive, send)
            return
        await _whole(scope, send, answer.headers, answer.body, answer.etag)

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


def tagged(scope: Scope, send: Send, keep: Keep | None = None) -> Send:
    """Give whole GET answers an ETag, and nothing but 304 to whom has them already."""
    if scope["method"] != "GET":
        return send
    held: Message | None = None

    async def tag(message: Message) -> Any:
        nonlocal held
        if message["type"] == "http.response.start" and message["status"] == 200:
            held = message
            return
        if held is None:
            await send(message)
            return
        start, held = held, None
        if message.get("more_body"):
            await send(start)
            await send(message)
            return
        body = message.get("body", b"")
        etag = f'"{xxhash.xxh3_128_hexdigest(body)}"'.encode()
        headers = [*start["headers"], (b"etag", etag), (b"cache-control", b"private, no-cache")]
        if keep is not None:
            keep(headers, body, etag)
        await _whole(scope, send, headers, body, etag)

    return tag


async def _whole(scope: Scope, send: Send, headers: Headers, body: bytes, etag: bytes) -> None:
    asked = next((value for name, value in scope["headers"] if name == b"if-none-match"), b"")
    status = 200
    if etag in asked:
        headers = [line for line in headers if line[0] not in (b"content-length", b"content-type")]
        status, body = 304, b""
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})
    await send({"type": "http.response.body", "body": body})
