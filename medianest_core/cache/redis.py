"""The cache and the rate limits that all processes share, in Redis."""

from __future__ import annotations

import math
from typing import Any

from medianest_core.base.clock import Clock
from medianest_core.base.redis_link import RedisAway, RedisLink
from medianest_core.cache.limits import LimitResult, LimitsAway, RateLimiter

_MOVING_WINDOW = """
local limit, per, count, given = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], ARGV[4]
local now
if given == '' then
  local time = redis.call('TIME')
  now = tonumber(time[1]) + tonumber(time[2]) / 1000000
else
  now = tonumber(given)
end
local oldest = redis.call('LINDEX', KEYS[1], -1)
while oldest and tonumber(oldest) <= now - per do
  redis.call('RPOP', KEYS[1])
  oldest = redis.call('LINDEX', KEYS[1], -1)
end
local hits = redis.call('LLEN', KEYS[1])
local allowed = 0
if hits < limit then
  allowed = 1
  if count == '1' then
    local stamp = string.format('%.6f', now)
    redis.call('LPUSH', KEYS[1], stamp)
    redis.call('EXPIRE', KEYS[1], math.ceil(per) + 1)
    hits = hits + 1
    oldest = oldest or stamp
  end
end
return {allowed, hits, tostring(oldest or string.format('%.6f', now))}
"""
"""One step of a moving window: nobody counts between the look and the hit, so it is exact over all processes. The time is Redis's."""


class RedisCache:
    """Values are bytes. While Redis is away nothing is found and nothing is kept."""

    def __init__(self, link: RedisLink) -> None:
        self._link = link

    async def get(self, key: str) -> bytes | None:
        try:
            value: Any = await self._link.ask(lambda client: client.get(self._name(key)))
        except RedisAway:
            return None
        return value if isinstance(value, bytes) else None

    async def set(self, key: str, value: bytes, ttl: float) -> None:
        """Keep for `ttl` seconds at most."""
        try:
            if ttl <= 0:
                await self._link.ask(lambda client: client.delete(self._name(key)))
            else:
                await self._link.ask(
                    lambda client: client.set(self._name(key), value, px=max(1, round(ttl * 1000)))
                )
        except RedisAway:
            return

    async def delete(self, key: str) -> None:
        try:
            await self._link.ask(lambda client: client.delete(self._name(key)))
        except RedisAway:
            return

    async def close(self) -> None:
        """The link is not ours."""

    def _name(self, key: str) -> str:
        return f"{self._link.prefix}cache:{key}"


class RedisRateLimiter(RateLimiter):
    """Counts over all processes; in this process alone while Redis is away, but for strict limits, which refuse then."""

    def __init__(self, link: RedisLink, clock: Clock | None = None) -> None:
        """clock: instead of Redis's own time."""
        super().__init__(clock)
        self._link = link
        self._given = clock
        self._script: Any = None

    async def hit(self, key: str, limit: int, per: float, *, strict: bool = False) -> LimitResult:
        return await self._shared(key, limit, per, strict, count=True)

    async def peek(self, key: str, limit: int, per: float, *, strict: bool = False) -> LimitResult:
        return await self._shared(key, limit, per, strict, count=False)

    async def clear(self, key: str, limit: int, per: float) -> None:
        await super().clear(key, limit, per)
        try:
            await self._link.ask(lambda client: client.delete(self._name(key, per)))
        except RedisAway:
            return

    async def _shared(self, key: str, limit: int, per: float, strict: bool, *, count: bool) -> LimitResult:
        name, seconds = self._name(key, per), max(1, math.ceil(per))
        given = repr(self._given.now()) if self._given is not None else ""
        if self._script is None:
            self._script = self._link.client.register_script(_MOVING_WINDOW)
        try:
            allowed, hits, oldest = await self._link.ask(
                lambda client: self._script(
                    keys=[name], args=[limit, seconds, "1" if count else "0", given], client=client
                )
            )
        except RedisAway as error:
            if strict:
                raise LimitsAway() from error
            return self._ask(key, limit, per, count=count)
        return LimitResult(bool(allowed), max(0, limit - int(hits)), limit, float(oldest) + seconds)

    def _name(self, key: str, per: float) -> str:
        return f"{self._link.prefix}limit:{max(1, math.ceil(per))}:{key}"
