"""How fast we ask: below the service's own bound, and not at all while it has told us to wait."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from medianest_core.sdk import N_, RateLimited

PER_SECOND = 20.0
"""The service turns away above 40 to 50 a second."""
BURST = 20
MOST = 5.0
"""Seconds that a question waits for its turn."""
PENALTY = 2.0
"""Seconds to wait where the service does not say how long."""
SLOW_DOWN = N_("TMDB asks us to slow down.")


class Pace:
    """Turns of one instance. timer: seconds that never go back."""

    def __init__(
        self,
        per_second: float = PER_SECOND,
        burst: int = BURST,
        timer: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._gap = 1.0 / per_second
        self._slack = burst * self._gap
        self._timer = timer
        self._sleep = sleep
        self._next = float("-inf")
        self._closed_until = float("-inf")

    async def turn(self) -> None:
        """Returns when it is our turn. Raises RateLimited at once while the service wants to be left alone, and where so many
        wait already that the turn would come too late."""
        now = self._timer()
        if now < self._closed_until:
            raise RateLimited(SLOW_DOWN, self._closed_until - now)
        begins = max(self._next, now - self._slack)
        wait = begins - now
        if wait > MOST:
            raise RateLimited(N_("Too much is asked of TMDB at once."), wait)
        self._next = begins + self._gap
        if wait > 0:
            await self._sleep(wait)

    def refused(self, seconds: float | None) -> RateLimited:
        """The service said no; the error to raise. seconds: as it said, or None."""
        wait = PENALTY if seconds is None else seconds
        self._closed_until = max(self._closed_until, self._timer() + wait)
        return RateLimited(SLOW_DOWN, seconds)
