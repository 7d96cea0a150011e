"""What a cache promises, wherever it lives."""

from __future__ import annotations

from typing import Protocol


class Cache(Protocol):
    """Bytes by key, for a while. Any of them may be gone at any time."""

    async def get(self, key: str) -> bytes | None: ...
    async def set(self, key: str, value: bytes, ttl: float) -> None:
        """Keep for `ttl` seconds at most; not at all where that is 0."""
        ...

    async def delete(self, key: str) -> None: ...
    async def close(self) -> None: ...
