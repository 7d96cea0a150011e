"""Keeps one socket from keeping the server busy: a bucket of events that fills up again with time."""

from __future__ import annotations

import time
from collections.abc import Callable

PER_SECOND = 10.0
BURST = 40.0


class Bucket:
    def __init__(
        self,
        rate: float = PER_SECOND,
        burst: float = BURST,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rate = rate
        self._burst = burst
        self._timer = timer
        self._level = burst
        self._at = timer()

    def take(self) -> bool:
        """Whether one more event may be handled now."""
        now = self._timer()
        self._level = min(self._burst, self._level + (now - self._at) * self._rate)
        self._at = now
        if self._level < 1:
            return False
        self._level -= 1
        return True
