"""How long a source is borne with: by its signs of life, not counting what it waits for us."""

from __future__ import annotations

import asyncio

import pytest

from medianest_core.base.tasks import Overdue
from medianest_core.domain.library.syncing.patience import Pulse, watched


class Timer:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_time_in_which_it_waits_for_us_does_not_count() -> None:
    timer = Timer()
    pulse = Pulse(timer)
    timer.now = 3.0
    assert (pulse.still(), pulse.taken()) == (3.0, 3.0)
    with pulse.ours():
        timer.now = 50.0
        assert (pulse.still(), pulse.taken()) == (0.0, 3.0)
    assert (pulse.still(), pulse.taken()) == (0.0, 3.0)
    timer.now = 52.0
    assert (pulse.still(), pulse.taken()) == (2.0, 5.0)
    pulse.beat()
    assert (pulse.still(), pulse.taken()) == (0.0, 5.0)


async def test_what_ends_or_fails_does_so() -> None:
    done: list[int] = []

    async def work() -> None:
        done.append(1)

    async def fails() -> None:
        raise ValueError("its own")

    await watched(work(), Pulse(), patience=5.0, longest=5.0)
    assert done == [1]
    with pytest.raises(ValueError, match="its own"):
        await watched(fails(), Pulse(), patience=5.0, longest=5.0)


async def test_one_that_hangs_is_cancelled_and_given_up() -> None:
    ended = asyncio.Event()

    async def hangs() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(Overdue, match="Nothing came"):
        await watched(hangs(), Pulse(), patience=0.05, longest=60.0)
    assert ended.is_set()


async def test_one_that_moves_for_ever_is_given_up_too() -> None:
    pulse = Pulse()

    async def moves() -> None:
        while True:
            pulse.beat()
            await asyncio.sleep(0)

    with pytest.raises(Overdue, match="longer than"):
        await watched(moves(), pulse, patience=60.0, longest=0.05)


async def test_cancelling_the_run_ends_the_work() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def hangs() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    task = asyncio.create_task(watched(hangs(), Pulse(), patience=60.0, longest=60.0))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()
