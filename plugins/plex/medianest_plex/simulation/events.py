"""The media server's push channel: frames to every open websocket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson

_ARRAYS = {
    "timeline": "TimelineEntry",
    "activity": "ActivityNotification",
    "playing": "PlaySessionStateNotification",
    "status": "StatusNotification",
}


class Events:
    """Fan-out of notifications; a client that reads too slowly is dropped, as a full socket would be."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[str | None]] = set()

    @property
    def listeners(self) -> int:
        """How many websockets are open."""
        return len(self._queues)

    def send(self, kind: str, rows: list[dict[str, object]]) -> None:
        """One frame with rows of the given notification type; unknown types carry their rows under their own name."""
        body = {"type": kind, "size": len(rows), _ARRAYS.get(kind, kind): rows}
        frame = orjson.dumps({"NotificationContainer": body}).decode()
        for queue in list(self._queues):
            self._put(queue, frame)

    def drop(self) -> None:
        """Close every open websocket."""
        for queue in list(self._queues):
            self._put(queue, None)

    def _put(self, queue: asyncio.Queue[str | None], frame: str | None) -> None:
        try:
            queue.put_nowait(frame)
        except asyncio.QueueFull:
            self._queues.discard(queue)

    @asynccontextmanager
    async def subscribe(self) -> AsyncIterator[asyncio.Queue[str | None]]:
        """A queue of frames; None asks the holder to close."""
        queue: asyncio.Queue[str | None] = asyncio.Queue(1000)
        self._queues.add(queue)
        try:
            yield queue
        finally:
            self._queues.discard(queue)
