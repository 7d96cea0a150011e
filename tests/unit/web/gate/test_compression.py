"""Texts are packed for who takes it; streams, pictures and what is packed already pass untouched."""

from __future__ import annotations

import asyncio
import gzip
from typing import Any

import pytest
from starlette.responses import Response
from starlette.types import ASGIApp, Message

from medianest_core.web.gate.compression import LEAST, Compression, accepts

TEXT = b"<p>All the films of the house.</p>" * 100


async def _ask(app: ASGIApp, accept: str = "gzip, br") -> tuple[dict[str, str], list[Message]]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request"}

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [(b"accept-encoding", accept.encode())]}
    await Compression(app)(scope, receive, send)
    assert sent[0]["type"] == "http.response.start"
    return {name.decode(): value.decode() for name, value in sent[0]["headers"]}, sent[1:]


@pytest.mark.parametrize(
    "media_type", ["text/html", "application/json", "application/problem+json", "image/svg+xml"]
)
@pytest.mark.parametrize("length", [LEAST, 300_000])
async def test_texts_are_packed(media_type: str, length: int) -> None:
    body = (TEXT * 100)[:length]
    headers, sent = await _ask(Response(body, headers={"Vary": "Cookie"}, media_type=media_type))
    assert headers["content-encoding"] == "gzip"
    assert headers["vary"] == "Cookie, Accept-Encoding"
    packed = b"".join(message["body"] for message in sent)
    assert gzip.decompress(packed) == body
    assert headers["content-length"] == str(len(packed))


@pytest.mark.parametrize("accept", ["", "br", "identity", "gzip;q=0, br", "x-gzipped"])
async def test_who_does_not_take_it_gets_the_text(accept: str) -> None:
    headers, sent = await _ask(Response(TEXT, media_type="text/html"), accept)
    assert "content-encoding" not in headers
    assert headers["vary"] == "Accept-Encoding", "a cache between us keeps both"
    assert sent[0]["body"] == TEXT


@pytest.mark.parametrize(
    "response",
    [
        Response(TEXT, media_type="image/avif"),
        Response(TEXT, headers={"Content-Encoding": "br"}, media_type="text/css"),
        Response(TEXT[: LEAST - 1], media_type="text/html"),
        Response(TEXT, 206, media_type="text/html"),
        Response(TEXT),
    ],
)
async def test_the_rest_is_left_alone(response: Response) -> None:
    headers, sent = await _ask(response)
    assert headers.get("content-encoding") != "gzip"
    assert sent[0]["body"] == response.body


async def test_a_stream_is_not_held_back() -> None:
    arrived: list[int] = []
    gate = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(
            {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]}
        )
        await send({"type": "http.response.body", "body": TEXT, "more_body": True})
        arrived.append(len(TEXT))
        await gate.wait()
        await send({"type": "http.response.body", "body": b""})

    asking = asyncio.ensure_future(_ask(app))
    while not arrived:
        await asyncio.sleep(0)
    gate.set()
    headers, sent = await asking
    assert "content-encoding" not in headers
    assert [message["body"] for message in sent] == [TEXT, b""]


def test_refusals() -> None:
    assert accepts([(b"accept-encoding", b"GZIP;q=0.5, br")], b"gzip")
    assert not accepts([(b"accept-encoding", b"gzip; q=0")], b"gzip")
    assert not accepts([], b"gzip")
