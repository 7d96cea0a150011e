"""How long a run bears with one source: no longer than its patience without a sign of progress, and no longer than allowed in all.

Time in which the source waits for us does not count.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from medianest_core.base.tasks import Overdue, end
from medianest_core.base.texts import N_

_LOOK = 1.0


class Pulse:
    """Signs of life of one source. timer: seconds that never go back."""

    def __init__(self, timer: Callable[[], float] = time.monotonic) -> None:
        self._timer = timer
        self._started = self._last = timer()
        self._ours = 0.0
        self._since: float | None = None

    def beat(self) -> None:
        """It moved."""
        self._last = self._timer()

    @contextlib.contextmanager
    def ours(self) -> Iterator[None]:
        """While it waits for us."""
        self._since = self._timer()
        try:
            yield
        finally:
            now = self._timer()
            self._ours += now - self._since
            self._since = None
            self._last = now

    def still(self) -> float:
        """Seconds since its last sign of life; 0 while it waits for us."""
        return 0.0 if self._since is not None else self._timer() - self._last

    def taken(self) -> float:
        """Seconds it has taken in all."""
        now = self._timer()
        return now - self._started - self._ours - (now - self._since if self._since is not None else 0.0)


async def watched(work: Coroutine[Any, Any, None], pulse: Pulse, *, patience: float, longest: float) -> None:
    """Does `work`. Raises Overdue once the source is still for `patience` seconds or took `longest` in all."""
    task = asyncio.create_task(work)
    try:
        while not task.done():
            left = min(patience - pulse.still(), longest - pulse.taken())
            if left <= 0:
                break
            await asyncio.wait({task}, timeout=min(left, _LOOK))
    except asyncio.CancelledError:
        await end(task)
        raise
    if task.done():
        return task.result()
    await end(task)
    if pulse.taken() >= longest:
        raise Overdue(
            N_("It took longer than {seconds} seconds, so it was given up.").format(seconds=f"{longest:g}")
        )
    raise Overdue(
        N_("Nothing came for {seconds} seconds, so it was given up.").format(seconds=f"{patience:g}")
    )
