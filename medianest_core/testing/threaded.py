"""A simulator in a thread of its own, for clients that block."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator

from medianest_core.testing.simulators import RunningSimulator, Simulator, serve_simulator


@contextlib.contextmanager
def threaded(sim: Simulator, host: str = "127.0.0.1", port: int = 0) -> Iterator[RunningSimulator]:
    """Serve `sim` from a background thread with its own event loop until the context ends."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name=f"simulator-{sim.name}", daemon=True)
    thread.start()
    try:
        served = asyncio.run_coroutine_threadsafe(serve_simulator(sim, host, port), loop).result(120)
        try:
            yield served
        finally:
            asyncio.run_coroutine_threadsafe(served.stop(), loop).result(30)
            asyncio.run_coroutine_threadsafe(_end_rest(), loop).result(30)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _end_rest() -> None:
    """Cancel what libraries left running, or the interpreter complains of it."""
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
