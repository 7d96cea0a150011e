from __future__ import annotations

import asyncio
import gc
import threading
import warnings
from collections.abc import Iterator

import pytest

from medianest_core.jobs import bridge as module
from medianest_core.jobs.bridge import LoopBridge


@pytest.fixture(autouse=True)
def no_leftovers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A coroutine that is never awaited is a failure."""
    monkeypatch.setattr(module, "_LOOK_EVERY", 0.01)
    # What other tests left behind is not ours.
    gc.collect()
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        yield
        gc.collect()
    assert not [str(one.message) for one in seen if "never awaited" in str(one.message)]


async def test_work_is_done_on_the_loop_while_the_thread_waits() -> None:
    done: list[threading.Thread] = []

    async def work() -> None:
        await asyncio.sleep(0)
        done.append(threading.current_thread())

    await asyncio.to_thread(LoopBridge(asyncio.get_running_loop()).run, work)
    assert done == [threading.current_thread()]


async def test_an_error_of_the_work_does_not_keep_the_thread() -> None:
    async def work() -> None:
        raise asyncio.CancelledError

    await asyncio.to_thread(LoopBridge(asyncio.get_running_loop()).run, work)


def test_a_loop_that_ends_first_leaves_no_work_begun() -> None:
    loop = asyncio.new_event_loop()
    running, ending = threading.Event(), threading.Event()
    begun: list[str] = []
    told: list[BaseException] = []

    async def work() -> None:
        begun.append("work")

    def bring() -> None:
        try:
            LoopBridge(loop).run(work)
        except RuntimeError as error:
            told.append(error)

    def hold() -> None:
        running.set()
        assert ending.wait(60)
        loop.stop()

    loop.call_soon(hold)
    server = threading.Thread(target=loop.run_forever)
    server.start()
    assert running.wait(60)
    worker = threading.Thread(target=bring)
    worker.start()
    # What the worker asks for stands behind the loop's last step.
    while not loop._ready:  # type: ignore[attr-defined]  # there is no public way to look
        pass
    ending.set()
    server.join(10)
    worker.join(10)
    loop.close()
    assert (begun, len(told)) == ([], 1)


def test_a_closed_loop_is_told_apart() -> None:
    loop = asyncio.new_event_loop()
    loop.close()

    async def work() -> None:
        raise AssertionError

    with pytest.raises(RuntimeError):
        LoopBridge(loop).run(work)
