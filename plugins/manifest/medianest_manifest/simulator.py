"""An honest stand-in of a web server with films, series and their manifests.

Manifests are at /media/movies and /media/tv, files below /files. All ask for a bearer token or for a user with a password, and
carry an ETag; only videos are open to everyone, so that links to them work in a browser. `GET /_sim/requests` tells what was asked,
`GET`, `PUT /_sim/options` make it odd, `PUT`, `DELETE /_sim/films/{folder}` change what it has.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, Router
from starlette.types import ASGIApp, Scope

from medianest_core.testing.simulators import DemoInstance, Simulator, json_body, json_reply
from medianest_manifest.simulation.files import Files
from medianest_manifest.simulation.lists import FILES, Lists
from medianest_manifest.simulation.shelf import Shelf, Work

TOKEN = "5ea5e11-f11e-5e12-4e12-70ce11ed0001"
USER, PASSWORD = "shelf", "open-sesame"
_ONE_IN = 12
"""How many titles of a whole demo make one here."""


@dataclass(frozen=True)
class Options:
    """odd: path → "empty" (a list without titles), "version" (one of another version) or "twice" (each title twice). validators:
    whether answers carry an ETag."""

    odd: Mapping[str, str] = field(default_factory=dict)
    validators: bool = True


class ManifestSimulator(Simulator):
    """Holds one title for twelve `items`, and at least eight."""

    name: ClassVar[str] = "manifest"

    def __init__(self, *, items: int = 300, seed: int = 7, data_dir: Path) -> None:
        super().__init__(items=items, seed=seed, data_dir=data_dir)
        self.shelf = Shelf(max(8, items // _ONE_IN), seed)
        self.files = Files(self.shelf, seed)
        self.options = Options()
        self.requests: deque[dict[str, Any]] = deque(maxlen=20_000)

    def routes(self) -> ASGIApp:
        return Router(
            [
                Route("/media/movies", self._list, methods=["GET", "HEAD"]),
                Route("/media/tv", self._list, methods=["GET", "HEAD"]),
                Route(f"{FILES}/{{path:path}}", self._file, methods=["GET", "HEAD"]),
            ],
            redirect_slashes=False,
        )

    def control_routes(self) -> Sequence[BaseRoute]:
        return [
            Route("/requests", self._requests, methods=["GET", "DELETE"]),
            Route("/options", self._options, methods=["GET", "PUT"]),
            Route("/films/{folder}", self._film, methods=["PUT", "DELETE"]),
        ]

    def error_reply(self, status: int, scope: Scope) -> tuple[str, bytes]:
        return "text/html", f"<html><body><h1>{status}</h1></body></html>".encode()

    def demo_instances(self) -> Sequence[DemoInstance]:
        """One file server, reached with its token."""
        settings: dict[str, object] = {
            "url": self.base_url,
            "prefix": FILES,
            "manifests": self.base_url,
            "token": TOKEN,
        }
        return [DemoInstance("manifest", "files", "Attic", settings)]

    def facts(self) -> dict[str, object]:
        return {
            "file_server_token": TOKEN,
            "file_server_user": USER,
            "file_server_password": PASSWORD,
            "films": list(self.shelf.films),
            "series": list(self.shelf.series),
        }

    async def _list(self, request: Request) -> Response:
        if (refused := self._refused(request)) is not None:
            return refused
        self._note(request)
        lists = Lists(self.shelf, self.base_url)
        found = lists.movies() if request.url.path == "/media/movies" else lists.tv()
        odd = self.options.odd.get(request.url.path)
        if odd == "empty":
            found = {"version": found["version"]}
        elif odd == "version":
            found["version"] = 9.5
        body = orjson.dumps(found, option=orjson.OPT_NON_STR_KEYS)
        if odd == "twice":
            body = body[:-1] + b"," + body[1:]
        return self._reply(request, body, "application/json")

    async def _file(self, request: Request) -> Response:
        path = str(request.path_params["path"])
        if not path.endswith(".mp4") and (refused := self._refused(request)) is not None:
            return refused
        self._note(request)
        found = await asyncio.to_thread(self.files.get, path)
        if found is None:
            return Response("Not Found", 404, media_type="text/plain")
        return self._reply(request, found.content, found.media_type)

    def _reply(self, request: Request, body: bytes, media_type: str) -> Response:
        if not self.options.validators:
            return Response(body, media_type=media_type)
        tag = f'"{hashlib.blake2s(body, digest_size=8).hexdigest()}"'
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={"ETag": tag})
        return Response(body, media_type=media_type, headers={"ETag": tag})

    def _note(self, request: Request) -> None:
        self.requests.append({"path": request.url.path, "conditional": "if-none-match" in request.headers})

    def _refused(self, request: Request) -> Response | None:
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and value == TOKEN:
            return None
        if scheme.lower() == "basic":
            try:
                if base64.b64decode(value, validate=True) == f"{USER}:{PASSWORD}".encode():
                    return None
            except binascii.Error:
                pass
        return Response(
            "<html><body><h1>401 Unauthorized</h1></body></html>",
            401,
            headers={"WWW-Authenticate": 'Basic realm="files"'},
            media_type="text/html",
        )

    async def _requests(self, request: Request) -> Response:
        if request.method == "DELETE":
            self.requests.clear()
        return json_reply(list(self.requests))

    async def _options(self, request: Request) -> Response:
        if request.method == "PUT":
            body = await json_body(request)
            known = {one.name for one in fields(Options)}
            if not isinstance(body, Mapping) or not set(body) <= known:
                return json_reply({"error": f"options are {', '.join(sorted(known))}"}, 400)
            self.options = Options(**{**asdict(self.options), **body})
        return json_reply(asdict(self.options))

    async def _film(self, request: Request) -> Response:
        folder = str(request.path_params["folder"])
        if request.method == "DELETE":
            if self.shelf.films.pop(folder, None) is None:
                return json_reply({"error": "there is no such film"}, 404)
            return Response(status_code=204)
        self.shelf.films[folder] = self._made(folder)
        return Response(status_code=204)

    def _made(self, folder: str) -> Work:
        first = next(iter(self.shelf.films.values()))
        title = first.title._replace(title=folder.rpartition(" (")[0] or folder, ids={})
        return Work(title, folder, first.picture, first.changed_at, file=f"{folder}.mp4")
