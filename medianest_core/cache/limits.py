"""Rate limits: at most so many in any window of so many seconds, exactly."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from limits import RateLimitItemPerSecond
from limits.aio.storage import MovingWindowSupport, Storage
from limits.aio.strategies import MovingWindowRateLimiter

from medianest_core.base.clock import Clock, SystemClock

_SWEEP_EVERY = 1000


@dataclass(frozen=True, slots=True)
class LimitResult:
    """allowed: it may go ahead. remaining: how many more may. reset_at: when the next one may (epoch seconds)."""

    allowed: bool
    remaining: int
    limit: int
    reset_at: float


class _Windows(Storage, MovingWindowSupport):
    """Times of the last hits by key, in this process. Nothing awaits between looking and counting, so it is exact."""

    STORAGE_SCHEME = ["medianest+memory"]  # noqa: RUF012  # the base class declares it as a plain attribute

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self._hits: dict[str, tuple[float, deque[float]]] = {}
        self._until_sweep = _SWEEP_EVERY

    @property
    def base_exceptions(self) -> type[Exception]:
        return ValueError

    def _window(self, key: str, expiry: int) -> deque[float]:
        window = self._hits.setdefault(key, (float(expiry), deque()))[1]
        limit = self._clock.now() - expiry
        while window and window[0] <= limit:
            window.popleft()
        return window

    async def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        self._sweep()
        window = self._window(key, expiry)
        if len(window) + amount > limit:
            return False
        window.extend([self._clock.now()] * amount)
        return True

    async def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        window = self._window(key, expiry)
        return (window[0] if window else self._clock.now()), len(window)

    def _sweep(self) -> None:
        self._until_sweep -= 1
        if self._until_sweep > 0:
            return
        self._until_sweep = _SWEEP_EVERY
        now = self._clock.now()
        for key, (expiry, window) in list(self._hits.items()):
            if not window or window[-1] <= now - expiry:
                del self._hits[key]

    async def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        window = self._window(key, math.ceil(expiry))
        window.extend([self._clock.now()] * amount)
        return len(window)

    async def get(self, key: str) -> int:
        entry = self._hits.get(key)
        return len(self._window(key, int(entry[0]))) if entry else 0

    async def get_expiry(self, key: str) -> float:
        entry = self._hits.get(key)
        return entry[1][0] + entry[0] if entry and entry[1] else self._clock.now()

    async def check(self) -> bool:
        return True

    async def reset(self) -> int | None:
        count = len(self._hits)
        self._hits.clear()
        return count

    async def clear(self, key: str) -> None:
        self._hits.pop(key, None)


class RateLimiter:
    """Counts hits by key in a moving window."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._strategy = MovingWindowRateLimiter(_Windows(clock or SystemClock()))

    async def hit(self, key: str, limit: int, per: float) -> LimitResult:
        """Count one more for `key` if fewer than `limit` happened in the last `per` (whole) seconds."""
        item = RateLimitItemPerSecond(limit, max(1, math.ceil(per)))
        allowed = await self._strategy.hit(item, key)
        stats = await self._strategy.get_window_stats(item, key)
        return LimitResult(allowed, max(0, stats.remaining), limit, stats.reset_time)

    async def peek(self, key: str, limit: int, per: float) -> LimitResult:
        """What `hit` would say, without counting."""
        item = RateLimitItemPerSecond(limit, max(1, math.ceil(per)))
        allowed = await self._strategy.test(item, key)
        stats = await self._strategy.get_window_stats(item, key)
        return LimitResult(allowed, max(0, stats.remaining), limit, stats.reset_time)

    async def clear(self, key: str, limit: int, per: float) -> None:
        """Forget what was counted."""
        await self._strategy.clear(RateLimitItemPerSecond(limit, max(1, math.ceil(per))), key)
