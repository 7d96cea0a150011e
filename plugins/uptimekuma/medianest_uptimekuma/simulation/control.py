"""Uptime Kuma's part of the control API under /_sim: monitors, sign-in, announcements and the clock at a test's command."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from medianest_core.testing.simulators import json_body, json_reply
from medianest_uptimekuma.simulation.announcements import Announcements
from medianest_uptimekuma.simulation.calls import Calls
from medianest_uptimekuma.simulation.http_routes import HttpRoutes
from medianest_uptimekuma.simulation.monitors import Monitor
from medianest_uptimekuma.simulation.pulse import Pulse
from medianest_uptimekuma.simulation.sessions import Sessions
from medianest_uptimekuma.simulation.world import World, furnish

Handler = Callable[[Request], Awaitable[Response]]


class Control:
    """Knobs, for tests and people; paths are relative to /_sim."""

    def __init__(
        self,
        world: World,
        announcements: Announcements,
        sessions: Sessions,
        pulse: Pulse,
        calls: Calls,
        web: HttpRoutes,
    ) -> None:
        self.world = world
        self.announcements = announcements
        self.sessions = sessions
        self.pulse = pulse
        self.calls = calls
        self.web = web

    def routes(self) -> list[BaseRoute]:
        """All routes; a wrong value is answered 400, an unknown monitor 404, both with {"error"}."""
        table: list[tuple[str, Handler, list[str]]] = [
            ("/monitors", self.monitors, ["GET", "POST"]),
            ("/monitors/{key:int}", self.monitor, ["GET", "PATCH", "DELETE"]),
            ("/beat", self.beat, ["POST"]),
            ("/scale", self.scale, ["POST"]),
            ("/options", self.options, ["GET", "PUT"]),
            ("/clock", self.clock, ["POST"]),
            ("/sockets", self.sockets, ["GET", "DELETE"]),
            ("/keys", self.keys, ["POST"]),
            ("/incidents", self.incidents, ["POST"]),
            ("/maintenance", self.maintenance, ["POST"]),
            ("/maintenance/{key:int}", self.end_maintenance, ["DELETE"]),
            ("/webhooks", self.webhooks, ["GET", "PUT"]),
        ]
        return [Route(path, _checked(handler), methods=methods) for path, handler, methods in table]

    async def monitors(self, request: Request) -> Response:
        """POST adds one: {"name", and other fields of a monitor}."""
        if request.method == "POST":
            body = await _object(request)
            monitor = self.world.add(str(body.pop("name")), **body)
            self.world.ledger.record("monitor.added", id=monitor.id, name=monitor.name)
            await self.calls.changed(monitor)
            return json_reply(self._shown(monitor), 201)
        return json_reply([self._shown(one) for one in self.world.monitors.values()])

    async def monitor(self, request: Request) -> Response:
        """PATCH {"trouble": what is wrong or null, "active": bool, "beat": false to wait for the next check}."""
        found = self._monitor(request.path_params["key"])
        if request.method == "DELETE":
            await self.calls.remove(found)
            return Response(status_code=204)
        if request.method == "PATCH":
            body = await _object(request)
            if "active" in body:
                await (self.calls.resume if body["active"] else self.calls.pause)("", found.id)
            if "trouble" in body:
                await self.pulse.trouble(found, body["trouble"], beat=bool(body.get("beat", True)))
        return json_reply(self._shown(found))

    async def beat(self, request: Request) -> Response:
        """Check some monitors now: {"ids": […] or left out for all, "ping": milliseconds or left out}."""
        body = await _object(request)
        ids = body.get("ids", list(self.world.monitors))
        chosen = [one for one in map(self._monitor, ids) if one.active]
        for one in chosen:
            await self.pulse.beat(one, body.get("ping"))
        return json_reply({"beats": len(chosen)})

    async def scale(self, request: Request) -> Response:
        """Replace all monitors by {"monitors": n} plain ones."""
        count = (await _object(request)).get("monitors")
        if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= 20_000:
            raise ValueError("monitors must be a whole number up to 20000")
        self.world.monitors.clear()
        for page in self.announcements.pages.values():
            page.groups = []
        furnish(self.world, count)
        await self.sessions.emit("monitorList", self.sessions.monitor_list())
        return json_reply({"monitors": count})

    async def options(self, request: Request) -> Response:
        """PUT {"secret": of the second factor or null, "password", "auth_disabled", "silent": names of calls}."""
        world = self.world
        if request.method == "PUT":
            body = await _object(request)
            if unknown := set(body) - {"secret", "password", "auth_disabled", "silent"}:
                raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
            world.secret = body.get("secret", world.secret)
            world.password = str(body.get("password", world.password))
            world.auth_disabled = bool(body.get("auth_disabled", world.auth_disabled))
            world.silent = set(body.get("silent", world.silent))
        return json_reply(
            {
                "secret": world.secret,
                "password": world.password,
                "auth_disabled": world.auth_disabled,
                "silent": sorted(world.silent),
            }
        )

    async def clock(self, request: Request) -> Response:
        """Put the clock forward: {"advance": seconds}."""
        self.world.ahead += float((await _object(request))["advance"])
        return json_reply({"now": self.world.now()})

    async def sockets(self, request: Request) -> Response:
        """DELETE ends every connection."""
        dropped = await self.sessions.drop() if request.method == "DELETE" else 0
        return json_reply(
            {
                "dropped": dropped,
                "connected": len(self.sessions.connected),
                "signed_in": len(self.sessions.signed_in),
            }
        )

    async def keys(self, request: Request) -> Response:
        key = self.world.add_key(str((await _object(request)).get("name", "test")))
        return json_reply({"id": key.id, "key": key.clear}, 201)

    async def incidents(self, request: Request) -> Response:
        """{"slug", "title", "content", "style"}."""
        body = await _object(request)
        page = self.announcements.pages.get(str(body.get("slug")))
        if page is None:
            raise LookupError("no such page")
        return json_reply(self.announcements.post(page, body), 201)

    async def maintenance(self, request: Request) -> Response:
        """{"title", "description", "monitors": ids, "starts_at", "ends_at"}; without times it is on at once."""
        body = await _object(request)
        if body.get("starts_at") is not None:
            body["strategy"] = "single"
        made = self.announcements.add_maintenance(str(body.pop("title")), **body)
        await self._maintained(made.monitors)
        return json_reply({"id": made.id, "status": made.status(self.world.now())}, 201)

    async def end_maintenance(self, request: Request) -> Response:
        made = self.announcements.maintenance.get(request.path_params["key"])
        if made is None:
            raise LookupError("no such maintenance")
        made.active = False
        await self._maintained(made.monitors)
        return Response(status_code=204)

    async def _maintained(self, ids: list[int]) -> None:
        self.web.forget()
        await self.sessions.emit("maintenanceList", self.announcements.maintenance_list())
        for one in ids:
            await self.pulse.beat(self._monitor(one))

    async def webhooks(self, request: Request) -> Response:
        """PUT {"urls"}: one webhook notification for each, for all monitors."""
        world = self.world
        if request.method == "PUT":
            world.notifications = {
                number: {"name": f"Webhook {number}", "type": "webhook", "webhookURL": url, "isDefault": True}
                for number, url in enumerate((await _object(request))["urls"], 1)
            }
        return json_reply({"urls": [one.get("webhookURL") for one in world.notifications.values()]})

    def _monitor(self, key: Any) -> Monitor:
        found = self.world.monitors.get(int(key))
        if found is None:
            raise LookupError(f"no monitor {key}")
        return found

    def _shown(self, monitor: Monitor) -> dict[str, Any]:
        beats = self.world.beats(monitor)
        return {
            "id": monitor.id,
            "name": monitor.name,
            "type": monitor.type,
            "active": monitor.active,
            "trouble": monitor.trouble,
            "status": beats[-1].status if beats else None,
        }


def _checked(handler: Handler) -> Handler:
    async def checked(request: Request) -> Response:
        try:
            return await handler(request)
        except (ValueError, TypeError, KeyError) as error:
            return json_reply({"error": str(error)}, 400)
        except LookupError as error:
            return json_reply({"error": str(error)}, 404)

    return checked


async def _object(request: Request) -> dict[str, Any]:
    body = await json_body(request)
    if not isinstance(body, dict):
        raise ValueError("the body must be an object")
    return body
