"""The memory cache and the rate limiter."""

from __future__ import annotations

import asyncio
from collections import deque

from hypothesis import given, settings
from hypothesis import strategies as st

from medianest_core.base.clock import FakeClock
from medianest_core.base.drivers import load_driver
from medianest_core.cache.limits import RateLimiter
from medianest_core.cache.memory import MemoryCache


async def test_values_expire() -> None:
    clock = FakeClock()
    cache = MemoryCache(timer=clock.now)
    await cache.set("a", b"1", ttl=10)
    clock.advance(9.9)
    assert await cache.get("a") == b"1"
    clock.advance(0.1)
    assert await cache.get("a") is None
    await cache.set("a", b"2", ttl=0)
    assert await cache.get("a") is None
    await cache.set("a", b"3", ttl=1)
    await cache.delete("a")
    assert await cache.get("a") is None


async def test_the_least_used_goes_first() -> None:
    cache = MemoryCache(max_bytes=33)
    for key in "abc":
        await cache.set(key, bytes(10), ttl=60)
    await cache.get("a")
    await cache.set("d", bytes(10), ttl=60)
    assert [key for key in "abcd" if await cache.get(key) is not None] == ["a", "c", "d"]
    await cache.set("big", bytes(100), ttl=60)
    assert await cache.get("big") is None
    await cache.set("a", bytes(30), ttl=60)
    assert await cache.get("a") == bytes(30), "the value it replaces does not count"


def test_it_is_found_as_a_driver() -> None:
    assert load_driver("medianest.cache", "memory") is MemoryCache


async def test_exact_under_two_hundred_at_once() -> None:
    limiter = RateLimiter(FakeClock())
    results = await asyncio.gather(*(limiter.hit("user", 100, 60) for _ in range(200)))
    assert sum(result.allowed for result in results) == 100


async def test_says_when_the_next_one_may() -> None:
    clock = FakeClock()
    limiter = RateLimiter(clock)
    start = clock.now()
    for remaining in (1, 0):
        result = await limiter.hit("user", 2, 60)
        assert (result.allowed, result.remaining, result.limit) == (True, remaining, 2)
        clock.advance(10)
    refused = await limiter.hit("user", 2, 60)
    assert (refused.allowed, refused.remaining, refused.reset_at) == (False, 0, start + 60)
    assert (await limiter.hit("other", 2, 60)).allowed
    clock.advance(40)
    assert (await limiter.peek("user", 2, 60)).allowed
    assert (await limiter.hit("user", 2, 60)).allowed
    assert not (await limiter.hit("user", 2, 60)).allowed, "the second of the first two still counts"
    await limiter.clear("user", 2, 60)
    assert (await limiter.hit("user", 2, 60)).remaining == 1


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 5),
    st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from([0.0, 0.4, 1.0, 4.0, 9.9, 10.0])), max_size=60),
)
def test_never_more_than_the_limit_in_any_window(limit: int, steps: list[tuple[str, float]]) -> None:
    async def scenario() -> None:
        clock = FakeClock()
        limiter = RateLimiter(clock)
        allowed: dict[str, deque[float]] = {"a": deque(), "b": deque()}
        for key, pause in steps:
            clock.advance(pause)
            recent = [at for at in allowed[key] if at > clock.now() - 10]
            result = await limiter.hit(key, limit, 10)
            assert result.allowed is (len(recent) < limit)
            if result.allowed:
                allowed[key].append(clock.now())

    asyncio.run(scenario())
