"""A stand-in of SABnzbd: plain text and 403 for a wrong key, status 200 for all other errors, text for numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Scope

from medianest_core.testing.simulators import DemoInstance, Simulator, json_reply
from medianest_core.testing.world.titles import MOVIE, elsewhere

KEY = "0123456789abcdef0123456789abcdef"


class SabnzbdSimulator(Simulator):
    """downloads: (name, percent) of what it fetches, the first one first."""

    name: ClassVar[str] = "sabnzbd"

    def __init__(self, *, items: int = 300, seed: int = 7, data_dir: Path) -> None:
        super().__init__(items=items, seed=seed, data_dir=data_dir)
        self.paused = False
        self.downloads = [
            (f"{one.title.replace(' ', '.')}.{one.year}.1080p.WEB.x264-SIM", 40 * (n == 0))
            for n, one in enumerate(elsewhere(MOVIE)[:3])
        ]

    def routes(self) -> ASGIApp:
        return Router([Route("/api", self.answer, methods=["GET", "POST"])])

    def demo_instances(self) -> Sequence[DemoInstance]:
        return [DemoInstance("sabnzbd", "sabnzbd", "SABnzbd", {"url": self.base_url, "key": KEY})]

    def error_reply(self, status: int, scope: Scope) -> tuple[str, bytes]:
        return "text/plain", b"API Key Incorrect" if status == 403 else b"Internal error"

    async def answer(self, request: Request) -> Response:
        if (given := request.query_params.get("apikey")) != KEY:
            return PlainTextResponse("API Key Incorrect" if given else "API Key Required", 403)
        mode = request.query_params.get("mode")
        if mode in ("pause", "resume"):
            self.paused = mode == "pause"
            self.ledger.record(mode)
            return json_reply({"status": True})
        if mode != "queue":
            return json_reply({"status": False, "error": "not implemented"})
        slots = [self._slot(n, *one) for n, one in enumerate(self.downloads)]
        return json_reply(
            {
                "queue": {
                    "version": "4.5.1",
                    "status": "Paused" if self.paused else "Downloading",
                    "paused": self.paused,
                    "kbpersec": "0.00" if self.paused else "1296.02",
                    "noofslots": len(slots),
                    "noofslots_total": len(slots),
                    "slots": slots,
                }
            }
        )

    def _slot(self, index: int, name: str, percent: int) -> dict[str, Any]:
        moving = index == 0 and not self.paused
        return {
            "index": index,
            "nzo_id": f"SABnzbd_nzo_{index:06d}",
            "filename": name,
            "status": "Downloading" if moving else "Queued",
            "percentage": str(percent),
            "timeleft": "0:16:44" if moving else "0:00:00",
        }
