"""Notices when something blocks the event loop, and names it: plugin, file and line.

A thread asks the loop for a sign of life; when none comes, it looks at the loop thread's stack, again and again until the loop
moves, for the innermost frame that belongs to a plugin.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType

from medianest_core.base.logging import get_logger

_log = get_logger(__name__)
THRESHOLD = 1.0
"""Seconds without a sign of life after which the loop counts as blocked."""


@dataclass(frozen=True, slots=True)
class Stall:
    """The loop stood still. seconds: until now, or until it went on. owner: whose code it was in, empty where nobody's.

    module, file, line: of the innermost frame of that owner, else of the core, else of all. looks: how often that owner was seen
    in it; once may be chance on a machine that is too busy.
    """

    seconds: float
    module: str
    file: str
    line: int
    stack: str
    owner: str = ""
    looks: int = 1
    over: bool = False

    @property
    def place(self) -> str:
        """ "FILE:LINE"."""
        return f"{self.file}:{self.line}"


class LoopWatch:
    """Watches the running loop from `start` to `stop`.

    on_stall: called on the watching thread at each look while the loop stands still, and with `over` set once it went on.
    owner: module name → whose it is, or "".
    """

    def __init__(
        self,
        *,
        threshold: float = THRESHOLD,
        on_stall: Callable[[Stall], None] | None = None,
        owner: Callable[[str], str] = lambda _: "",
    ) -> None:
        self._threshold = threshold
        self._on_stall = on_stall or (lambda _: None)
        self._owner = owner
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
            if not self._alive.wait(self._threshold):
                self._follow(thread_id, asked)

    def _follow(self, thread_id: int, asked: float) -> None:
        """Look until the loop goes on, then tell of the one that was seen most often."""
        first: dict[str, Stall] = {}
        seen: Counter[str] = Counter()
        while True:
            if (frame := sys._current_frames().get(thread_id)) is not None:
                stall = self._describe(frame, time.monotonic() - asked)
                seen[stall.owner] += 1
                if sum(seen.values()) == 1:
                    _warn(stall)
                first.setdefault(stall.owner, stall)
                self._tell(stall, seen[stall.owner], over=False)
            if self._alive.wait(self._threshold):
                break
        if seen:
            # Somebody who was seen as often as nobody says more.
            owner, looks = max(seen.items(), key=lambda one: (one[1], bool(one[0])))
            self._tell(first[owner], looks, over=True, seconds=time.monotonic() - asked)

    def _tell(self, stall: Stall, looks: int, *, over: bool, seconds: float | None = None) -> None:
        try:
            self._on_stall(
                Stall(
                    stall.seconds if seconds is None else seconds,
                    stall.module,
                    stall.file,
                    stall.line,
                    stall.stack,
                    stall.owner,
                    looks,
                    over,
                )
            )
        except Exception:
            # The watch goes on whatever is done with what it saw.
            _log.exception("a blocked event loop could not be reported")

    def _describe(self, frame: FrameType, seconds: float) -> Stall:
        frames: list[tuple[FrameType, str]] = []
        walker: FrameType | None = frame
        while walker is not None:
            frames.append((walker, str(walker.f_globals.get("__name__", "?"))))
            walker = walker.f_back
        owned = next(((one, name, who) for one, name in frames if (who := self._owner(name))), None)
        ours = next(((one, name, "") for one, name in frames if name.startswith("medianest_core")), None)
        found, module, owner = owned or ours or (*frames[0], "")
        stack = "".join(traceback.format_stack(frame))
        return Stall(seconds, module, found.f_code.co_filename, found.f_lineno, stack, owner)


def _warn(stall: Stall) -> None:
    _log.warning(
        "the event loop was blocked",
        plugin=stall.owner,
        module=stall.module,
        place=stall.place,
        seconds=round(stall.seconds, 2),
        stack=stall.stack,
    )
