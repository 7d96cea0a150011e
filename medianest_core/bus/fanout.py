"""One event to many sockets: made into bytes once, and written to each websocket without a detour.

Socket.IO starts a task, fills a queue and wakes a writer for each event and socket. With a thousand sockets that keeps the process
from everything else. Here events that come together go to a socket in one piece, a few dozen sockets at a time, and other work has
its turn in between. A socket that cannot take them just now, or that polls, gets them through its queue as ever.

Imported with the first socket, because Socket.IO takes a third of the portal's start.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from engineio import packet as engine
from socketio import AsyncManager
from socketio import packet as protocol

from medianest_core.base.logging import get_logger
from medianest_core.base.tasks import spawn

FRAMES = "medianest.frames"
"""ASGI extension of a websocket's scope: a function that writes whole frames at once, or returns False where it cannot now."""
_AT_ONCE = 32
_log = get_logger(__name__)


class Outbox(asyncio.Queue[Any]):
    """Engine.IO's queue for one socket. idle: its writer has sent all it had and waits for more."""

    idle = False

    async def get(self) -> Any:
        self.idle = True
        try:
            return await super().get()
        finally:
            self.idle = False


@dataclass(frozen=True, slots=True)
class Line:
    """The short way to a websocket."""

    outbox: Outbox
    frames: Callable[[bytes], bool]

    def write(self, frames: bytes) -> bool:
        """False where it must go through the queue, so as not to overtake what is there."""
        return self.outbox.idle and self.outbox.empty() and self.frames(frames)


@dataclass(slots=True, eq=False)
class _Told:
    namespace: str
    room: Any
    skip: Sequence[Any]
    text: str
    frame: bytes
    done: asyncio.Future[None]


class Fanout(AsyncManager):  # type: ignore[misc]  # untyped
    """Socket.IO's manager of clients and rooms, with `tell` and a shorter way to those it was given a line to."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._lines: dict[str, Line] = {}
        self._told: list[_Told] = []
        self._delivering = False

    def attach(self, eio_sid: str, line: Line) -> None:
        self._lines[eio_sid] = line

    def detach(self, eio_sid: str | None) -> None:
        """No more is written to it by the short way."""
        self._lines.pop(eio_sid or "", None)

    def tell(self, event: str, data: Any, *, room: str) -> None:
        """To the room's sockets in this process, soon, in the order of the calls."""
        if self._anybody("/", room):
            self._take("/", room, (), self._encoded("/", event, [data]))

    async def emit(
        self,
        event: str,
        data: Any,
        namespace: str,
        room: Any = None,
        skip_sid: Any = None,
        callback: Any = None,
        to: Any = None,
        **options: Any,
    ) -> None:
        """As Socket.IO's: returns once each socket has it, or its queue."""
        room = to or room
        if callback is not None or namespace not in self.rooms:
            await super().emit(event, data, namespace, room=room, skip_sid=skip_sid, callback=callback)
            return
        values = list(data) if isinstance(data, tuple) else [] if data is None else [data]
        text = self._encoded(namespace, event, values)
        skip = skip_sid if isinstance(skip_sid, list) else [skip_sid]
        await self._take(namespace, room, skip, text)

    def _anybody(self, namespace: str, room: str) -> bool:
        return room in self.rooms.get(namespace, {})

    def _encoded(self, namespace: str, event: str, values: list[Any]) -> str:
        made = self.server.packet_class(protocol.EVENT, namespace=namespace, data=[event, *values]).encode()
        if not isinstance(made, str):
            raise TypeError("events hold JSON, no bytes")
        return made

    def _take(self, namespace: str, room: Any, skip: Sequence[Any], text: str) -> asyncio.Future[None]:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._told.append(_Told(namespace, room, skip, text, _frame(f"4{text}".encode()), done))
        if not self._delivering:
            self._delivering = True
            spawn(self._deliver(), "events to sockets")
        return done

    async def _deliver(self) -> None:
        try:
            while self._told:
                batch, self._told = self._told, []
                try:
                    await self._hand_over(batch)
                except Exception:
                    _log.exception("events could not be given to sockets")
                finally:
                    for told in batch:
                        if not told.done.done():
                            told.done.set_result(None)
        finally:
            self._delivering = False

    async def _hand_over(self, batch: Sequence[_Told]) -> None:
        wanted: dict[str, list[_Told]] = {}
        for told in batch:
            for sid, eio_sid in self.get_participants(told.namespace, told.room):
                if sid not in told.skip:
                    wanted.setdefault(eio_sid, []).append(told)
        joined: dict[tuple[int, ...], bytes] = {}
        for number, (eio_sid, several) in enumerate(wanted.items(), 1):
            key = tuple(map(id, several))
            if (frames := joined.get(key)) is None:
                frames = joined[key] = b"".join(told.frame for told in several)
            line = self._lines.get(eio_sid)
            if line is None or not line.write(frames):
                for told in several:
                    await self._by_queue(eio_sid, told)
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)

    async def _by_queue(self, eio_sid: str, told: _Told) -> None:
        try:
            await self.server._send_eio_packet(eio_sid, engine.Packet(engine.MESSAGE, told.text))
        except Exception as error:
            # It has closed meanwhile; its page asks for what it missed when it is back.
            _log.debug("an event did not reach a socket", reason=type(error).__name__)


def _frame(payload: bytes) -> bytes:
    """A whole text message as one frame from a server (RFC 6455, section 5.2)."""
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", 0x81, size)
    elif size < 1 << 16:
        head = struct.pack("!BBH", 0x81, 126, size)
    else:
        head = struct.pack("!BBQ", 0x81, 127, size)
    return head + payload
