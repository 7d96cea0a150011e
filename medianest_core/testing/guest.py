"""uvicorn as a guest in somebody else's loop: it leaves signals alone and ends at once when it is to end."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Generator

import uvicorn

_TICK = 0.1
_GLANCE = 0.002
"""Seconds between two looks whether the last connection is closed."""


class Guest(uvicorn.Server):
    """Ends with `end()`; uvicorn itself would look for that ten times a second, and then wait twice."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._ended = asyncio.Event()

    def end(self) -> None:
        """Stop serving; `serve` returns soon."""
        self.should_exit = True
        self._ended.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    async def main_loop(self) -> None:
        counter = 0
        while not await self.on_tick(counter):
            counter = (counter + 1) % 864_000
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TICK):
                    await self._ended.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.config.timeout_graceful_shutdown):
                while (  # noqa: ASYNC110  # uvicorn tells nobody when one closes
                    self.server_state.connections or self.server_state.tasks
                ):
                    await asyncio.sleep(_GLANCE)
        for task in list(self.server_state.tasks):
            task.cancel()


def loopback_listener(host: str = "127.0.0.1", port: int = 0) -> socket.socket:
    """A socket bound to the address. OSError when it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, or asyncio leaves Nagle's algorithm on and every answer waits 40 ms for an acknowledgement.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except BaseException:
        listener.close()
        raise
    return listener
