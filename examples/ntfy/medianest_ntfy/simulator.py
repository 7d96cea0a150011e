"""A stand-in of ntfy: it refuses wrong tokens and bad topics in ntfy's own words, and remembers what was published."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import ClassVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Scope

from medianest_core.testing.simulators import DemoInstance, Simulator, json_body, json_reply

TOKEN = "tk_a1simulated2token3of4ntfy5"


class NtfySimulator(Simulator):
    name: ClassVar[str] = "ntfy"

    def routes(self) -> ASGIApp:
        return Router([Route("/", self.publish, methods=["POST"]), Route("/v1/account", self.account)])

    def demo_instances(self) -> Sequence[DemoInstance]:
        return [DemoInstance("ntfy", "ntfy", "ntfy", {"url": self.base_url, "token": TOKEN})]

    def error_reply(self, status: int, scope: Scope) -> tuple[str, bytes]:
        return "application/json", json.dumps(_error(status * 100 + 1, "simulated")).encode()

    async def account(self, request: Request) -> Response:
        given = request.headers.get("authorization")
        if given is None:
            return json_reply({"username": "*", "role": "anonymous"})
        return json_reply({"username": "phil", "role": "user"}) if _known(given) else _refused()

    async def publish(self, request: Request) -> Response:
        if not _known(request.headers.get("authorization")):
            return _refused()
        said = await json_body(request)
        if not isinstance(said, dict) or not re.fullmatch(r"[-_A-Za-z0-9]{1,64}", str(said.get("topic"))):
            return json_reply(_error(40009, "invalid request: topic invalid"), 400)
        self.ledger.record("message", topic=said["topic"], title=said.get("title"), text=said.get("message"))
        return json_reply({"id": "hwQ2YpKdmg", "time": 1_790_000_000, "event": "message", **said})


def _known(authorization: str | None) -> bool:
    return authorization == f"Bearer {TOKEN}"


def _refused() -> Response:
    return json_reply(_error(40101, "unauthorized"), 401)


def _error(code: int, words: str) -> dict[str, object]:
    return {"code": code, "http": code // 100, "error": words, "link": "https://ntfy.sh/docs/publish/"}
