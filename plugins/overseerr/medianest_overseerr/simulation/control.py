"""The Seerr part of the control API under /_sim: what happens behind the service, at a test's or a person's command."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from medianest_core.testing.simulators import json_body, json_reply
from medianest_overseerr.simulation import flow, shapes
from medianest_overseerr.simulation.records import Media, Request
from medianest_overseerr.simulation.world import World

Handler = Callable[[HttpRequest], Awaitable[Response]]


class Control:
    """Paths are relative to /_sim. A wrong value is answered 400, an unknown request or title 404, both with {"error"}.

    GET, PUT /options         the knobs, see `options.Options`
    GET /requests             all requests as their rows
    POST /process             {"request"}: Radarr or Sonarr took it over now
    POST /available           {"request"} or {"tmdb", "kind"}, and "seasons", "is4k": a scan found it
    POST /fail                {"request"}: Radarr or Sonarr refused it
    POST /remove              {"tmdb", "kind"}: someone deleted the files
    POST /rotate-key          a new API key; the old one is refused
    POST /reset               as at the beginning, without requests and with all knobs as they were
    POST /restart             {"required"}: settings wait for a restart
    """

    def __init__(self, world: World) -> None:
        self.world = world

    def routes(self) -> list[BaseRoute]:
        """All routes."""
        table: list[tuple[str, Handler, list[str]]] = [
            ("/options", self.options, ["GET", "PUT"]),
            ("/requests", self.requests, ["GET"]),
            ("/process", self.process, ["POST"]),
            ("/available", self.available, ["POST"]),
            ("/fail", self.fail, ["POST"]),
            ("/remove", self.remove, ["POST"]),
            ("/rotate-key", self.rotate_key, ["POST"]),
            ("/reset", self.reset, ["POST"]),
            ("/restart", self.restart, ["POST"]),
        ]
        return [Route(path, _checked(handler), methods=methods) for path, handler, methods in table]

    async def options(self, request: HttpRequest) -> Response:
        if request.method == "PUT":
            self.world.options.update(await json_body(request))
        return json_reply(self.world.options.dump())

    async def requests(self, request: HttpRequest) -> Response:
        owner = self.world.owner
        return json_reply([shapes.request(self.world, row, owner) for row in self.world.requests.values()])

    async def process(self, request: HttpRequest) -> Response:
        row = self._request(await _object(request))
        flow.process(self.world, row)
        return self._reply(row)

    async def available(self, request: HttpRequest) -> Response:
        body = await _object(request)
        row = self._request(body) if "request" in body else None
        media = row.media if row is not None else self._media(body)
        is4k = bool(row.is4k) if row is not None else bool(body.get("is4k"))
        seasons = body.get("seasons")
        if seasons is not None and not (
            isinstance(seasons, list) and all(isinstance(number, int) for number in seasons)
        ):
            raise ValueError("seasons must be a list of numbers")
        flow.available(self.world, media, is4k, seasons)
        return json_reply(shapes.media(self.world, media))

    async def fail(self, request: HttpRequest) -> Response:
        row = self._request(await _object(request))
        flow.fail(self.world, row)
        return self._reply(row)

    async def remove(self, request: HttpRequest) -> Response:
        body = await _object(request)
        media = self._media(body)
        flow.remove(self.world, media, bool(body.get("is4k")))
        return json_reply(shapes.media(self.world, media))

    async def rotate_key(self, request: HttpRequest) -> Response:
        self.world.rotate_key()
        return json_reply({"api_key": self.world.api_key})

    async def reset(self, request: HttpRequest) -> Response:
        await self.world.reset()
        return json_reply(self.world.options.dump())

    async def restart(self, request: HttpRequest) -> Response:
        self.world.restart_required = bool((await _object(request)).get("required", True))
        return json_reply({"required": self.world.restart_required})

    def _reply(self, row: Request) -> Response:
        return json_reply(shapes.request(self.world, row, self.world.owner))

    def _request(self, body: dict[str, object]) -> Request:
        number = body.get("request")
        if not isinstance(number, int):
            raise ValueError("request must be a number")
        if number not in self.world.requests:
            raise LookupError(f"no request {number}")
        return self.world.requests[number]

    def _media(self, body: dict[str, object]) -> Media:
        tmdb, kind = body.get("tmdb"), body.get("kind", "movie")
        if not isinstance(tmdb, int) or kind not in ("movie", "tv"):
            raise ValueError("tmdb must be a number, kind movie or tv")
        work = self.world.titles.get(str(kind), tmdb, invent=self.world.options.invent)
        if work is None:
            raise LookupError(f"no title {tmdb}")
        return self.world.media_of(work)


def _checked(handler: Handler) -> Handler:
    async def checked(request: HttpRequest) -> Response:
        try:
            return await handler(request)
        except LookupError as error:
            return json_reply({"error": str(error)}, 404)
        except (ValueError, TypeError) as error:
            return json_reply({"error": str(error)}, 400)

    return checked


async def _object(request: HttpRequest) -> dict[str, object]:
    body = await json_body(request)
    if not isinstance(body, dict):
        raise ValueError("the body must be an object")
    return body
