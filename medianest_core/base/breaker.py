"""A circuit breaker: a service that fails again and again is left alone for a while, then tried with one call.

A call holds the token that `enter` gave it, so that a call begun before the breaker opened cannot be taken for the probe.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from medianest_core.base.texts import N_
from medianest_core.sdk.errors import NotReady


class BreakerState(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class BreakerOpen(NotReady):
    """The service failed too often; it is tried again in `retry_in` seconds."""

    def __init__(self, retry_in: float) -> None:
        super().__init__(
            N_("The service failed repeatedly; it is tried again in {seconds} s.").format(
                seconds=max(1, round(retry_in))
            )
        )
        self.retry_in = retry_in


@dataclass(frozen=True, slots=True)
class Token:
    """One call that was let through. generation: how often the breaker had changed until then."""

    generation: int
    probe: bool


class Breaker:
    """Opens at `ratio` failures among at least `minimum` calls of the last `window` seconds, or `consecutive` in a row.

    After `open_for` seconds one probe is let through; its success closes the breaker, its failure opens it again. A probe that
    never reports back is replaced after another `open_for` seconds. `timer` counts seconds and never goes back.
    """

    def __init__(
        self,
        timer: Callable[[], float] = time.monotonic,
        *,
        window: float = 60.0,
        minimum: int = 20,
        ratio: float = 0.5,
        consecutive: int = 5,
        open_for: float = 30.0,
    ) -> None:
        self._timer = timer
        self._window = window
        self._minimum = minimum
        self._ratio = ratio
        self._consecutive = consecutive
        self._open_for = open_for
        self._generation = 0
        self._calls: deque[tuple[float, bool]] = deque()
        self._failures_in_row = 0
        self._opened: float | None = None
        self._probe_since: float | None = None

    @property
    def state(self) -> BreakerState:
        if self._opened is None:
            return BreakerState.CLOSED
        return BreakerState.HALF_OPEN if self._waited(self._opened) else BreakerState.OPEN

    @property
    def retry_in(self) -> float:
        """Seconds until the next call may be let through; 0 where one may be now."""
        if self._opened is None:
            return 0.0
        since = self._opened if self._probe_since is None else self._probe_since
        return max(0.0, since + self._open_for - self._timer())

    def enter(self) -> Token:
        """Ask to make a call; report its end with `success`, `failure` or `release`. Raises BreakerOpen."""
        if self._opened is None:
            return Token(self._generation, probe=False)
        if not self._waited(self._opened) or (
            self._probe_since is not None and not self._waited(self._probe_since)
        ):
            raise BreakerOpen(self.retry_in)
        self._generation += 1
        self._probe_since = self._timer()
        return Token(self._generation, probe=True)

    def success(self, token: Token) -> None:
        if token.generation != self._generation:
            return
        if token.probe:
            self.reset()
            return
        self._failures_in_row = 0
        self._count(failed=False)

    def failure(self, token: Token) -> None:
        if token.generation != self._generation:
            return
        if token.probe:
            self._open()
            return
        self._failures_in_row += 1
        self._count(failed=True)
        failures = sum(failed for _, failed in self._calls)
        often = len(self._calls) >= self._minimum and failures >= self._ratio * len(self._calls)
        if often or self._failures_in_row >= self._consecutive:
            self._open()

    def release(self, token: Token) -> None:
        """The call ended in a way that says nothing about the service, such as a cancellation."""
        if token.probe and token.generation == self._generation:
            self._probe_since = None

    def reset(self) -> None:
        """Close, and forget what was counted."""
        self._generation += 1
        self._opened = None
        self._probe_since = None
        self._failures_in_row = 0
        self._calls.clear()

    def _open(self) -> None:
        self.reset()
        self._opened = self._timer()

    def _waited(self, since: float) -> bool:
        return self._timer() - since >= self._open_for

    def _count(self, *, failed: bool) -> None:
        now = self._timer()
        self._calls.append((now, failed))
        while self._calls and now - self._calls[0][0] > self._window:
            self._calls.popleft()
