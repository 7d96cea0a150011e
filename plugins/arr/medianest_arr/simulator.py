"""Honest stand-ins of Radarr and Sonarr."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Scope

from medianest_arr.simulation.api import Api
from medianest_arr.simulation.connections import Connections
from medianest_arr.simulation.control import Control
from medianest_arr.simulation.films import Films
from medianest_arr.simulation.shows import Shows
from medianest_arr.simulation.things import DAY, released
from medianest_arr.simulation.wire import failure
from medianest_core.testing.simulators import DemoInstance, Simulator
from medianest_core.testing.world.titles import MOVIE, SHOW, elsewhere

KEY = "5e1f0a7c9b3d4e6f8a2b1c0d9e8f7a6b"
_STEP = 0.5


class ArrSimulator(Simulator):
    """What both have in common. `automatic`: always some download moves, and one is stuck. `download_seconds`: how long one takes.
    `url_base`: below which path it answers, e.g. "/radarr"."""

    demo_options: ClassVar[Mapping[str, str]] = {"automatic": "yes", "download_seconds": "90"}
    world: Films | Shows

    def __init__(
        self,
        *,
        items: int = 60,
        seed: int = 7,
        data_dir: Path,
        automatic: str = "",
        download_seconds: str = "60",
        url_base: str = "",
    ) -> None:
        super().__init__(items=items, seed=seed, data_dir=data_dir)
        kind = Films if self.name == "radarr" else Shows
        self.world = kind(
            self.ledger, key=KEY, download_seconds=float(download_seconds), automatic=bool(automatic)
        )
        self.connections = Connections(self.world)
        self._url_base = url_base
        self._api = Api(self.world, self.connections, url_base)
        self._pulse: asyncio.Task[None] | None = None

    def routes(self) -> ASGIApp:
        """The service."""
        return self._api.app()

    def control_routes(self) -> Sequence[BaseRoute]:
        """Knobs; see `simulation.control`."""
        return Control(self.world, self.connections).routes()

    def error_reply(self, status: int, scope: Scope) -> tuple[str, bytes]:
        """401 and 403 are empty, a server error tells what the database said."""
        if status in (401, 403):
            return "text/plain", b""
        message = "database is locked" if status == 500 else "Too many requests"
        return "application/json", bytes(failure(status, message).body)

    async def start(self, base_url: str) -> None:
        """Fill the library, and in a demo let things move."""
        await super().start(base_url)
        self.world.fill(self.items)
        if self.world.automatic:
            self._set_scene()
            self._pulse = asyncio.create_task(self._tick(), name=f"{self.name} moves")

    def _set_scene(self) -> None:
        raise NotImplementedError

    async def _tick(self) -> None:
        while True:
            self.world.tick()
            await asyncio.sleep(_STEP)

    async def stop(self) -> None:
        """End what moves and posts."""
        if self._pulse is not None:
            self._pulse.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._pulse
        await self.connections.stop()

    def demo_instances(self) -> Sequence[DemoInstance]:
        """One instance with its key."""
        url = f"{self.base_url}{self._url_base}"
        return [DemoInstance(self.name, self.name, self.world.app, {"url": url, "api_key": KEY})]

    def facts(self) -> dict[str, object]:
        """How to reach it and what is in it."""
        return {"api_key": KEY, "titles": len(self.world.held()), "url_base": self._url_base}


class RadarrSimulator(ArrSimulator):
    """Radarr."""

    name: ClassVar[str] = "radarr"
    world: Films

    def _set_scene(self) -> None:
        world, now = self.world, self.world.now
        wished = sorted(elsewhere(MOVIE), key=released)
        coming = [title for title in wished if released(title) > now][-4:]
        out = [title for title in wished if released(title) <= now][-6:]
        films = [
            world.add(title, added=now - (number + 2) * DAY) for number, title in enumerate((*coming, *out))
        ]
        for film in films:
            film.searched = now - 7200
        stuck, stalled, going, unlucky = films[-4:]
        world.fates[world.fate_key(unlucky)] = "nothing"
        world.grab(stuck, [], trouble="import", done=1.0)
        world.grab(stalled, [], trouble="stalled", done=0.6)
        world.grab(going, [], trouble="", done=0.43)
        world.health = [
            {
                "source": "IndexerStatusCheck",
                "type": "warning",
                "message": "Indexers unavailable due to failures: Example Index",
                "wikiUrl": "https://wiki.servarr.com/radarr/system#indexers-are-unavailable-due-to-failures",
            }
        ]


class SonarrSimulator(ArrSimulator):
    """Sonarr."""

    name: ClassVar[str] = "sonarr"
    world: Shows

    def _set_scene(self) -> None:
        world = self.world
        wished = [title for title in elsewhere(SHOW) if title.seasons][-3:]
        for number, title in enumerate(wished):
            series = world.add(title, added=world.now - (number + 3) * DAY)
            world.refresh(series)
            series.searched = world.now - 5400
        for series, trouble, done in zip(
            list(world.series.values())[-3:], ("import", ""), (1.0, 0.43), strict=False
        ):
            first = [one for one in series.episodes if one.season == 1 and one.aired <= world.now]
            if first:
                world.grab(series, first, trouble=trouble, done=done)
