"""Packs texts with gzip for browsers that take it. Streams pass untouched, because packing would hold them back."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

LEAST = 800
"""Bytes; what fits one packet arrives no sooner for being smaller."""
_LONG = 256 * 1024
"""Bytes; more are packed in a thread, so that others need not wait."""
_LEVEL = 4
_TEXTS = (
    b"text/",
    b"application/json",
    b"application/problem+json",
    b"application/manifest+json",
    b"application/javascript",
    b"image/svg+xml",
)
_Headers = Sequence[tuple[bytes, bytes]]


class Compression:
    """Whole bodies of texts only. An answer that has an encoding already, such as a static file, is left as it is."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        taken = accepts(scope["headers"], b"gzip")
        held: Message | None = None

        async def pack(message: Message) -> None:
            nonlocal held
            if message["type"] == "http.response.start" and _is_text(message):
                held = {**message, "headers": _varying(message["headers"])}
                return
            if held is None:
                await send(message)
                return
            start, held = held, None
            body = message.get("body", b"")
            if taken and not message.get("more_body") and len(body) >= LEAST:
                packed = await asyncio.to_thread(_gzip, body) if len(body) > _LONG else _gzip(body)
                start["headers"] = [
                    *(line for line in start["headers"] if line[0].lower() != b"content-length"),
                    (b"content-encoding", b"gzip"),
                    (b"content-length", str(len(packed)).encode()),
                ]
                message = {**message, "body": packed}
            await send(start)
            await send(message)

        await self._app(scope, receive, pack)


def accepts(headers: _Headers, coding: bytes) -> bool:
    """Whether Accept-Encoding names the coding and does not refuse it."""
    for name, value in headers:
        if name == b"accept-encoding":
            for part in value.lower().split(b","):
                token, _, quality = part.partition(b";")
                if token.strip() == coding:
                    return quality.replace(b" ", b"") not in (b"q=0", b"q=0.0", b"q=0.00", b"q=0.000")
    return False


def _is_text(start: Message) -> bool:
    if start["status"] in (204, 206, 304):
        return False
    text = False
    for name, value in start.get("headers", ()):
        lower = name.lower()
        if lower == b"content-encoding":
            return False
        if lower == b"content-type":
            text = value.lower().startswith(_TEXTS) and not value.startswith(b"text/event-stream")
    return text


def _varying(headers: _Headers) -> list[tuple[bytes, bytes]]:
    found, said = [], False
    for name, value in headers:
        if name.lower() == b"vary" and not said:
            said = True
            if value.strip() != b"*" and b"accept-encoding" not in value.lower():
                value += b", Accept-Encoding"
        found.append((name, value))
    if not said:
        found.append((b"vary", b"Accept-Encoding"))
    return found


def _gzip(body: bytes) -> bytes:
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, 31)
    return packer.compress(body) + packer.flush()
