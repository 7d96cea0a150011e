"""The Socket.IO side: connecting, signing in, and everything that is sent after that."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

import socketio

from medianest_uptimekuma.simulation.announcements import Announcements
from medianest_uptimekuma.simulation.monitors import DAY, Monitor
from medianest_uptimekuma.simulation.rows import listed, row
from medianest_uptimekuma.simulation.world import World

ROOM = "signed in"
Call = Callable[..., Awaitable[Any]]
REFUSAL = {"ok": False, "msg": "You are not logged in."}


class Sessions:
    """One server; who is signed in is forgotten when it restarts."""

    def __init__(self, world: World, announcements: Announcements) -> None:
        self.world = world
        self.announcements = announcements
        self.server: Any = socketio.AsyncServer(
            async_mode="asgi", cors_allowed_origins="*", ping_interval=25, ping_timeout=20
        )
        self.connected: set[str] = set()
        self.signed_in: set[str] = set()
        self._silence = asyncio.Event()
        self.server.on("connect", self._connect)
        self.server.on("disconnect", self._disconnect)
        for name, call in (
            ("needSetup", self._need_setup),
            ("login", self._login),
            ("loginByToken", self._login_by_token),
            ("logout", self._logout),
        ):
            self.offer(name, call, open_to_all=True)

    def offer(self, name: str, call: Call, *, open_to_all: bool = False) -> None:
        """Answer calls of that name; those of strangers only where it is open to all."""

        async def answer(sid: str, *args: Any) -> Any:
            if name in self.world.silent:
                await self._silence.wait()
            if not open_to_all and sid not in self.signed_in:
                return REFUSAL
            try:
                return await call(sid, *args)
            except Exception as error:
                # The real one tells whatever its code fell over.
                return {"ok": False, "msg": str(error)}

        self.server.on(name, answer)

    async def emit(self, event: str, *args: Any) -> None:
        """To everyone who is signed in."""
        if self.signed_in:
            await self.server.emit(event, args, room=ROOM)

    async def drop(self) -> int:
        """End every connection, as a restart does."""
        gone = list(self.connected)
        for sid in gone:
            await self.server.disconnect(sid)
        return len(gone)

    async def stop(self) -> None:
        """Let go of calls that were never to be answered, and of everyone."""
        self._silence.set()
        await self.drop()
        await self.server.shutdown()

    async def _connect(self, sid: str, environ: Any, auth: Any = None) -> None:
        self.connected.add(sid)
        await self.server.emit("info", self._info(told=False), to=sid)
        if self.world.auth_disabled:
            await self.server.emit("autoLogin", to=sid)
            await self._welcome(sid)
        else:
            await self.server.emit("loginRequired", to=sid)

    async def _disconnect(self, sid: str, reason: Any = None) -> None:
        self.connected.discard(sid)
        self.signed_in.discard(sid)

    async def _need_setup(self, sid: str) -> bool:
        return False

    async def _login(self, sid: str, data: Any) -> Any:
        said = self.world.sign_in(
            str(data.get("username")), str(data.get("password")), str(data.get("token") or "")
        )
        self.world.ledger.record("login", ok=said.get("ok") is True, by="password")
        if said.get("ok"):
            await self._welcome(sid)
        return said

    async def _login_by_token(self, sid: str, token: Any) -> Any:
        good = token == self.world.token()
        self.world.ledger.record("login", ok=good, by="token")
        if not good:
            return {"ok": False, **self.world.profile.words("authInvalidToken")}
        await self._welcome(sid)
        return {"ok": True}

    async def _logout(self, sid: str) -> None:
        self.signed_in.discard(sid)
        await self.server.leave_room(sid, ROOM)

    async def _welcome(self, sid: str) -> None:
        await self.server.enter_room(sid, ROOM)
        self.signed_in.add(sid)
        await (self._second if self.world.profile.second else self._first)(sid)

    async def _second(self, sid: str) -> None:
        await self._lists(sid)
        for monitor in self._all():
            await self._figures(sid, monitor)
        for monitor in self._all():
            await self._rows(sid, monitor)
        await self.server.emit("initServerTimezone", to=sid)

    async def _first(self, sid: str) -> None:
        await self._lists(sid)

        async def later() -> None:
            # The first generation waits before it sends the long part.
            await asyncio.sleep(0.5)
            for monitor in self._all():
                await self._rows(sid, monitor)
            for monitor in self._all():
                beats = [beat for beat in self.world.beats(monitor) if beat.important][-500:]
                rows = [listed(self.world, monitor.id, beat) for beat in reversed(beats)]
                await self._to(sid, "importantHeartbeatList", str(monitor.id), rows, True)
            for monitor in self._all():
                await self._figures(sid, monitor)

        self.server.start_background_task(later)

    async def _lists(self, sid: str) -> None:
        world = self.world
        await self._to(sid, "monitorList", self.monitor_list())
        if world.profile.second:
            await self._to(sid, "monitorTypeList", {})
        await self._to(sid, "maintenanceList", self.announcements.maintenance_list())
        await self._to(sid, "info", self._info(told=True))
        await self._to(sid, "notificationList", self.notification_list())
        await self._to(sid, "proxyList", [])
        await self._to(sid, "dockerHostList", [])
        await self._to(sid, "apiKeyList", self.key_list())
        if world.profile.second:
            await self._to(sid, "remoteBrowserList", [])
        await self._to(sid, "statusPageList", self.announcements.page_list())

    async def _figures(self, sid: str, monitor: Monitor) -> None:
        world, key = self.world, str(monitor.id)
        await self._to(sid, "avgPing", key, world.average(monitor))
        for hours in (24, 720):
            await self._to(sid, "uptime", key, hours, world.uptime(monitor, hours * 3600.0))
        if world.profile.second:
            await self._to(sid, "uptime", key, "1y", world.uptime(monitor, 365 * DAY))
        if monitor.certificate_days is not None:
            await self._to(sid, "certInfo", key, json.dumps(self._certificate(monitor)))
        if world.profile.second:
            await self._to(sid, "domainInfo", key, None, None)

    async def _rows(self, sid: str, monitor: Monitor) -> None:
        rows = [row(self.world, monitor.id, beat) for beat in self.world.beats(monitor)[-100:]]
        await self._to(sid, "heartbeatList", str(monitor.id), rows, True)

    async def _to(self, sid: str, event: str, *args: Any) -> None:
        await self.server.emit(event, args, to=sid)

    def _all(self) -> list[Monitor]:
        return list(self.world.monitors.values())

    def _certificate(self, monitor: Monitor) -> dict[str, Any]:
        days = monitor.certificate_days or 0
        ends = int(self.world.started + days * DAY)
        return {
            "valid": days > 0,
            "certInfo": {
                "subject": {"CN": monitor.name},
                "validTo": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(ends)),
                "daysRemaining": days,
                "certType": "server",
            },
        }

    def monitor_list(self) -> dict[str, Any]:
        return {
            str(one.id): self.world.document(one, away=self.announcements.away(one.id)) for one in self._all()
        }

    def notification_list(self) -> list[dict[str, Any]]:
        return [
            {
                "id": key,
                "name": value.get("name"),
                "active": True,
                "userId": 1,
                "isDefault": bool(value.get("isDefault")),
                "config": json.dumps(value),
            }
            for key, value in self.world.notifications.items()
        ]

    def key_list(self) -> list[dict[str, Any]]:
        return [
            {
                "id": key.id,
                "name": key.name,
                "userID": 1,
                "createdDate": self.world.stamp(self.world.started),
                "active": key.active,
                "expires": key.expires,
                "status": "active" if key.active else "inactive",
            }
            for key in self.world.keys.values()
        ]

    def _info(self, *, told: bool) -> dict[str, Any]:
        profile = self.world.profile
        body: dict[str, Any] = {
            "primaryBaseURL": None,
            "serverTimezone": "Europe/Berlin",
            "serverTimezoneOffset": "+02:00",
        }
        if told:
            body |= {"version": profile.version, "latestVersion": profile.version, "isContainer": True}
            if profile.second:
                body |= {"dbType": "sqlite", "runtime": {"platform": "linux", "arch": "x64"}}
        return body
