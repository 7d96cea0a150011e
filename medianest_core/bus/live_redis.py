"""The way to the browsers of all processes, through Redis.

Stored events do not go this way: each process reads them from the database, and Redis only says that there are new ones. What is
not stored, progress above all, goes in the messages that Socket.IO's own Redis manager understands. A process without sockets
only writes them.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

from medianest_core.base.redis_link import RedisLink
from medianest_core.bus.live import Live

SOCKETS = "socketio"
NEWS = "events"
_WAITING = 2_000


class RedisLive(Live):
    """As `Live`, for many processes."""

    def __init__(self, link: RedisLink) -> None:
        super().__init__()
        self._link = link
        self._name = uuid4().hex
        self._received: asyncio.Queue[bytes] = asyncio.Queue(_WAITING)
        self._hinting = False
        link.subscribe(NEWS, self._hear_news)
        link.on_change.append(self._changed)

    @property
    def degraded(self) -> bool:
        return self._link.away

    def _make_manager(self) -> Any:
        from socketio import AsyncRedisManager

        from medianest_core.bus.fanout import Fanout

        live = self

        # Socket.IO's own asks the next in line to give an event to this process's sockets: that is `Fanout`.
        class Manager(AsyncRedisManager, Fanout):  # type: ignore[misc]  # untyped
            """Socket.IO's manager for many processes, over the portal's own connection: it is back within seconds of Redis,
            and nobody waits for it."""

            name = "medianest"

            async def emit(self, event: str, data: Any, *args: Any, **options: Any) -> None:
                # What an event is for other processes has been decided before it comes here.
                await super().emit(event, data, *args, **(options | {"ignore_queue": True}))

            async def _publish(self, data: dict[str, Any]) -> None:
                live._publish(data)

            async def _listen(self) -> AsyncIterator[bytes]:
                while True:
                    yield await live._received.get()

        # Only now: a process without sockets would read all of it for nothing, its own messages first.
        self._link.subscribe(SOCKETS, self._hear)
        manager = Manager(self._link.url)
        manager.host_id = self._name
        return manager

    async def emit_everywhere(self, room: str, name: str, payload: dict[str, Any]) -> None:
        await self.emit(room, name, payload)
        message = {"method": "emit", "event": name, "data": [payload], "binary": False}
        self._publish(
            message
            | {"namespace": "/", "room": room, "skip_sid": None, "callback": None, "host_id": self._name}
        )

    def hint(self) -> None:
        if not self._hinting:
            self._hinting = True
            asyncio.get_running_loop().call_soon(self._send_hint)

    def _send_hint(self) -> None:
        self._hinting = False
        self._link.publish(NEWS, self._name.encode())

    def _publish(self, data: dict[str, Any]) -> None:
        self._link.publish(SOCKETS, json.dumps(data).encode())

    async def _hear(self, message: bytes) -> None:
        if self._manager is None or self._manager.server is None:
            return
        if self._received.full():
            # Progress that nobody could show in time; the next one makes up for it.
            self._received.get_nowait()
        self._received.put_nowait(message)

    async def _hear_news(self, message: bytes) -> None:
        if message != self._name.encode():
            self.on_news()

    def _changed(self, back: bool) -> None:
        if back:
            self.on_news()
