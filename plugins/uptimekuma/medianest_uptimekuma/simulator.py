"""An honest stand-in of one Uptime Kuma: Socket.IO, `/metrics`, status pages, badges, push and webhooks.

Beside the kit's control API there are the knobs of `simulation.control`. The ledger holds "login", "monitor.…",
"notification.…" and "webhook.sent" entries.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import socketio
from starlette.routing import BaseRoute, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from medianest_core.testing.simulators import DemoInstance, Simulator
from medianest_uptimekuma.simulation.announcements import Announcements
from medianest_uptimekuma.simulation.calls import Calls
from medianest_uptimekuma.simulation.control import Control
from medianest_uptimekuma.simulation.http_routes import HttpRoutes
from medianest_uptimekuma.simulation.profile import PROFILES
from medianest_uptimekuma.simulation.pulse import Pulse
from medianest_uptimekuma.simulation.sessions import Sessions
from medianest_uptimekuma.simulation.webhooks import Webhooks
from medianest_uptimekuma.simulation.world import USER, World, furnish

SLUG = "home"


class KumaSimulator(Simulator):
    """profile: "1.23", "2.0" or "2". monitors: that many plain ones instead of a household's. history: made-up past checks
    of each. depth: days before these of which the second generation keeps counts. pace: seconds between checks; without it they are made at a test's command only. drama: one monitor fails and
    recovers now and then. secret: of a second factor."""

    name: ClassVar[str] = "uptimekuma"
    demo_options: ClassVar[Mapping[str, str]] = {
        "pace": "10",
        "drama": "yes",
        "history": "1440",
        "depth": "30",
    }

    def __init__(
        self,
        *,
        items: int = 300,
        seed: int = 7,
        data_dir: Path,
        profile: str = "2",
        monitors: int | str | None = None,
        history: int | str = 100,
        depth: int | str = 0,
        pace: float | str | None = None,
        drama: str | None = None,
        secret: str | None = None,
    ) -> None:
        super().__init__(items=items, seed=seed, data_dir=data_dir)
        if profile not in PROFILES:
            raise ValueError(f"unknown profile {profile!r}; one of {', '.join(PROFILES)}")
        self._pace, self._drama = None if pace is None else float(pace), bool(drama)
        self.world = World(
            PROFILES[profile],
            self.ledger,
            seed=seed,
            history=int(history),
            depth=int(depth),
            secret=secret,
        )
        self.announcements = Announcements(self.world)
        self.webhooks = Webhooks(self.world)
        self.sessions = Sessions(self.world, self.announcements)
        self.pulse = Pulse(self.world, self.announcements, self.webhooks, self.sessions.emit)
        self.calls = Calls(self.world, self.announcements, self.sessions, self.pulse, self.webhooks)
        self.calls.offer()
        self.web = HttpRoutes(self.world, self.announcements, self.pulse)
        furnish(self.world, None if monitors is None else int(monitors))
        self._announce()

    def _announce(self) -> None:
        """A status page of what is not in groups of its own, and in a demo something to read."""
        plain = [one for one in self.world.monitors.values() if one.type != "group" and one.active]
        above = {one.id: one.name for one in self.world.monitors.values() if one.type == "group"}
        groups: dict[str, list[int]] = {}
        for one in plain[:200]:
            groups.setdefault(above.get(one.parent or 0, "Services"), []).append(one.id)
        page = self.announcements.add_page(SLUG, "Home", list(groups.items()))
        if self._pace is not None:
            now = self.world.now()
            self.announcements.post(
                page,
                {
                    "title": "New disks are being filled",
                    "content": "Films may start slowly until tomorrow.",
                    "style": "info",
                },
            )
            self.announcements.add_maintenance(
                "Router gets an update",
                description="The network is away for a few minutes.",
                monitors=[one.id for one in plain if one.type == "ping"],
                strategy="single",
                starts_at=now + 20 * 3600,
                ends_at=now + 21 * 3600,
            )

    def routes(self) -> ASGIApp:
        """Socket.IO below /socket.io, everything else around it."""
        app = socketio.ASGIApp(self.sessions.server, Router(self.web.routes()))

        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "websocket" and not _same_origin(scope):
                await receive()
                await send({"type": "websocket.close", "code": 1008})
                return
            await app(scope, receive, send)

        return serve

    def control_routes(self) -> Sequence[BaseRoute]:
        """Knobs of this simulator; see `simulation.control`."""
        return Control(
            self.world, self.announcements, self.sessions, self.pulse, self.calls, self.web
        ).routes()

    def error_reply(self, status: int, scope: Scope) -> tuple[str, bytes]:
        """Nothing with 401 and 429; Express' page with 500."""
        return "text/html; charset=utf-8", b"Internal Server Error" if status >= 500 else b""

    async def start(self, base_url: str) -> None:
        await super().start(base_url)
        if self._pace is not None:
            self.pulse.start(pace=self._pace, drama=self._drama)

    async def stop(self) -> None:
        await self.pulse.stop()
        await self.sessions.stop()

    async def hang_up(self) -> None:
        """End the live connections."""
        await self.sessions.drop()

    def demo_instances(self) -> Sequence[DemoInstance]:
        """One instance that signs in, so that everything is live."""
        settings: dict[str, object] = {
            "url": self.base_url,
            "username": USER,
            "password": self.world.password,
        }
        if self.world.secret is not None:
            settings["second_factor"] = self.world.secret
        return [DemoInstance("kuma", "uptimekuma", "Uptime Kuma", settings)]

    def facts(self) -> dict[str, object]:
        """How to reach things, and what there is."""
        return {
            "username": USER,
            "password": self.world.password,
            "profile": self.world.profile.name,
            "version": self.world.profile.version,
            "status_page": SLUG,
            "monitors": {str(one.id): one.name for one in self.world.monitors.values()},
        }


def _same_origin(scope: Scope) -> bool:
    headers = dict(scope["headers"])
    origin = headers.get(b"origin")
    return origin is None or origin.split(b"//")[-1] == headers.get(b"host")
