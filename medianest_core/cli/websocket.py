"""One client's websocket: uvicorn's own, with a short way for frames that were made once for many."""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

FRAMES = "medianest.frames"
"""The extension of the scope, as `medianest_core.bus.fanout` looks for it; that is imported with the first socket only."""


class Websocket(WebSocketsSansIOProtocol):
    """Its scope has the extension."""

    def handle_connect(self, event: Any) -> None:
        super().handle_connect(event)
        # Without a scope the request was refused already.
        scope: Any = getattr(self, "scope", None)
        if scope is not None:
            scope["extensions"][FRAMES] = self.write_frames

    def write_frames(self, frames: bytes) -> bool:
        """Send whole frames now. False, and nothing is sent, where the client is too slow to take more, or gone."""
        if (
            not self.handshake_complete
            or self.close_sent
            or self.disconnected
            or not self.writable.is_set()
            or self.transport.is_closing()
        ):
            return False
        self.transport.write(frames)
        return True
