"""Answers that are kept for a while: asked for once however many want them, and shown a little longer when asking fails.

`Caches` makes them and tells how each fares, beside other stores of the process that can say the same of themselves.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from medianest_core.base.clock import Clock, SystemClock
from medianest_core.cache.values import Cache
from medianest_core.sdk.errors import InvalidResponse, NotReady, RateLimited

T = TypeVar("T")
UPSTREAM = 300.0
"""Seconds that an answer of a service is fresh, unless something else is said."""
LIBRARY = 600.0
"""Seconds for what a media server says of its library."""
STATUS, STATUS_STALE = 60.0, 300.0
"""Seconds that a status is fresh, and that it is still shown when asking fails."""
_AWAY = (NotReady, RateLimited, InvalidResponse)
_REMEMBERED = 2_000
_GENERATION = 30 * 86_400.0


@dataclass(frozen=True, slots=True)
class Facts:
    """How a cache fares in this process. fresh: seconds an entry is good, None without a limit. stale: seconds it may still be shown
    afterwards when asking fails. capacity: bytes. oldest_at: epoch seconds. hits, misses, rescued and failed count since the start;
    rescued: shown although asking failed."""

    name: str
    entries: int
    bytes: int
    hits: int = 0
    misses: int = 0
    rescued: int = 0
    failed: int = 0
    fresh: float | None = None
    stale: float = 0.0
    capacity: int | None = None
    oldest_at: float | None = None

    @property
    def ratio(self) -> float | None:
        """Hits of all questions; None before the first."""
        asked = self.hits + self.misses
        return self.hits / asked if asked else None


class Counted(Protocol):
    """A store that can be looked at and emptied."""

    async def facts(self) -> Facts: ...

    async def clear(self) -> None: ...


class _Envelope(BaseModel, Generic[T]):
    at: float
    value: T


@dataclass(frozen=True, slots=True)
class Held(Generic[T]):
    """at: when it was answered, epoch seconds. stale: it should be newer, but asking failed."""

    value: T
    at: float
    stale: bool = False


class Cached(Generic[T]):
    """Values of one kind. fresh, stale: seconds; see `Facts`. Make them with `Caches.add`."""

    def __init__(
        self, store: Cache, clock: Clock, name: str, kind: Any, *, fresh: float, stale: float = 0.0
    ) -> None:
        self.name = name
        self._store = store
        self._clock = clock
        self._made_of = kind
        self._fresh = fresh
        self._stale = stale
        self._running: dict[str, asyncio.Task[Held[T]]] = {}
        self._known: OrderedDict[str, tuple[float, int]] = OrderedDict()
        self._hits = self._misses = self._rescued = self._failed = 0

    @cached_property
    def _kind(self) -> TypeAdapter[_Envelope[T]]:
        # Made by the first question, not by every start.
        envelope: Any = _Envelope
        return TypeAdapter(envelope[self._made_of])

    async def get(self, key: str, make: Callable[[], Awaitable[T]]) -> T:
        """The value of `key`, asked for with `make` where none is fresh. Raises what `make` raises."""
        return (await self.held(key, make)).value

    async def held(self, key: str, make: Callable[[], Awaitable[T]]) -> Held[T]:
        """`get`, with the time it was answered."""
        place = await self._place(key)
        known = await self._read(place)
        if known is not None and self._clock.now() - known.at < self._fresh:
            self._hits += 1
            return known
        task = self._running.get(place)
        if task is None:
            self._misses += 1
            task = asyncio.create_task(self._ask(place, known, make), name=f"cache {self.name}")
            self._running[place] = task
            task.add_done_callback(lambda done: self._done(place, done))
        else:
            self._hits += 1
        # It goes on when the first who asked leaves.
        return await asyncio.shield(task)

    async def known(self, key: str) -> Held[T] | None:
        """What is kept for `key`, however old, without asking."""
        return await self._read(await self._place(key))

    async def forget(self, key: str) -> None:
        """Ask anew for `key` next time."""
        place = await self._place(key)
        self._known.pop(place, None)
        await self._store.delete(place)

    async def clear(self) -> None:
        """Ask anew for everything, in every process that shares the store."""
        generation = int(await self._store.get(self._counter) or b"0")
        await self._store.set(self._counter, str(generation + 1).encode(), _GENERATION)
        for place in list(self._known):
            await self._store.delete(place)
        self._known.clear()

    async def facts(self) -> Facts:
        now = self._clock.now()
        kept = self._fresh + self._stale
        while self._known and next(iter(self._known.values()))[0] + kept <= now:
            self._known.popitem(last=False)
        return Facts(
            name=self.name,
            entries=len(self._known),
            bytes=sum(size for _, size in self._known.values()),
            hits=self._hits,
            misses=self._misses,
            rescued=self._rescued,
            failed=self._failed,
            fresh=self._fresh,
            stale=self._stale,
            oldest_at=min((at for at, _ in self._known.values()), default=None),
        )

    @property
    def _counter(self) -> str:
        return f"kept:{self.name}:cleared"

    async def _place(self, key: str) -> str:
        generation = (await self._store.get(self._counter) or b"0").decode()
        digest = hashlib.sha256(key.encode()).hexdigest()[:32]
        return f"kept:{self.name}:{generation}:{digest}"

    async def _read(self, place: str) -> Held[T] | None:
        content = await self._store.get(place)
        if content is None:
            return None
        try:
            found = self._kind.validate_json(content)
        except ValidationError:
            # Another version of the portal kept it.
            return None
        return Held(found.value, found.at)

    async def _ask(self, place: str, known: Held[T] | None, make: Callable[[], Awaitable[T]]) -> Held[T]:
        try:
            value = await make()
        except _AWAY:
            self._failed += 1
            if known is None or self._clock.now() - known.at >= self._fresh + self._stale:
                raise
            self._rescued += 1
            return Held(known.value, known.at, stale=True)
        at = self._clock.now()
        content = self._kind.dump_json(_Envelope[T](at=at, value=value))
        await self._store.set(place, content, self._fresh + self._stale)
        self._known.pop(place, None)
        self._known[place] = (at, len(content))
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return Held(value, at)

    def _done(self, place: str, task: asyncio.Task[Held[T]]) -> None:
        self._running.pop(place, None)
        if not task.cancelled():
            # Whoever asked was told; nobody may be left who did.
            task.exception()


class Caches:
    """All caches of this process, by name."""

    def __init__(self, store: Cache, clock: Clock | None = None) -> None:
        self._store = store
        self._clock = clock or SystemClock()
        self._all: dict[str, Counted] = {}

    def add(self, name: str, kind: type[T], *, fresh: float = UPSTREAM, stale: float = 0.0) -> Cached[T]:
        """A new cache of values of `kind`, which pydantic can read and write. Raises ValueError for a name that is taken."""
        if name in self._all:
            raise ValueError(f"there is a cache called {name!r}")
        made: Cached[T] = Cached(self._store, self._clock, name, kind, fresh=fresh, stale=stale)
        self.show(name, made)
        return made

    def show(self, name: str, store: Counted) -> None:
        """List a store that keeps its things itself, in place of one of that name."""
        self._all[name] = store

    async def facts(self) -> list[Facts]:
        return [await store.facts() for store in self._all.values()]

    async def clear(self, name: str) -> bool:
        """Empty one; False where there is none of that name."""
        store = self._all.get(name)
        if store is None:
            return False
        await store.clear()
        return True
