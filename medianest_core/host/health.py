"""What is known of an instance's health: when it last answered, what last went wrong."""

from __future__ import annotations

from dataclasses import dataclass

from medianest_core.base.breaker import Breaker
from medianest_core.base.clock import Clock


@dataclass(frozen=True, slots=True)
class Health:
    """Times are epoch seconds. breaker: closed, open or half_open. failing_since: None while the last call was good."""

    breaker: str
    last_ok_at: float | None
    last_error: str
    last_error_at: float | None
    failing_since: float | None


class HealthLog:
    """Written by the guard and the watcher, read by the admin pages."""

    def __init__(self, clock: Clock, breaker: Breaker) -> None:
        self._clock = clock
        self._breaker = breaker
        self.last_ok_at: float | None = None
        self.last_error = ""
        self.last_error_at: float | None = None
        self._failing_since: float | None = None

    def good(self) -> None:
        """The service answered as it should."""
        self.last_ok_at = self._clock.now()
        self._failing_since = None

    def bad(self, message: str) -> None:
        """It did not. message: for people."""
        self.last_error = message
        self.last_error_at = self._clock.now()
        if self._failing_since is None:
            self._failing_since = self.last_error_at

    def reading(self) -> Health:
        return Health(
            self._breaker.state.value,
            self.last_ok_at,
            self.last_error,
            self.last_error_at,
            self._failing_since,
        )
