"""Time limits that run out without being waited for."""

from __future__ import annotations

import asyncio
from typing import Literal

import pytest

_TURNS = 100


class Late(asyncio.Event):
    """A gate that whoever waits for an answer loses patience with: once all that is quick is done, the loop's clock is put
    forward. seconds: by how much. What asks must give up in less, and nothing real is timed."""

    def __init__(self, patch: pytest.MonkeyPatch, seconds: float) -> None:
        super().__init__()
        self._patch = patch
        self._seconds = seconds

    async def wait(self) -> Literal[True]:
        if not self.is_set():
            for _ in range(_TURNS):
                # Real time: what waits for a thread or for the database's writer is to get there, too.
                await asyncio.sleep(0.01)
            loop = asyncio.get_running_loop()
            before, seconds = loop.time, self._seconds
            self._patch.setattr(loop, "time", lambda: before() + seconds)
        return await super().wait()
