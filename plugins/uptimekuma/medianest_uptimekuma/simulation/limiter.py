"""How often something may be tried: a bucket that fills evenly."""

from __future__ import annotations

from collections.abc import Callable


class Limiter:
    """At most `allowed` a minute, all at once if need be."""

    def __init__(self, allowed: int, now: Callable[[], float]) -> None:
        self.allowed = allowed
        self._now = now
        self._left = float(allowed)
        self._at = now()

    def take(self) -> bool:
        """Whether one more is allowed; counts it."""
        now = self._now()
        self._left = min(float(self.allowed), self._left + (now - self._at) * self.allowed / 60.0)
        self._at = now
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True

    def fill(self) -> None:
        """Forget what was tried."""
        self._left = float(self.allowed)
