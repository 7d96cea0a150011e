"""Connections: the addresses that are posted to, and the posting. No signature, and nothing is sent twice."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import urllib.error
import urllib.request
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from medianest_arr.simulation import wire
from medianest_arr.simulation.wire import Refused, reply
from medianest_arr.simulation.world import World

_TIMEOUT = 10.0
_SHARED = (
    "onGrab",
    "onDownload",
    "onUpgrade",
    "onRename",
    "onHealthIssue",
    "onHealthRestored",
    "onApplicationUpdate",
    "onManualInteractionRequired",
)
SWITCHES = {
    "Radarr": (*_SHARED, "onMovieAdded", "onMovieDelete", "onMovieFileDelete"),
    "Sonarr": (*_SHARED, "onImportComplete", "onSeriesAdd", "onSeriesDelete", "onEpisodeFileDelete"),
}


class Connections:
    """The part of the API about notifications, and the sender."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._sending: set[asyncio.Task[None]] = set()
        world.announce = self.announce

    def announce(self, switch: str, kind: str, facts: dict[str, Any]) -> None:
        """Post to everyone who wants to know; returns at once."""
        for row in list(self._world.notifications.values()):
            if row.get(switch):
                task = asyncio.get_running_loop().create_task(self._send(row, kind, facts))
                self._sending.add(task)
                task.add_done_callback(self._sending.discard)

    async def _send(self, row: dict[str, Any], kind: str, facts: dict[str, Any]) -> None:
        await self.post(row, kind, facts)

    async def post(self, row: dict[str, Any], kind: str, facts: dict[str, Any]) -> int | None:
        """Post once; the status, or None where nobody answers."""
        app = self._world.app
        payload = {**facts, "eventType": kind, "instanceName": app}
        if not kind.startswith("Health") and kind != "ApplicationUpdate":
            payload["applicationUrl"] = ""
        fields = {field["name"]: field.get("value") for field in row.get("fields") or ()}
        url = str(fields.get("url") or "")
        headers = {"Content-Type": "application/json", "User-Agent": f"{app}/{version(app)}"}
        for pair in fields.get("headers") or ():
            headers[str(pair.get("key"))] = str(pair.get("value"))
        if fields.get("username") or fields.get("password"):
            pair = f"{fields.get('username') or ''}:{fields.get('password') or ''}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        method = "PUT" if fields.get("method") == 2 else "POST"
        content = bytes(wire.reply(payload).body)
        status = await asyncio.to_thread(_post, method, url, content, headers)
        self._world.ledger.record("webhook.sent", event=kind, url=url, status=status)
        return status

    async def stop(self) -> None:
        """Send no more."""
        for task in list(self._sending):
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*self._sending, return_exceptions=True)

    # The API

    async def listed(self, request: Request) -> Response:
        if request.method == "POST":
            return await self._save(request, self._world.take(), 201)
        return reply(list(self._world.notifications.values()))

    async def one(self, request: Request) -> Response:
        id = await wire.id_of(request)
        row = self._world.find(self._world.notifications, id)
        if request.method == "PUT":
            return await self._save(request, id, 202)
        if request.method == "DELETE":
            del self._world.notifications[id]
            self._world.ledger.record("notification.deleted", id=id)
            return reply({})
        return reply(row)

    async def tested(self, request: Request) -> Response:
        await self._test(await wire.obj(request))
        return reply({})

    async def schema(self, request: Request) -> Response:
        names = ("url", "method", "username", "password", "headers")
        fields = [{"order": order, "name": name, "label": name.title()} for order, name in enumerate(names)]
        return reply(
            [{"implementation": "Webhook", "configContract": "WebhookSettings", "fields": fields, "id": 0}]
        )

    async def _save(self, request: Request, id: int, status: int) -> Response:
        body = await wire.obj(request)
        known = {
            "id",
            "name",
            "implementation",
            "implementationName",
            "configContract",
            "fields",
            "tags",
        }
        if not body.get("name"):
            raise Refused(wire.invalid("Name", "'Name' must not be empty.", "NotEmptyValidator"))
        if any(row["name"] == body["name"] for key, row in self._world.notifications.items() if key != id):
            raise Refused(wire.invalid("Name", "Should be unique", "PredicateValidator", body["name"]))
        await self._test(body)
        switches = SWITCHES[self._world.app]
        row = {key: value for key, value in body.items() if key in known}
        row |= {switch: bool(body.get(switch)) for switch in switches} | {"id": id}
        row |= {f"supports{switch[0].upper()}{switch[1:]}": True for switch in switches}
        self._world.notifications[id] = row
        shown = [field.get("value") for field in row.get("fields") or () if field.get("name") == "url"]
        self._world.ledger.record("notification.saved", id=id, name=row["name"], url=(shown or [""])[0])
        return reply(row, status)

    async def _test(self, body: dict[str, Any]) -> None:
        if await self.post(body, "Test", self._example()) not in range(200, 300):
            message = "Unable to send test message: the server did not accept it"
            raise Refused(wire.invalid("Url", message, ""))

    def _example(self) -> dict[str, Any]:
        """What a test shows: for Radarr in the shape of a grab, with a folder of Windows; for Sonarr without a release."""
        folder = "C:\\testpath"
        if self._world.app == "Sonarr":
            episode = {"id": 123, "episodeNumber": 1, "seasonNumber": 1, "title": "Test title", "seriesId": 1}
            series = {"id": 1, "title": "Test Title", "path": folder, "tvdbId": 1234, "tags": ["test-tag"]}
            return {"series": series, "episodes": [episode]}
        movie = {
            "id": 1,
            "title": "Test Title",
            "year": 1970,
            "folderPath": folder,
            "releaseDate": "1970-01-01",
        }
        release = {"quality": "Test Quality", "qualityVersion": 1, "releaseTitle": "Test Title", "size": 9999}
        remote = {"tmdbId": 1234, "imdbId": "5678", "title": "Test title", "year": 1970}
        return {"movie": movie, "remoteMovie": remote, "release": release}


def version(app: str) -> str:
    """The version that is simulated."""
    return "6.0.4.10291" if app == "Radarr" else "4.0.16.2944"


def _post(method: str, url: str, content: bytes, headers: dict[str, str]) -> int | None:
    if not url.startswith(("http://", "https://")):
        return None
    request = urllib.request.Request(url, content, headers, method=method)  # noqa: S310  # scheme checked above
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=_TIMEOUT) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None
