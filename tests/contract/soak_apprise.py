"""Apprise keeps the contract of notifiers. Too long for every run, because each message starts a process: name this file to pytest."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

from medianest_core.builtin.apprise import Carrier
from medianest_core.testing.contracts import NotifierContract
from tests.integration.notify.conftest import WebServer


class TestApprise(NotifierContract):
    """Each message starts a process of its own."""

    provider = Carrier
    wrong = "nothing at all"
    server: WebServer

    @contextlib.asynccontextmanager
    async def surroundings(self) -> AsyncIterator[None]:
        self.server = WebServer(status=200)
        listening = await asyncio.start_server(self.server.serve, "127.0.0.1", 0)
        self.server.port = listening.sockets[0].getsockname()[1]
        yield
        listening.close()
        await listening.wait_closed()

    def values(self) -> dict[str, Any]:
        return {"hosts_at_home": [f"127.0.0.1:{self.server.port}"]}

    def address(self) -> str:
        return f"json://127.0.0.1:{self.server.port}/take"

    async def arrived(self) -> Sequence[str]:
        said = [json.loads(body) for _, _, body in self.server.got]
        return [f"{one['title']}\n{one['message']}" for one in said]
