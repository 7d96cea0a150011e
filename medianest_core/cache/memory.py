"""A cache in this process, bounded in bytes; what was used least recently goes first."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable


class MemoryCache:
    """Values are bytes. `timer` counts seconds and never goes back."""

    def __init__(
        self, max_bytes: int = 64 * 1024 * 1024, timer: Callable[[], float] = time.monotonic
    ) -> None:
        self._max_bytes = max_bytes
        self._timer = timer
        self._entries: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        self._bytes = 0

    async def get(self, key: str) -> bytes | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        expires, value = entry
        if expires <= self._timer():
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        return value

    async def set(self, key: str, value: bytes, ttl: float) -> None:
        """Keep for `ttl` seconds at most; a value larger than the whole cache is not kept."""
        self._drop(key)
        size = len(key) + len(value)
        if size > self._max_bytes or ttl <= 0:
            return
        self._entries[key] = (self._timer() + ttl, value)
        self._bytes += size
        while self._bytes > self._max_bytes:
            self._drop(next(iter(self._entries)))

    async def delete(self, key: str) -> None:
        self._drop(key)

    async def close(self) -> None:
        self._entries.clear()
        self._bytes = 0

    def _drop(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._bytes -= len(key) + len(entry[1])
