"""One client's HTTP connection, held to a deadline and a size while it sends the head of a request.

uvicorn waits for a head for as long as the client likes and lets it grow without end; a few hundred such half-open requests
would take all connections away from people (RFC 9110: 408 and RFC 6585: 431 are the answers).
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_WITHIN = 15.0
"""Seconds in which the head of a request must be there, counted from the connection or from its first byte."""
HEAD_LIMIT = 64 * 1024
"""Bytes that the head of a request may have."""


class Connection(HttpToolsProtocol):
    """uvicorn's own protocol with these two limits."""

    _timer: asyncio.TimerHandle | None = None
    _in_head = True
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn types it
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        # Looked at afterwards: a long body may arrive in one piece with a short head.
        if self._in_head and self._head_bytes > HEAD_LIMIT and not self.transport.is_closing():
            self._refuse(b"431 Request Header Fields Too Large", b"The head of the request is too long.")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if not self._in_head:
            self._expect_head()
            self._head_bytes = 1  # what began it came with the end of the request before

    def on_headers_complete(self) -> Any:
        self._in_head = False
        self._head_bytes = 0
        self._stop_timer()
        return super().on_headers_complete()

    def _expect_head(self) -> None:
        self._in_head = True
        self._stop_timer()
        self._timer = self.loop.call_later(HEAD_WITHIN, self._head_is_late)

    def _head_is_late(self) -> None:
        if self.transport.is_closing():
            return
        if not self._head_bytes:
            # A browser's connection opened in advance and not needed: nobody waits for an answer.
            self.transport.close()
        else:
            self._refuse(b"408 Request Timeout", b"The request took too long to arrive.")

    def _refuse(self, status: bytes, text: bytes) -> None:
        self.transport.write(
            b"HTTP/1.1 %b\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b"
            % (status, len(text), text)
        )
        self.transport.close()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
