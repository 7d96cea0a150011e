"""Repeating a call that may be repeated: a few times, later each time, and never earlier than the service asks."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from medianest_core.base.breaker import BreakerOpen
from medianest_core.sdk.errors import NotReady, RateLimited

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RetryPlan:
    """attempts: in all. first, factor, longest: seconds between them. jitter: share by which a pause may be longer."""

    attempts: int = 3
    first: float = 1.0
    factor: float = 2.0
    longest: float = 10.0
    jitter: float = 0.1

    def pause(self, attempt: int, error: Exception) -> float | None:
        """Seconds to wait after the `attempt`-th (1-based) failure, or None where another try is pointless."""
        if attempt >= self.attempts or isinstance(error, BreakerOpen):
            return None
        pause = min(self.longest, self.first * self.factor ** (attempt - 1))
        if isinstance(error, RateLimited) and error.retry_after is not None:
            # Asking again too early only prolongs the penalty: a long one is the caller's to plan for.
            return error.retry_after if error.retry_after <= self.longest else None
        return pause * (1 + random.random() * self.jitter)


async def retrying(
    call: Callable[[], Awaitable[T]],
    plan: RetryPlan | None = None,
    *,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> T:
    """The result of `call()`, tried again after NotReady and RateLimited. The caller sets the total deadline."""
    plan = plan or RetryPlan()
    attempt = 0
    while True:
        attempt += 1
        try:
            return await call()
        except (NotReady, RateLimited) as error:
            pause = plan.pause(attempt, error)
            if pause is None:
                raise
        await sleep(pause)
