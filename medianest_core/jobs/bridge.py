"""From the worker's threads to the event loop that serves the process, so that handlers share its connections."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

_LOOK_EVERY = 1.0


class LoopBridge:
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._tasks: set[asyncio.Task[None]] = set()

    def run(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Have the loop do the work, and wait for its end, whatever that is. Raises RuntimeError where the loop ends first.

        The coroutine is made on the loop, in the moment it becomes a task: one made here would be left over, never awaited,
        where the loop ends before it gets there.
        """
        done = threading.Event()

        def start() -> None:
            task = self._loop.create_task(work())
            self._tasks.add(task)
            task.add_done_callback(ended)

        def ended(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            done.set()

        self._loop.call_soon_threadsafe(start)
        while not done.wait(_LOOK_EVERY):
            if not self._loop.is_running():
                raise RuntimeError("The event loop has ended.")
