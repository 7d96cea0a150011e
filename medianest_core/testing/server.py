"""A simulator on a socket: uvicorn in the running loop, with the connection at hand for faults."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from medianest_core.testing.faults import TRANSPORT
from medianest_core.testing.guest import Guest, loopback_listener

if TYPE_CHECKING:
    from medianest_core.testing.simulators import Simulator


class _Protocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol, which also shows the application its transport."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        cast("dict[str, Any]", self.scope)["extensions"] = {TRANSPORT: self.transport}


@dataclass(frozen=True)
class RunningSimulator:
    """A simulator that answers at `url` (no trailing slash)."""

    url: str
    simulator: Simulator
    _server: Guest
    _task: asyncio.Task[None]

    async def stop(self) -> None:
        """Close the socket and all connections, then let the simulator clean up; may be called twice."""
        if self._task.done():
            return
        self._server.end()
        await self._task
        await self.simulator.stop()


async def serve_simulator(sim: Simulator, host: str = "127.0.0.1", port: int = 0) -> RunningSimulator:
    """Start `sim` on `host`:`port` (0 picks a free one) and return once it answers. Prints nothing."""
    listener = loopback_listener(host, port)
    try:
        shown = f"[{host}]" if ":" in host else host
        url = f"http://{shown}:{listener.getsockname()[1]}"
        await sim.start(url)
        config = uvicorn.Config(
            sim.app(),
            http=_Protocol,
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            timeout_graceful_shutdown=1,
            timeout_keep_alive=75,
        )
        server = Guest(config)
        task = asyncio.create_task(server.serve(sockets=[listener]), name=f"simulator-{sim.name}")
        while not server.started:
            if task.done():
                await task
                raise RuntimeError(f"the simulator {sim.name} did not start")
            await asyncio.sleep(0.005)
    except BaseException:
        listener.close()
        raise
    return RunningSimulator(url, sim, server, task)


@contextlib.asynccontextmanager
async def running(sim: Simulator, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[RunningSimulator]:
    """`serve_simulator` as a context."""
    served = await serve_simulator(sim, host, port)
    try:
        yield served
    finally:
        await served.stop()
