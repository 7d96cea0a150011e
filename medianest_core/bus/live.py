"""The way from an event to the browsers in a room: a Socket.IO manager, without the server that accepts the sockets."""

from __future__ import annotations

from typing import Any


class Live:
    """Sends to rooms of sockets. `manager` goes into the Socket.IO server; before that, nobody listens and emitting is free."""

    def __init__(self) -> None:
        self._manager: Any = None

    @property
    def manager(self) -> Any:
        """The `client_manager` for `socketio.AsyncServer`."""
        if self._manager is None:
            # Importing it is a third of the start-up time, and a worker without sockets never needs it.
            from socketio import AsyncManager

            self._manager = AsyncManager()
        return self._manager

    async def emit(self, room: str, name: str, payload: dict[str, Any]) -> None:
        """payload: {"seq": int or None, "at": epoch seconds, "data": the event's fields}."""
        if self._manager is not None:
            await self._manager.emit(name, payload, namespace="/", room=room)
