"""When a call is repeated, how often and how soon."""

from __future__ import annotations

import pytest

from medianest_core.base.breaker import BreakerOpen
from medianest_core.base.retry import RetryPlan, retrying
from medianest_core.sdk.errors import AuthFailed, NotReady, ProviderError, RateLimited

PLAN = RetryPlan(jitter=0)


class Calls:
    """Raises the given errors in turn, then succeeds; notes the pauses."""

    def __init__(self, *errors: ProviderError) -> None:
        self.errors = list(errors)
        self.count = 0
        self.pauses: list[float] = []

    async def __call__(self) -> str:
        self.count += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)


async def test_three_tries_with_growing_pauses() -> None:
    calls = Calls(NotReady("1"), NotReady("2"))
    assert await retrying(calls, PLAN, sleep=calls.sleep) == "done"
    assert calls.pauses == [1.0, 2.0]


async def test_the_last_error_is_raised() -> None:
    calls = Calls(NotReady("1"), NotReady("2"), NotReady("3"), NotReady("4"))
    with pytest.raises(NotReady, match="3"):
        await retrying(calls, PLAN, sleep=calls.sleep)
    assert calls.count == 3


@pytest.mark.parametrize("error", [AuthFailed("no"), BreakerOpen(9.0), RateLimited("later", 3600)])
async def test_pointless_repeats_are_left_out(error: ProviderError) -> None:
    calls = Calls(error)
    with pytest.raises(type(error)):
        await retrying(calls, PLAN, sleep=calls.sleep)
    assert calls.count == 1


async def test_a_service_that_names_a_time_gets_it() -> None:
    calls = Calls(RateLimited("later", 7))
    await retrying(calls, PLAN, sleep=calls.sleep)
    assert calls.pauses == [7]


def test_pauses_have_a_longest() -> None:
    plan = RetryPlan(attempts=20, jitter=0)
    assert [plan.pause(attempt, NotReady("")) for attempt in (1, 2, 3, 4, 5, 9)] == [1, 2, 4, 8, 10, 10]
