"""Who holds up the event loop is named, set aside when that happens again and again, and given one more chance."""

from __future__ import annotations

import asyncio
from types import ModuleType, SimpleNamespace
from typing import Any

from medianest_core.base.clock import FakeClock
from medianest_core.base.loopwatch import Stall
from medianest_core.host.faults import Faults
from medianest_core.host.onefile import PREFIX
from medianest_core.host.watchdog import MARKED_AFTER, PROBATION, STRIKES, WINDOW, Owners, Watchdog


class Host:
    """Writes down what is done to plugins."""

    def __init__(self) -> None:
        self.done: list[tuple[str, ...]] = []
        self.tasks: list[asyncio.Task[None]] = []

    def mark_blocking(self, plugin: str) -> None:
        self.done.append(("marked", plugin))

    def unmark(self) -> None:
        self.done.append(("unmarked",))

    async def set_aside(self, plugin: str, reason: str, *, for_good: bool) -> None:
        self.done.append(("for good" if for_good else "for a while", plugin, reason))

    async def try_again(self, plugin: str) -> None:
        self.done.append(("tried", plugin))

    def spawn(self, work: Any, name: str) -> None:
        self.tasks.append(asyncio.create_task(work, name=name))

    async def idle(self) -> None:
        await asyncio.gather(*self.tasks)


def stall(owner: str = "slow", *, seconds: float = 2.5, looks: int = 2, over: bool = True) -> Stall:
    return Stall(seconds, "slow.pages", "/site/slow/pages.py", 12, "", owner, looks, over)


def watchdog(host: Host, clock: FakeClock) -> tuple[Watchdog, Faults]:
    faults = Faults(clock)
    return Watchdog(faults, host, clock, host.spawn, pause=0.0), faults


async def test_it_is_named_with_file_and_line() -> None:
    host, clock = Host(), FakeClock(0.0)
    dog, faults = watchdog(host, clock)
    dog.judge(stall())
    (fault,) = faults.of("slow")
    assert fault.where == "event loop" and "at /site/slow/pages.py:12." in fault.text
    assert host.tasks == []


async def test_often_means_set_aside_then_tried_once_more_then_the_end() -> None:
    host, clock = Host(), FakeClock(0.0)
    dog, _ = watchdog(host, clock)
    for _ in range(STRIKES):
        dog.judge(stall())
    await host.idle()
    aside, tried = host.done
    assert aside[:2] == ("for a while", "slow") and "2.5 seconds at /site/slow/pages.py:12" in aside[2]
    assert tried == ("tried", "slow")
    clock.advance(PROBATION - 1)
    dog.judge(stall())
    await host.idle()
    assert host.done[-1][:2] == ("for good", "slow") and "again" in host.done[-1][2]


async def test_a_pardon_is_a_fresh_start() -> None:
    host, clock = Host(), FakeClock(0.0)
    dog, _ = watchdog(host, clock)
    for _ in range(STRIKES):
        dog.judge(stall())
    await host.idle()
    dog.forgive("slow")
    dog.judge(stall())
    await host.idle()
    assert len(host.done) == 2


async def test_seldom_or_hardly_seen_is_not_held_against_it() -> None:
    host, clock = Host(), FakeClock(0.0)
    dog, faults = watchdog(host, clock)
    for _ in range(3 * STRIKES):
        dog.judge(stall(looks=1))
    for _ in range(3 * STRIKES):
        clock.advance(WINDOW / (STRIKES - 1) + 1)
        dog.judge(stall())
    assert host.tasks == [] and faults.of("slow")[0].count == 6 * STRIKES


async def test_while_it_lasts_a_mark_names_it_for_the_next_start() -> None:
    host, clock = Host(), FakeClock(0.0)
    dog, faults = watchdog(host, clock)
    dog.start()
    dog.stalled(stall(seconds=MARKED_AFTER - 1, over=False))
    dog.stalled(stall(owner="", seconds=MARKED_AFTER + 1, over=False))
    assert host.done == []
    for _ in range(3):
        dog.stalled(stall(seconds=MARKED_AFTER + 1, over=False))
    assert host.done == [("marked", "slow")]
    dog.stalled(stall(seconds=MARKED_AFTER + 2))
    assert host.done == [("marked", "slow"), ("unmarked",)]
    await asyncio.sleep(0)
    assert faults.of("slow")


def test_whose_code_a_module_is() -> None:
    def declared(plugin: str, module: str) -> Any:
        return SimpleNamespace(plugin=plugin, module=ModuleType(module))

    owners = Owners(
        lambda: [
            declared("checks", "medianest_core.builtin.checks.plugin"),
            declared("plex", "medianest_plex.plugin"),
            declared("mine", f"{PREFIX}0123.mine"),
            declared("other", f"{PREFIX}0123.other"),
        ]
    )
    assert owners("medianest_plex.client") == "plex" == owners("medianest_plex")
    assert owners(f"{PREFIX}0123.other") == "other"
    assert (
        owners("medianest_plexus.client")
        == owners("medianest_core.builtin.checks.dns")
        == owners("json")
        == ""
    )
