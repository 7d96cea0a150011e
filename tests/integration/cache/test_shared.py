"""The cache and the limits keep the same promises in this process and in a real Redis."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from medianest_core.base.clock import FakeClock
from medianest_core.base.drivers import load_driver
from medianest_core.base.redis_link import RedisAway, RedisLink
from medianest_core.cache.limits import LimitsAway, RateLimiter
from medianest_core.cache.memory import MemoryCache
from medianest_core.cache.redis import RedisCache, RedisRateLimiter
from tests.servers import Redis

PATIENCE = 60.0
"""Seconds for an answer: two hundred at once on a busy machine take longer than the portal would wait."""
BOTH = pytest.mark.parametrize("kind", ["memory", "redis"])


@pytest.fixture
async def link(redis_url: str) -> AsyncIterator[RedisLink]:
    made = RedisLink(redis_url, patience=PATIENCE)
    await made.start()
    yield made
    await made.close()


def limiter_of(kind: str, link: RedisLink, clock: FakeClock | None) -> RateLimiter:
    return RateLimiter(clock) if kind == "memory" else RedisRateLimiter(link, clock)


async def back(link: RedisLink) -> None:
    async with asyncio.timeout(60):
        while link.away:
            await asyncio.sleep(0.02)


@BOTH
async def test_values_are_kept_for_a_while(kind: str, link: RedisLink) -> None:
    cache = MemoryCache() if kind == "memory" else RedisCache(link)
    assert await cache.get("a") is None
    await cache.set("a", b"\x00one", ttl=60)
    assert await cache.get("a") == b"\x00one"
    await cache.set("a", b"two", ttl=0)
    assert await cache.get("a") is None
    await cache.set("a", b"three", ttl=60)
    await cache.delete("a")
    assert await cache.get("a") is None
    await cache.set("short", b"1", ttl=0.05)
    async with asyncio.timeout(60):
        while await cache.get("short") is not None:
            await asyncio.sleep(0.01)


@BOTH
async def test_a_moving_window(kind: str, link: RedisLink) -> None:
    clock = FakeClock()
    limiter = limiter_of(kind, link, clock)
    start = clock.now()
    for remaining in (1, 0):
        result = await limiter.hit("user", 2, 60)
        assert (result.allowed, result.remaining, result.limit) == (True, remaining, 2)
        clock.advance(10)
    refused = await limiter.hit("user", 2, 60)
    assert (refused.allowed, refused.remaining) == (False, 0)
    assert refused.reset_at == pytest.approx(start + 60, abs=0.001)
    assert (await limiter.hit("other", 2, 60)).allowed
    clock.advance(40)
    assert (await limiter.peek("user", 2, 60)).remaining == 1
    assert (await limiter.hit("user", 2, 60)).allowed
    assert not (await limiter.hit("user", 2, 60)).allowed, "the second of the first two still counts"
    await limiter.clear("user", 2, 60)
    assert (await limiter.hit("user", 2, 60)).remaining == 1


@BOTH
async def test_exact_under_two_hundred_at_once(kind: str, link: RedisLink) -> None:
    limiter = limiter_of(kind, link, None)
    results = await asyncio.gather(*(limiter.hit("user", 100, 60) for _ in range(200)))
    assert sum(result.allowed for result in results) == 100


async def test_exact_over_two_processes_at_once(link: RedisLink) -> None:
    other = RedisLink(link.url, patience=PATIENCE)
    await other.start()
    limiters = [RedisRateLimiter(link), RedisRateLimiter(other)]
    results = await asyncio.gather(*(limiters[n % 2].hit("user", 100, 60) for n in range(240)))
    assert sum(result.allowed for result in results) == 100
    await other.close()


async def test_without_redis_strict_limits_refuse_and_others_count_here(own_redis: Redis) -> None:
    link = RedisLink(own_redis.url, beat=0.05, patience=PATIENCE)
    await link.start()
    limiter, cache = RedisRateLimiter(link), RedisCache(link)
    changes: list[bool] = []
    link.on_change.append(changes.append)
    assert (await limiter.hit("a", 1, 60)).allowed
    await cache.set("a", b"1", 60)
    own_redis.kill()
    with pytest.raises(LimitsAway):
        await limiter.hit("sign-in", 1, 60, strict=True)
    assert (await limiter.hit("b", 1, 60)).allowed
    assert not (await limiter.hit("b", 1, 60)).allowed, "it counts, if only here"
    assert await cache.get("a") is None
    await cache.set("a", b"2", 60)
    async with asyncio.timeout(60):
        while not link.away:
            await asyncio.sleep(0.01)
    own_redis.start()
    await back(link)
    assert changes == [False, True]
    assert (await limiter.hit("sign-in", 1, 60, strict=True)).allowed
    await link.close()


async def test_nobody_waits_for_a_frozen_redis(own_redis: Redis) -> None:
    link = RedisLink(own_redis.url, beat=0.05, patience=0.2)
    await link.start()
    own_redis.pause()
    async with asyncio.timeout(60):
        while not link.away:
            await asyncio.sleep(0.01)
    began = time.perf_counter()
    for _ in range(200):
        with pytest.raises(RedisAway):
            await link.ask(lambda client: client.get("a"))
    assert time.perf_counter() - began < 20, "two hundred questions do not take two hundred waits"
    own_redis.resume()
    await back(link)
    await link.close()


async def test_a_redis_that_takes_no_writes_counts_as_away(own_redis: Redis) -> None:
    with own_redis.client() as client:
        client.config_set("maxmemory", "1")
        client.config_set("maxmemory-policy", "noeviction")
    link = RedisLink(own_redis.url, beat=0.05, patience=PATIENCE)
    await link.start()
    assert link.away
    with own_redis.client() as client:
        client.config_set("maxmemory", "0")
    await back(link)
    await link.close()


async def test_messages_reach_every_listener_also_after_a_restart(own_redis: Redis) -> None:
    heard: list[bytes] = []

    async def hear(message: bytes) -> None:
        heard.append(message)

    async def heard_of(link: RedisLink, message: bytes) -> None:
        async with asyncio.timeout(60):
            while message not in heard:
                link.publish("words", message)
                await asyncio.sleep(0.02)

    listener, speaker = RedisLink(own_redis.url, beat=0.05), RedisLink(own_redis.url, beat=0.05)
    listener.subscribe("words", hear)
    await listener.start()
    await speaker.start()
    await heard_of(speaker, b"one")
    own_redis.kill()
    own_redis.start()
    await heard_of(speaker, b"two")
    await listener.close()
    await speaker.close()


def test_they_are_found_as_drivers() -> None:
    assert load_driver("medianest.cache", "redis") is RedisCache
    assert load_driver("medianest.limits", "redis") is RedisRateLimiter
    assert load_driver("medianest.limits", "memory") is RateLimiter
