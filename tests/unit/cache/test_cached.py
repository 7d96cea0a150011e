"""Kept answers: asked for once, fresh for their time, shown a little longer when asking fails, counted and cleared."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medianest_core.base.clock import FakeClock
from medianest_core.cache.cached import Cached, Caches
from medianest_core.cache.memory import MemoryCache
from medianest_core.sdk.errors import NotFound, NotReady


@dataclass(frozen=True)
class Answer:
    text: str
    parts: tuple[int, ...] = ()


class Service:
    """Answers with how often it was asked, or raises."""

    def __init__(self) -> None:
        self.asked = 0
        self.error: Exception | None = None
        self.gate: asyncio.Event | None = None

    async def __call__(self) -> Answer:
        self.asked += 1
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        return Answer(f"answer {self.asked}", (1, 2))


def made(clock: FakeClock, store: MemoryCache | None = None) -> tuple[Caches, Cached[Answer]]:
    caches = Caches(store or MemoryCache(timer=clock.now), clock)
    return caches, caches.add("answers", Answer, fresh=60, stale=300)


async def test_an_answer_is_asked_for_once_until_it_is_no_longer_fresh() -> None:
    clock, service = FakeClock(1000.0), Service()
    _, cached = made(clock)
    assert await cached.get("a", service) == await cached.get("a", service) == Answer("answer 1", (1, 2))
    assert service.asked == 1
    await cached.get("b", service)
    assert service.asked == 2
    clock.advance(59.9)
    assert (await cached.held("a", service)).at == 1000.0
    clock.advance(0.1)
    assert (await cached.get("a", service)).text == "answer 3"


async def test_those_who_ask_at_once_share_one_question_even_when_the_first_leaves() -> None:
    clock, service = FakeClock(0.0), Service()
    service.gate = asyncio.Event()
    _, cached = made(clock)
    first = asyncio.create_task(cached.get("a", service))
    others = [asyncio.create_task(cached.get("a", service)) for _ in range(5)]
    while not service.asked:
        await asyncio.sleep(0)
    first.cancel()
    service.gate.set()
    assert {(await one).text for one in others} == {"answer 1"}
    assert service.asked == 1


async def test_a_service_that_is_away_costs_the_freshness_and_no_more() -> None:
    clock, service = FakeClock(0.0), Service()
    caches, cached = made(clock)
    await cached.get("a", service)
    service.error = NotReady("gone")
    clock.advance(100)
    held = await cached.held("a", service)
    assert (held.value.text, held.at, held.stale) == ("answer 1", 0.0, True)
    clock.advance(259)
    assert (await cached.held("a", service)).stale
    clock.advance(1)
    with pytest.raises(NotReady):
        await cached.get("a", service)
    (facts,) = await caches.facts()
    assert (facts.rescued, facts.failed) == (2, 3)


async def test_an_answer_is_never_kept_in_place_of_a_no() -> None:
    clock, service = FakeClock(0.0), Service()
    _, cached = made(clock)
    await cached.get("a", service)
    service.error = NotFound("never was")
    clock.advance(61)
    with pytest.raises(NotFound):
        await cached.get("a", service)


async def test_it_is_counted_and_cleared_for_all_who_share_the_store() -> None:
    clock, service, store = FakeClock(5.0), Service(), MemoryCache()
    caches, cached = made(clock, store)
    _, elsewhere = made(clock, store)
    await cached.get("a", service)
    await elsewhere.get("a", service)
    await cached.get("a", service)
    assert service.asked == 1
    (facts,) = await caches.facts()
    assert (facts.entries, facts.hits, facts.misses, facts.oldest_at) == (1, 1, 1, 5.0)
    assert facts.bytes > 10
    assert facts.ratio == 0.5
    assert await caches.clear("answers")
    assert not await caches.clear("nothing")
    (facts,) = await caches.facts()
    assert (facts.entries, facts.bytes) == (0, 0)
    await elsewhere.get("a", service)
    assert service.asked == 2
    await cached.forget("a")
    await elsewhere.get("a", service)
    assert service.asked == 3


async def test_what_another_version_kept_is_asked_for_anew() -> None:
    clock, service, store = FakeClock(0.0), Service(), MemoryCache()
    old = Caches(store, clock).add("answers", dict[str, int], fresh=60)

    async def numbers() -> dict[str, int]:
        return {"n": 1}

    await old.get("a", numbers)
    _, cached = made(clock, store)
    assert (await cached.get("a", service)).text == "answer 1"


def test_names_are_taken_once() -> None:
    caches, _ = made(FakeClock(0.0))
    with pytest.raises(ValueError, match="answers"):
        caches.add("answers", Answer)


@given(steps=st.lists(st.tuples(st.floats(0, 100), st.booleans()), max_size=30))
def test_nothing_older_than_both_times_is_ever_shown(steps: list[tuple[float, bool]]) -> None:
    async def run() -> None:
        clock, service = FakeClock(0.0), Service()
        _, cached = made(clock)
        for passed, works in steps:
            clock.advance(passed)
            service.error = None if works else NotReady("gone")
            before = service.asked
            try:
                held = await cached.held("a", service)
            except NotReady:
                continue
            age = clock.now() - held.at
            assert age < (360 if held.stale else 60)
            assert held.stale is (service.asked > before and not works)

    asyncio.run(run())
