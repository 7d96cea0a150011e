"""Places for running jobs."""

from __future__ import annotations

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from medianest_core.jobs.slots import Slots


async def test_as_many_as_there_are_one_at_least() -> None:
    slots = Slots(4)
    assert await slots.several(3) == 3
    assert await slots.several(3) == 1
    waiting = asyncio.create_task(slots.several(3))
    await asyncio.sleep(0)
    assert not waiting.done()
    slots.give_back(2)
    assert await waiting == 2


async def test_a_certain_job_comes_first() -> None:
    slots = Slots(1)
    await slots.one()
    order: list[str] = []

    async def any_job() -> None:
        await slots.several(1)
        order.append("any")

    async def certain() -> None:
        await slots.one()
        order.append("certain")

    tasks = [asyncio.create_task(any_job()), asyncio.create_task(certain())]
    await asyncio.sleep(0)
    assert slots.wanted
    slots.give_back()
    await tasks[1]
    slots.give_back()
    await tasks[0]
    assert order == ["certain", "any"]


async def test_a_turn_that_nobody_waits_for_any_more_goes_to_the_next() -> None:
    slots = Slots(1)
    await slots.one()
    first, second = asyncio.create_task(slots.one()), asyncio.create_task(slots.one())
    await asyncio.sleep(0)
    slots.give_back()
    first.cancel()
    await asyncio.wait_for(second, 60)
    assert slots.free == 0


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 4), st.lists(st.tuples(st.booleans(), st.integers(1, 5)), max_size=30))
def test_never_more_than_there_are_and_everybody_gets_a_turn(
    count: int, wishes: list[tuple[bool, int]]
) -> None:
    async def scenario() -> None:
        slots, running = Slots(count), 0

        async def work(certain: bool, most: int) -> None:
            nonlocal running
            taken = 1
            if certain:
                await slots.one()
            else:
                taken = await slots.several(most)
            assert 1 <= taken <= most
            running += taken
            assert running <= count
            await asyncio.sleep(0)
            running -= taken
            slots.give_back(taken)

        await asyncio.wait_for(asyncio.gather(*(work(*wish) for wish in wishes)), 60)
        assert slots.free == count

    asyncio.run(scenario())
