"""The watchdog names what blocks the loop."""

from __future__ import annotations

import asyncio
import threading
import types

from medianest_core.base.loopwatch import LoopWatch, Stall


async def test_a_blocking_plugin_is_named() -> None:
    stalls: list[Stall] = []
    noticed = threading.Event()

    def on_stall(stall: Stall) -> None:
        stalls.append(stall)
        noticed.set()

    plugin = types.ModuleType("medianest_slow.pages")
    exec("def block(event):\n    event.wait(20)\n", plugin.__dict__)
    watch = LoopWatch(threshold=0.05, on_stall=on_stall)
    watch.start()
    plugin.block(noticed)
    watch.stop()
    assert stalls[0].module == "medianest_slow.pages"
    assert stalls[0].seconds >= 0.05
    assert "event.wait" in stalls[0].stack or "block" in stalls[0].stack


async def test_a_free_loop_is_left_alone() -> None:
    stalls: list[Stall] = []
    watch = LoopWatch(threshold=2.0, on_stall=stalls.append)
    watch.start()
    for _ in range(20):
        await asyncio.sleep(0)
    watch.stop()
    assert stalls == []
