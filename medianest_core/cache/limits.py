"""Rate limits: at most so many in any window of so many seconds, exactly.

A limit is strict where letting somebody through uncounted would be worse than refusing everybody: signing in. While the counts
that all processes share cannot be reached, a strict limit raises; every other one counts in this process alone.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from medianest_core.base.clock import Clock, SystemClock
from medianest_core.base.texts import N_
from medianest_core.sdk.errors import NotReady

_SWEEP_EVERY = 1000


@dataclass(frozen=True, slots=True)
class LimitResult:
    """allowed: it may go ahead. remaining: how many more may. reset_at: when the next one may (epoch seconds)."""

    allowed: bool
    remaining: int
    limit: int
    reset_at: float


class LimitsAway(NotReady):
    """A strict limit cannot be counted now."""

    def __init__(self) -> None:
        super().__init__(
            N_("Attempts cannot be counted at the moment, so none is allowed. Try again in a minute.")
        )


class RateLimiter:
    """Counts hits by key in a moving window, in this process. Nothing awaits between looking and counting, so it is exact."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._hits: dict[tuple[str, int], deque[float]] = {}
        self._until_sweep = _SWEEP_EVERY

    async def hit(self, key: str, limit: int, per: float, *, strict: bool = False) -> LimitResult:
        """Count one more for `key` if fewer than `limit` happened in the last `per` (whole) seconds.

        strict: raise LimitsAway rather than count here alone.
        """
        return self._ask(key, limit, per, count=True)

    def hit_here(self, key: str, limit: int, per: float) -> LimitResult:
        """`hit`, but counted in this process alone: for limits so generous that another process's share does not matter."""
        return self._ask(key, limit, per, count=True)

    async def peek(self, key: str, limit: int, per: float, *, strict: bool = False) -> LimitResult:
        """What `hit` would say, without counting."""
        return self._ask(key, limit, per, count=False)

    async def clear(self, key: str, limit: int, per: float) -> None:
        """Forget what was counted."""
        self._hits.pop(_slot(key, per), None)

    def _ask(self, key: str, limit: int, per: float, *, count: bool) -> LimitResult:
        slot, now = _slot(key, per), self._clock.now()
        seconds = slot[1]
        hits = self._hits.get(slot)
        if hits is None:
            hits = self._hits[slot] = deque()
        while hits and hits[0] <= now - seconds:
            hits.popleft()
        allowed = len(hits) < limit
        if allowed and count:
            hits.append(now)
        self._sweep(now)
        return LimitResult(allowed, max(0, limit - len(hits)), limit, (hits[0] if hits else now) + seconds)

    def _sweep(self, now: float) -> None:
        self._until_sweep -= 1
        if self._until_sweep > 0:
            return
        self._until_sweep = _SWEEP_EVERY
        for slot, hits in list(self._hits.items()):
            if not hits or hits[-1] <= now - slot[1]:
                del self._hits[slot]


def _slot(key: str, per: float) -> tuple[str, int]:
    return key, max(1, math.ceil(per))
