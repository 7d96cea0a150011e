"""Notices when something blocks the event loop, and names it.

A thread asks the loop for a sign of life; when none comes, it takes the loop thread's stack and looks for the innermost frame
that belongs to a plugin.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType

from medianest_core.base.logging import get_logger

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Stall:
    """The loop stood still. seconds: until it was noticed. module: innermost one of a plugin, else of the core."""

    seconds: float
    module: str
    stack: str


class LoopWatch:
    """Watches the running loop from `start` to `stop`; `on_stall` is called on the watching thread, once per stall."""

    def __init__(
        self,
        *,
        threshold: float = 1.0,
        on_stall: Callable[[Stall], None] | None = None,
        prefix: str = "medianest_",
    ) -> None:
        self._threshold = threshold
        self._on_stall = on_stall or _warn
        self._prefix = prefix
        self._stopped = threading.Event()
        self._alive = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Call on the loop to be watched."""
        loop, thread_id = asyncio.get_running_loop(), threading.get_ident()
        self._thread = threading.Thread(
            target=self._watch, args=(loop, thread_id), name="loopwatch", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._alive.set()

    def _watch(self, loop: asyncio.AbstractEventLoop, thread_id: int) -> None:
        while not self._stopped.wait(self._threshold):
            self._alive.clear()
            asked = time.monotonic()
            try:
                loop.call_soon_threadsafe(self._alive.set)
            except RuntimeError:
                return
            if self._alive.wait(self._threshold):
                continue
            frame = sys._current_frames().get(thread_id)
            if frame is not None:
                self._on_stall(_describe(frame, time.monotonic() - asked, self._prefix))
            self._alive.wait()


def _describe(frame: FrameType, seconds: float, prefix: str) -> Stall:
    modules: list[str] = []
    walker: FrameType | None = frame
    while walker is not None:
        modules.append(str(walker.f_globals.get("__name__", "?")))
        walker = walker.f_back
    ours = [name for name in modules if name.startswith(prefix)]
    plugins = [name for name in ours if not name.startswith("medianest_core")]
    module = (plugins or ours or modules)[0]
    return Stall(seconds, module, "".join(traceback.format_stack(frame)))


def _warn(stall: Stall) -> None:
    _log.warning(
        "the event loop was blocked",
        module=stall.module,
        seconds=round(stall.seconds, 2),
        stack=stall.stack,
    )
