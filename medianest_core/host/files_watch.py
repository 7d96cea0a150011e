"""Notices when a plugin of one file is added, changed or removed while the portal runs.

Times and sizes are compared every two seconds, and a difference counts once two looks agree, so that no half-written file is taken
in. The kernel's notices would be quicker, but tell nothing of folders that come over the network or are mounted into a container.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Mapping
from pathlib import Path

from medianest_core.base.repeat import Repeater
from medianest_core.host import onefile

EVERY = 2.0
Seen = Mapping[Path, tuple[int, int]]
"""File → (time of the last change, size)."""


class FilesWatch:
    """changed: told which files differ from when it was told last; when it fails it is told again."""

    def __init__(
        self, folder: Path, changed: Callable[[Collection[Path]], Awaitable[None]], *, every: float = EVERY
    ) -> None:
        self._folder = folder
        self._changed = changed
        self._told: Seen = {}
        self._last: Seen = {}
        self._repeat = Repeater(self.look, every, trouble="changed plugin files cannot be taken in")

    async def begin(self) -> None:
        """What is there now is known."""
        # Of a folder that cannot be read discovery tells.
        with contextlib.suppress(OSError):
            self._told = self._last = await self._there()

    async def run(self) -> None:
        """Until cancelled."""
        await self._repeat.run()

    async def look(self) -> None:
        """Tell of what has come to rest since the last look."""
        before, self._last = self._last, await self._there()
        now = self._last
        if now == self._told or now != before:
            return
        files = now.keys() | self._told.keys()
        await self._changed([path for path in files if now.get(path) != self._told.get(path)])
        self._told = now

    async def _there(self) -> Seen:
        return await asyncio.to_thread(_look, self._folder)


def _look(folder: Path) -> Seen:
    """Raises OSError where the folder cannot be read: then nothing is known, not that all is gone."""
    found = {}
    for path in onefile.files(folder):
        try:
            status = path.stat()
        except FileNotFoundError:
            continue
        found[path] = (status.st_mtime_ns, status.st_size)
    return found
