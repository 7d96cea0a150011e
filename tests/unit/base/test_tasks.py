"""Deadlines that hold against code that does not want to end."""

from __future__ import annotations

import asyncio
import sys

import pytest

from medianest_core.base.tasks import Exited, Overdue, TaskKeeper, abandoned, bounded, spawn


async def test_gives_the_result_or_the_error() -> None:
    async def good() -> int:
        return 7

    async def bad() -> int:
        raise KeyError("x")

    assert await bounded(good(), 1) == 7
    with pytest.raises(KeyError):
        await bounded(bad(), 1)


async def test_a_slow_call_is_cancelled() -> None:
    cancelled = asyncio.Event()

    async def slow() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    with pytest.raises(Overdue):
        await bounded(slow(), 0.01)
    assert cancelled.is_set()


async def test_a_call_that_swallows_cancellation_is_left_behind() -> None:
    release = asyncio.Event()
    ended = asyncio.Event()

    async def stubborn() -> None:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue
        ended.set()
        raise RuntimeError("too late for anyone to hear")

    before = abandoned()
    with pytest.raises(Overdue):
        await bounded(stubborn(), 0.01, grace=0.01)
    assert abandoned() == before + 1
    release.set()
    await ended.wait()
    await asyncio.sleep(0)
    assert abandoned() == before


@pytest.mark.parametrize("leave", [lambda: sys.exit(3), lambda: exec("raise KeyboardInterrupt")])
async def test_an_exit_stays_inside(leave: object) -> None:
    async def exits() -> None:
        await asyncio.sleep(0)
        leave()  # type: ignore[operator]

    with pytest.raises(Exited):
        await bounded(exits(), 1)


async def test_cancelling_the_caller_cancels_the_call() -> None:
    started, cancelled = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    caller = asyncio.create_task(bounded(slow(), 60))
    await started.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert cancelled.is_set()


async def test_a_background_failure_is_contained() -> None:
    async def bad() -> None:
        sys.exit(1)

    task = spawn(bad(), "bad")
    await asyncio.wait({task})
    assert isinstance(task.exception(), Exited)


async def test_a_keeper_ends_its_tasks() -> None:
    keeper = TaskKeeper()
    task = keeper.spawn(asyncio.Event().wait(), "for ever")
    await keeper.close()
    assert task.cancelled()
