"""Slots always come back."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medianest_core.base.bulkhead import Bulkhead
from medianest_core.base.tasks import bounded
from medianest_core.sdk.errors import NotReady


async def test_no_more_than_its_size_run_at_once() -> None:
    bulkhead = Bulkhead(8)
    running = peak = 0

    async def call() -> None:
        nonlocal running, peak
        async with bulkhead.slot():
            running += 1
            peak = max(peak, running)
            await asyncio.sleep(0)
            running -= 1

    await asyncio.gather(*(call() for _ in range(50)))
    assert peak == 8
    assert bulkhead.used == 0


async def test_who_waits_too_long_is_told() -> None:
    bulkhead = Bulkhead(1)
    async with bulkhead.slot():
        with pytest.raises(NotReady):
            async with bulkhead.slot(wait=0.01):
                pass
    async with bulkhead.slot(wait=0.01):
        pass


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(["ends", "raises", "cancelled", "abandoned"]), min_size=1, max_size=20))
def test_slots_come_back_however_calls_end(ends: list[str]) -> None:
    async def scenario() -> None:
        bulkhead = Bulkhead(3)
        release = asyncio.Event()

        async def work(how: str) -> None:
            if how == "raises":
                raise RuntimeError
            if how == "cancelled":
                await asyncio.Event().wait()
            while how == "abandoned" and not release.is_set():
                with contextlib.suppress(asyncio.CancelledError):
                    await release.wait()

        async def call(how: str) -> None:
            with contextlib.suppress(RuntimeError, NotReady):
                async with bulkhead.slot(wait=5):
                    await bounded(work(how), 0.005, grace=0.001)

        await asyncio.gather(*(call(how) for how in ends))
        assert bulkhead.used == 0
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(3):
                await stack.enter_async_context(bulkhead.slot(wait=0))
        release.set()
        await asyncio.sleep(0)

    asyncio.run(scenario())
