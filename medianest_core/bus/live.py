"""The way from an event to the browsers in a room: a Socket.IO manager, without the server that accepts the sockets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Live:
    """Sends to rooms of sockets. `manager` goes into the Socket.IO server; before that, nobody listens and emitting is free."""

    def __init__(self) -> None:
        self._manager: Any = None
        self.on_news: Callable[[], None] = lambda: None
        """Called when another process has stored events, and when what told us of that is back."""

    @property
    def degraded(self) -> bool:
        """Do sockets of other processes miss what this one does not store?"""
        return False

    @property
    def manager(self) -> Any:
        """The `client_manager` for `socketio.AsyncServer`."""
        if self._manager is None:
            self._manager = self._make_manager()
        return self._manager

    def _make_manager(self) -> Any:
        # Importing it is a third of the start-up time, and a worker without sockets never needs it.
        from medianest_core.bus.fanout import Fanout

        return Fanout()

    async def emit(self, room: str, name: str, payload: dict[str, Any]) -> None:
        """To the sockets of this process, soon. payload: {"seq": int or None, "at": epoch seconds, "data": the event's fields}."""
        if self._manager is not None and self._manager.server is not None:
            self._manager.tell(name, payload, room=room)

    async def emit_everywhere(self, room: str, name: str, payload: dict[str, Any]) -> None:
        """To the sockets of all processes, as far as they can be reached."""
        await self.emit(room, name, payload)

    def hint(self) -> None:
        """Tell the other processes that there are new events in the database."""
