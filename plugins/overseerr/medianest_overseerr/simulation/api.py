"""The frame of the simulated API: who asks, whether the request is shaped as the specification says, and how refusals look.

The order is that of the real one: an unknown path is 404 for everybody, no credentials are 401, a misshapen request is 400, and only then rights are looked at.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from medianest_core.testing.simulators import json_reply
from medianest_overseerr.simulation.constants import Permission
from medianest_overseerr.simulation.errors import NotAllowed, Refusal
from medianest_overseerr.simulation.people import Person
from medianest_overseerr.simulation.world import World

PREFIX = "/api/v1"
_RESERVED = re.compile(r"[:/?#\[\]@!$&'()*+,;=]")


@dataclass(frozen=True)
class Call:
    """A request that passed. person: who asks; the owner on open routes. query, body: as declared."""

    request: HttpRequest
    person: Person
    query: Mapping[str, Any]
    body: Mapping[str, Any]

    def number(self, name: str) -> int:
        """A number in the path; one that is none is refused as the specification does."""
        raw = str(self.request.path_params[name])
        if not raw.lstrip("-").isdecimal():
            raise Malformed(f".params.{name}", "should be number", "type.openapi.validation")
        return int(raw)


Handler = Callable[[Call], Awaitable[Response] | Response]


@dataclass(frozen=True)
class Endpoint:
    """One operation. query, body: name → "int", "text", "search", "bool", "object", "seasons", "ints", "texts", or the allowed words. needs: any of these rights.
    open: for everybody. words: values that a part of the path may have."""

    method: str
    path: str
    handler: Handler
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)
    required: Sequence[str] = ()
    needs: Sequence[Permission] = ()
    open: bool = False
    words: Mapping[str, Sequence[str]] = field(default_factory=dict)


class Malformed(Exception):
    """Not as the specification says. where: ".query.take"."""

    def __init__(self, where: str, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.where, self.message, self.code = where, message, code


def routes(world: World, endpoints: Sequence[Endpoint]) -> list[Route]:
    """All endpoints below the prefix, those with one path joined."""
    by_path: dict[str, list[Endpoint]] = {}
    for endpoint in endpoints:
        by_path.setdefault(endpoint.path, []).append(endpoint)
    return [
        Route(PREFIX + path, _Operations(world, some).answer, methods=_ALL) for path, some in by_path.items()
    ]


_ALL = ["GET", "POST", "PUT", "DELETE", "PATCH"]


class _Operations:
    def __init__(self, world: World, endpoints: Sequence[Endpoint]) -> None:
        self._world = world
        self._by_method = {endpoint.method: endpoint for endpoint in endpoints}

    async def answer(self, request: HttpRequest) -> Response:
        endpoint = self._by_method.get(request.method)
        path = request.url.path
        if endpoint is None:
            return json_reply(
                {
                    "message": f"{request.method} method not allowed",
                    "errors": [{"path": path, "message": "method not allowed"}],
                },
                405,
            )
        try:
            person = self._who(request, endpoint)
            for name, words in endpoint.words.items():
                if request.path_params[name] not in words:
                    raise Malformed(
                        f".params.{name}",
                        f"should be equal to one of the allowed values: {', '.join(words)}",
                        "enum.openapi.validation",
                    )
            query = _query(request, endpoint)
            body = await _body(request, endpoint)
            person = self._allowed(person, endpoint)
            reply = endpoint.handler(Call(request, person, query, body))
            return reply if isinstance(reply, Response) else await reply
        except Malformed as error:
            row = {"path": error.where, "message": error.message}
            shown = error.message
            if error.code:
                row["errorCode"] = error.code
                shown = f"request{error.where} {error.message}"
            return json_reply({"message": shown, "errors": [row]}, 400)
        except NotAllowed:
            return json_reply(
                {"status": 403, "error": "You do not have permission to access this endpoint"}, 403
            )
        except Refusal as error:
            return json_reply({"message": error.message}, error.status)

    def _who(self, request: HttpRequest, endpoint: Endpoint) -> Person | None:
        """The asking person; None for credentials that are no good."""
        key, cookie = request.headers.get("x-api-key"), request.cookies.get("connect.sid")
        if key is None and cookie is None and not endpoint.open:
            message = "cookie 'connect.sid' required"
            raise _NoCredentials(request.url.path, message)
        if key == self._world.api_key:
            other = request.headers.get("x-api-user")
            return self._world.people.get(int(other) if other and other.isdecimal() else -1 if other else 1)
        return self._world.session(cookie)

    def _allowed(self, person: Person | None, endpoint: Endpoint) -> Person:
        if endpoint.open:
            return person or self._world.owner
        if person is None or (endpoint.needs and not person.may(*endpoint.needs)):
            raise NotAllowed
        return person


class _NoCredentials(Exception):
    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.path, self.message = path, message


def no_credentials(request: HttpRequest, error: Exception) -> Response:
    """The refusal of the specification's own check."""
    assert isinstance(error, _NoCredentials)
    return json_reply(
        {"message": error.message, "errors": [{"path": error.path, "message": error.message}]}, 401
    )


