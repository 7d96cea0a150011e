"""The time, as something that tests can set."""

from __future__ import annotations

import time
from typing import Protocol


def now() -> float:
    """Epoch seconds, UTC."""
    return time.time()


class Clock(Protocol):
    def now(self) -> float:
        """Epoch seconds, UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        return time.time()


class FakeClock:
    """Stands still until told otherwise."""

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self._now = start

    def now(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += seconds
