"""Keeps what floods the log from filling the disk and from hiding everything else.

Each source has a burst and then a steady rate; what is above that is counted and left out. The core itself and the security log
are never held back.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

BURST, PER_SECOND = 500.0, 50.0
_FREE = ("medianest_core", "medianest.security")
_VERDICT = "_flood_passes"


class FloodGate(logging.Filter):
    """Goes on handlers; several of them ask once for a line. told: called with the logger's name when its lines begin to be left
    out, on any thread."""

    def __init__(
        self,
        *,
        burst: float = BURST,
        per_second: float = PER_SECOND,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._burst, self._per_second = burst, per_second
        self._timer = timer
        self._lock = threading.Lock()
        self._left: dict[str, tuple[float, float]] = {}
        self._dropped: dict[str, int] = {}
        self.told: Callable[[str], None] = lambda _: None

    def filter(self, record: logging.LogRecord) -> bool:
        verdict = getattr(record, _VERDICT, None)
        if verdict is None:
            verdict = record.name.startswith(_FREE) or self._passes(record.name)
            setattr(record, _VERDICT, verdict)
        return bool(verdict)

    def _passes(self, logger: str) -> bool:
        source = _source(logger)
        with self._lock:
            now = self._timer()
            left, at = self._left.get(source, (self._burst, now))
            left = min(self._burst, left + (now - at) * self._per_second)
            passes = left >= 1.0
            self._left[source] = (left - 1.0 if passes else left, now)
            first = not passes and source not in self._dropped
            if not passes:
                self._dropped[source] = self._dropped.get(source, 0) + 1
            # Told once it is quiet again: in the middle of a flood that would be another line for each that passes.
            quiet = passes and left >= self._burst / 2
            dropped = self._dropped.pop(source, 0) if quiet else 0
        if first:
            logging.getLogger(__name__).warning("%s floods the log; lines of it are left out", source)
            self.told(logger)
        if dropped:
            logging.getLogger(__name__).warning("%d lines of %s were left out", dropped, source)
        return passes


def _source(logger: str) -> str:
    """Whose lines are counted together: a plugin's own logger, or everything of one package."""
    head, _, rest = logger.partition(".")
    return f"plugin.{rest.partition('.')[0]}" if head == "plugin" else head


GATE = FloodGate()
"""The one of this process."""