HANDLERS: Mapping[Any, Any] = {_NoCredentials: no_credentials}
"""For Starlette's `exception_handlers`."""


def paged(rows: Sequence[Any], query: Mapping[str, Any], default: int = 10) -> dict[str, Any]:
    """Seerr's envelope of a part of `rows`."""
    take, skip = query.get("take") or default, query.get("skip") or 0
    info = {
        "pages": -(-len(rows) // take),
        "pageSize": take,
        "results": len(rows),
        "page": -(-skip // take) + 1,
    }
    return {"pageInfo": info, "results": list(rows[skip : skip + take])}


def _query(request: HttpRequest, endpoint: Endpoint) -> dict[str, Any]:
    found: dict[str, Any] = {}
    raw = request.scope["query_string"].decode("latin-1")
    for pair in filter(None, raw.split("&")):
        name, _, value = pair.partition("=")
        if name not in endpoint.query:
            message = f"Unknown query parameter '{name}'"
            raise Malformed(f".query.{name}", message)
        if endpoint.query[name] == "search" and _RESERVED.search(value):
            raise Malformed(
                f".query.{name}",
                f"Parameter '{name}' must be url encoded. Its value may not contain reserved characters.",
            )
        found[name] = _typed(f".query.{name}", unquote(value.replace("+", " ")), endpoint.query[name])
    for name, kind in endpoint.query.items():
        if kind == "search" and not found.get(name):
            raise Malformed(f".query.{name}", f"Empty value found for query parameter '{name}'")
    return found


def _typed(where: str, value: str, kind: Any) -> Any:
    if kind in ("text", "search"):
        return value
    if kind == "int":
        if not value.lstrip("-").isdecimal():
            raise Malformed(where, "should be number", "type.openapi.validation")
        return int(value)
    if value not in kind:
        raise Malformed(
            where,
            f"should be equal to one of the allowed values: {', '.join(kind)}",
            "enum.openapi.validation",
        )
    return value


async def _body(request: HttpRequest, endpoint: Endpoint) -> Mapping[str, Any]:
    if not endpoint.body:
        return {}
    try:
        body = await request.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Malformed(".body", "should be object", "type.openapi.validation")
    for name in endpoint.required:
        if name not in body:
            raise Malformed(
                f".body.{name}", f"should have required property '{name}'", "required.openapi.validation"
            )
    for name, kind in endpoint.body.items():
        value = body.get(name)
        if value is not None and not _fits(value, kind):
            if isinstance(kind, tuple):
                words = ", ".join(kind)
                raise Malformed(
                    f".body.{name}",
                    f"should be equal to one of the allowed values: {words}",
                    "enum.openapi.validation",
                )
            raise Malformed(f".body.{name}", f"should be {_SHOWN.get(kind, kind)}", "type.openapi.validation")
    return body


_SHOWN = {"int": "number", "text": "string", "bool": "boolean"}


def _fits(value: Any, kind: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(kind, tuple):
        return value in kind
    if kind == "seasons":
        return value == "all" or _fits(value, "ints")
    if kind in ("ints", "texts"):
        return isinstance(value, list) and all(_fits(entry, kind[:-1]) for entry in value)
    return {
        "int": number,
        "text": isinstance(value, str),
        "bool": isinstance(value, bool),
        "object": isinstance(value, dict),
    }[kind]
