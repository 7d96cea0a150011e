"""The HTTP API of a simulated Radarr or Sonarr: the key, the addresses, and what both answer alike."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from medianest_arr.simulation import wire
from medianest_arr.simulation.connections import Connections, version
from medianest_arr.simulation.films import Films
from medianest_arr.simulation.queue import Queue
from medianest_arr.simulation.shows import Shows
from medianest_arr.simulation.things import DAY
from medianest_arr.simulation.wire import Refused, iso, reply

Handler = Callable[[Request], Awaitable[Response]]


class Api:
    """All routes of one service, below `url_base`."""

    def __init__(self, world: Films | Shows, connections: Connections, url_base: str) -> None:
        self._world = world
        self._base = url_base
        self._begun = world.now
        queue = Queue(world)
        shared: list[tuple[str, Handler, str]] = [
            ("/system/status", self.system, "GET"),
            ("/health", self.health, "GET"),
            ("/diskspace", self.disks, "GET"),
            ("/rootfolder", self.roots, "GET"),
            ("/qualityprofile", self.profiles, "GET"),
            ("/qualityprofile/{id:int}", self.profile, "GET"),
            ("/tag", self.tags, "GET POST"),
            ("/tag/{id:int}", self.tag, "GET DELETE"),
            ("/command", self.commands, "GET POST"),
            ("/command/{id:int}", self.command, "GET"),
            ("/queue", queue.listed, "GET"),
            ("/queue/details", queue.details, "GET"),
            ("/queue/status", queue.status, "GET"),
            ("/queue/{id:int}", queue.one, "DELETE"),
            ("/history", queue.history, "GET"),
            ("/history/since", queue.since, "GET"),
            ("/calendar", self.calendar, "GET"),
            ("/wanted/missing", self.missing, "GET"),
            ("/notification", connections.listed, "GET POST"),
            ("/notification", connections.one, "PUT"),
            ("/notification/test", connections.tested, "POST"),
            ("/notification/schema", connections.schema, "GET"),
            ("/notification/{id:int}", connections.one, "GET PUT DELETE"),
        ]
        own = self._films(world, queue) if isinstance(world, Films) else self._shows(world, queue)
        routes: list[BaseRoute] = [
            Route(f"{url_base}/api/v3{path}", self._checked(handler), methods=methods.split())
            for path, handler, methods in (*shared, *own)
        ]
        routes += [
            Route(f"{url_base}/api", self._checked(self.versions)),
            Route(f"{url_base}/ping", self.ping),
        ]
        self._router = Router(routes, default=self._elsewhere, redirect_slashes=False)

    def app(self) -> ASGIApp:
        """The service, or the proxy before it."""

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            if self._world.login_page and scope["type"] == "http":
                await _page()(scope, receive, send)
            else:
                await self._router(scope, receive, send)

        return answer

    @staticmethod
    def _films(films: Films, queue: Queue) -> list[tuple[str, Handler, str]]:
        return [
            ("/movie", films.listed, "GET"),
            ("/movie", films.added, "POST"),
            ("/movie", films.one, "PUT"),
            ("/movie/lookup", films.looked_up, "GET"),
            ("/movie/lookup/{provider}", films.looked_up_by, "GET"),
            ("/movie/{id:int}", films.one, "GET PUT DELETE"),
            ("/moviefile", films.files, "GET"),
            ("/moviefile/{id:int}", films.file, "GET DELETE"),
            ("/history/movie", queue.history_of, "GET"),
        ]

    @staticmethod
    def _shows(shows: Shows, queue: Queue) -> list[tuple[str, Handler, str]]:
        return [
            ("/series", shows.listed, "GET"),
            ("/series", shows.added, "POST"),
            ("/series", shows.one, "PUT"),
            ("/series/lookup", shows.looked_up, "GET"),
            ("/series/{id:int}", shows.one, "GET PUT DELETE"),
            ("/episode", shows.episodes, "GET"),
            ("/episode/monitor", shows.monitor, "PUT"),
            ("/episode/{id:int}", shows.episode, "GET PUT"),
            ("/episodefile", shows.files, "GET"),
            ("/episodefile/{id:int}", shows.file, "GET DELETE"),
            ("/history/series", queue.history_of, "GET"),
        ]

    def _checked(self, handler: Handler) -> Handler:
        async def checked(request: Request) -> Response:
            if not self._allowed(request):
                answer = Response(status_code=401)
            else:
                self._world.tick()
                try:
                    answer = await handler(request)
                except Refused as refused:
                    answer = refused.reply
                except (TypeError, ValueError, KeyError, AttributeError):
                    answer = wire.problem(400, "One or more validation errors occurred.")
            answer.headers["X-Application-Version"] = version(self._world.app)
            return answer

        return checked

    def _allowed(self, request: Request) -> bool:
        bearer = request.headers.get("authorization", "")
        given = (
            wire.text_of(request, "apikey")
            or request.headers.get("x-api-key")
            or (bearer.removeprefix("Bearer ") if bearer.startswith("Bearer ") else "")
        )
        return given == self._world.key

    async def _elsewhere(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = str(scope["path"])
        if self._base and not path.startswith(f"{self._base}/"):
            query = scope["query_string"].decode()
            await RedirectResponse(self._base + path + (f"?{query}" if query else ""), 307)(
                scope, receive, send
            )
            return
        answer = wire.problem(404, "Not Found") if "/api" in path else _page()
        if "/api" in path and not self._allowed(Request(scope)):
            answer = Response(status_code=401)
        await answer(scope, receive, send)

    # What both answer

    async def ping(self, request: Request) -> Response:
        return reply({"status": "OK"})

    async def versions(self, request: Request) -> Response:
        return reply({"current": "v3", "deprecated": []})

    async def system(self, request: Request) -> Response:
        app = self._world.app
        return reply(
            {
                "appName": app,
                "instanceName": app,
                "version": version(app),
                "buildTime": "2026-09-12T18:22:10Z",
                "isDebug": False,
                "isProduction": True,
                "isDocker": True,
                "isLinux": True,
                "osName": "alpine",
                "branch": "master" if app == "Radarr" else "main",
                "authentication": "forms",
                "databaseType": "sqLite",
                "databaseVersion": "3.49.2",
                "migrationVersion": 242,
                "urlBase": self._base,
                "runtimeVersion": "8.0.18",
                "startTime": iso(self._begun),
                "packageVersion": version(app),
            }
        )

    async def health(self, request: Request) -> Response:
        return reply([{"id": number, **row} for number, row in enumerate(self._world.health, 1)])

    async def disks(self, request: Request) -> Response:
        return reply([{"path": "/data", "label": "", "freeSpace": 2 * 2**40, "totalSpace": 8 * 2**40}])

    async def roots(self, request: Request) -> Response:
        broken = self._world.broken_roots
        return reply(
            [
                {
                    "path": path,
                    "accessible": path not in broken,
                    "freeSpace": None if path in broken else 2 * 2**40,
                    "unmappedFolders": [],
                    "id": id,
                }
                for id, path in self._world.roots.items()
            ]
        )

    async def profiles(self, request: Request) -> Response:
        return reply([self._profile(id) for id in self._world.profiles])

    async def profile(self, request: Request) -> Response:
        id = int(request.path_params["id"])
        self._world.find(self._world.profiles, id)
        return reply(self._profile(id))

    def _profile(self, id: int) -> dict[str, object]:
        facts = {"upgradeAllowed": True, "cutoff": 7, "items": [], "minFormatScore": 0}
        more = {"cutoffFormatScore": 0, "formatItems": [], "minUpgradeFormatScore": 1}
        return {"name": self._world.profiles[id], **facts, **more, "id": id}

    async def tags(self, request: Request) -> Response:
        tags = self._world.tags
        if request.method == "GET":
            return reply([{"label": label, "id": id} for id, label in tags.items()])
        label = str((await wire.obj(request)).get("label") or "").lower()
        id = next((key for key, known in tags.items() if known == label), 0)
        if not id:
            id = self._world.take()
            tags[id] = label
            self._world.ledger.record("tag.added", label=label)
        return reply({"label": label, "id": id}, 201)

    async def tag(self, request: Request) -> Response:
        id = int(request.path_params["id"])
        label = self._world.find(self._world.tags, id)
        if request.method == "DELETE":
            del self._world.tags[id]
            return reply({})
        return reply({"label": label, "id": id})

    async def commands(self, request: Request) -> Response:
        world = self._world
        if request.method == "GET":
            return reply([one.resource(world.now) for one in world.commands[-50:]])
        body = await wire.obj(request)
        name = str(body.pop("name", ""))
        if name not in world.command_names:
            raise Refused(wire.failure(500, f"Unknown command: {name}"))
        command = world.queue_command(name, body)
        return reply(command.resource(world.now), 201, {"Location": f"/api/v3/command/{command.id}"})

    async def command(self, request: Request) -> Response:
        rows = {one.id: one for one in self._world.commands}
        return reply(self._world.find(rows, int(request.path_params["id"])).resource(self._world.now))

    async def calendar(self, request: Request) -> Response:
        world = self._world
        today = world.now // DAY * DAY
        start = wire.instant(wire.text_of(request, "start"), today)
        end = wire.instant(wire.text_of(request, "end"), today + 2 * DAY)
        unmonitored = wire.truth(request, "unmonitored")
        if isinstance(world, Films):
            return reply(world.calendar(start, end, unmonitored))
        return reply(world.calendar(start, end, unmonitored, wire.truth(request, "includeSeries")))

    async def missing(self, request: Request) -> Response:
        world = self._world
        rows: list[object] = []
        for owner, episodes in world.wanted(None):
            if isinstance(world, Films):
                film = world.films[owner.id]
                rows.append(world.resource(film.title, film))
            else:
                series = world.series[owner.id]
                rows += [world.episode_resource(series, one) for one in episodes]
        return wire.page(request, rows, "id")


def _page() -> Response:
    return Response(
        "<!doctype html><title>Sign in</title><p>Sign in to go on.</p>", 200, media_type="text/html"
    )
