"""What is done about a plugin that holds up the event loop, and with it everybody.

It is named with file and line. One that does it again and again is set aside, gets a second chance after a pause, and is suspended
for good when it does it once more. While it lasts a mark on disk names it, so that a portal which had to be killed does not
start it again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from medianest_core.base.clock import Clock
from medianest_core.base.loopwatch import Stall
from medianest_core.base.texts import N_
from medianest_core.host import onefile
from medianest_core.host.declarations import Declarations
from medianest_core.host.faults import Faults

STRIKES, WINDOW = 3, 600.0
"""So many times within so many seconds are too often."""
LOOKS = 2
"""A stall counts against a plugin that was seen in it so often: once may be chance where the machine itself is held up."""
MARKED_AFTER = 5.0
"""Seconds of standing still after which somebody may kill the portal."""
SECOND_CHANCE = 600.0
"""Seconds that a plugin is set aside before it is tried again."""
PROBATION = 24 * 3600.0
"""Seconds after a second chance in which the next stall is the last."""


class Owners:
    """Whose code a module is. active: the plugins that run."""

    def __init__(self, active: Callable[[], Iterable[Declarations]]) -> None:
        self._active = active

    def __call__(self, module: str) -> str:
        """The plugin's name, or "" for the core, its built-in plugins and libraries. On any thread."""
        for declared in self._active():
            name = declared.module.__name__
            # Plugins of one file share a package with each other.
            root = name if name.startswith(onefile.PREFIX) else name.partition(".")[0]
            if root != "medianest_core" and (module == root or module.startswith(f"{root}.")):
                return declared.plugin
        return ""


class Measures(Protocol):
    """What can be done to a plugin; see `PluginHost`."""

    def mark_blocking(self, plugin: str) -> None: ...
    def unmark(self) -> None: ...
    async def set_aside(self, plugin: str, reason: str, *, for_good: bool) -> None: ...
    async def try_again(self, plugin: str) -> None: ...


class Watchdog:
    """`stalled` is called by the loop's watch, on its thread."""

    def __init__(
        self,
        faults: Faults,
        measures: Measures,
        clock: Clock,
        spawn: Callable[..., object],
        *,
        pause: float = SECOND_CHANCE,
    ) -> None:
        self._faults = faults
        self._measures = measures
        self._clock = clock
        self._spawn = spawn
        self._pause = pause
        self._loop: asyncio.AbstractEventLoop | None = None
        self._strikes: dict[str, deque[float]] = {}
        self._released: dict[str, float] = {}
        self._marked = False

    def start(self) -> None:
        """Call on the loop."""
        self._loop = asyncio.get_running_loop()

    def stalled(self, stall: Stall) -> None:
        """On any thread."""
        if not stall.over:
            if stall.owner and not self._marked and stall.seconds >= MARKED_AFTER:
                self._marked = True
                self._measures.mark_blocking(stall.owner)
            return
        if self._marked:
            self._marked = False
            self._measures.unmark()
        if stall.owner and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.judge, stall)

    def judge(self, stall: Stall) -> None:
        """A stall is over; on the loop."""
        plugin, seconds = stall.owner, f"{stall.seconds:.1f}"
        self._faults.note(
            plugin,
            N_("event loop"),
            N_("It held up the whole portal at {place}. Long work belongs into a job.").format(
                place=stall.place
            ),
        )
        if stall.looks < LOOKS:
            return
        now = self._clock.now()
        strikes = self._strikes.setdefault(plugin, deque(maxlen=STRIKES))
        strikes.append(now)
        again = now - self._released.get(plugin, float("-inf")) <= PROBATION
        if not again and (len(strikes) < STRIKES or now - strikes[0] > WINDOW):
            return
        strikes.clear()
        self._released.pop(plugin, None)
        self._spawn(self._set_aside(plugin, stall.place, seconds, for_good=again), f"set aside {plugin}")

    def forgive(self, plugin: str) -> None:
        """An admin gave it a fresh start."""
        self._strikes.pop(plugin, None)
        self._released.pop(plugin, None)

    async def _set_aside(self, plugin: str, place: str, seconds: str, *, for_good: bool) -> None:
        facts: Mapping[str, str] = {"place": place, "seconds": seconds}
        if for_good:
            reason = N_(
                "It held up the whole portal again, for {seconds} seconds at {place}. Update it, or retry."
            ).format(**facts)
            await self._measures.set_aside(plugin, reason, for_good=True)
            return
        reason = N_(
            "It held up the whole portal several times, at last for {seconds} seconds at {place}. It is set aside for"
            " {minutes} minutes and then tried once more."
        ).format(minutes=f"{self._pause / 60:g}", **facts)
        await self._measures.set_aside(plugin, reason, for_good=False)
        await asyncio.sleep(self._pause)
        self._released[plugin] = self._clock.now()
        await self._measures.try_again(plugin)
