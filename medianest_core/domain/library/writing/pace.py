"""Long jobs tell how far they are now and then, not at each step."""

from __future__ import annotations

import time
from collections.abc import Callable


class Pace:
    """Lets something happen at most every `seconds`."""

    def __init__(self, seconds: float, timer: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._timer = timer
        self._last = float("-inf")

    def due(self) -> bool:
        now = self._timer()
        if now - self._last < self._seconds:
            return False
        self._last = now
        return True
