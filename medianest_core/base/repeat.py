"""Work that is done again and again: every so often, and at once when somebody asks for it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from medianest_core.base.logging import get_logger
from medianest_core.sdk.errors import MediaNestError

_log = get_logger(__name__)


class Repeater:
    """every: seconds between two times. trouble: what the log says, once, when the work fails; it is tried again all the same."""

    def __init__(self, work: Callable[[], Awaitable[None]], every: float, *, trouble: str) -> None:
        self._work, self._every, self._trouble = work, every, trouble
        self._wake = asyncio.Event()
        self._failing = False

    def soon(self) -> None:
        """Do it now."""
        self._wake.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._every):
                    await self._wake.wait()
            self._wake.clear()
            try:
                await self._work()
                self._failing = False
            except Exception as error:
                if not self._failing:
                    foreseen = isinstance(error, MediaNestError)
                    _log.warning(self._trouble, reason=str(error), exc_info=None if foreseen else error)
                self._failing = True
