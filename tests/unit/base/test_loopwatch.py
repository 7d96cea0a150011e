"""The watchdog names what blocks the loop: owner, file and line."""

from __future__ import annotations

import asyncio
import threading
import types

from medianest_core.base.loopwatch import LoopWatch, Stall

SOURCE = "def block(event):\n    event.wait(30)\n"


class Seen:
    """All stalls, and when there were enough of them. owner: only theirs count, as the loop of a busy machine may stand still for
    other reasons, too."""

    def __init__(self, looks: int, owner: str | None = None) -> None:
        self._owner = owner
        self.stalls: list[Stall] = []
        self.enough = threading.Event()
        self.over = threading.Event()
        self._looks = looks

    def __call__(self, stall: Stall) -> None:
        if self._owner is not None and stall.owner != self._owner:
            return
        self.stalls.append(stall)
        if stall.looks >= self._looks:
            self.enough.set()
        if stall.over:
            self.over.set()


def owner(module: str) -> str:
    return "slow" if module.startswith("someones_slow") else ""


async def test_a_blocking_plugin_is_named_with_its_line() -> None:
    seen = Seen(looks=3, owner="slow")
    plugin = types.ModuleType("someones_slow.pages")
    exec(compile(SOURCE, "/site/someones_slow/pages.py", "exec"), plugin.__dict__)
    watch = LoopWatch(threshold=0.05, on_stall=seen, owner=owner)
    watch.start()
    plugin.block(seen.enough)
    assert await asyncio.to_thread(seen.over.wait, 30)
    watch.stop()
    first, last = seen.stalls[0], seen.stalls[-1]
    assert (first.owner, first.module, first.place) == (
        "slow",
        "someones_slow.pages",
        "/site/someones_slow/pages.py:2",
    )
    assert first.seconds >= 0.05 and not first.over and "in block" in first.stack
    assert last.over and last.looks >= 3 and last.seconds >= first.seconds
    assert last.place == first.place


async def test_one_that_nobody_owns_is_told_too() -> None:
    seen = Seen(looks=1)
    watch = LoopWatch(threshold=0.05, on_stall=seen)
    watch.start()
    seen.enough.wait(30)
    watch.stop()
    assert seen.stalls[0].owner == "" and seen.stalls[0].file.endswith(".py")


async def test_the_watch_survives_whoever_is_told() -> None:
    seen = Seen(looks=1)

    def fails(stall: Stall) -> None:
        seen(stall)
        raise RuntimeError("cannot be told")

    watch = LoopWatch(threshold=0.05, on_stall=fails)
    watch.start()
    for _ in range(2):
        seen.enough.clear()
        seen.enough.wait(30)
        assert await asyncio.to_thread(seen.over.wait, 30)
        seen.over.clear()
    watch.stop()
    assert sum(one.over for one in seen.stalls) >= 2


async def test_a_free_loop_is_left_alone() -> None:
    stalls: list[Stall] = []
    watch = LoopWatch(threshold=20.0, on_stall=stalls.append)
    watch.start()
    for _ in range(20):
        await asyncio.sleep(0)
    watch.stop()
    assert stalls == []
