"""Small servers on loopback that notice who connects."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

Answer = Callable[[str, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Server:
    """heads: the request heads in order. connections: how many were accepted, whether or not they sent anything."""

    port: int = 0
    connections: int = 0
    heads: list[str] = field(default_factory=list)
    closed: list[asyncio.Event] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def reply(body: bytes = b"hello", status: str = "200 OK", **headers: str) -> Answer:
    """A complete answer; underscores in header names become hyphens."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    data = "\r\n".join([*lines, "", ""]).encode() + body

    async def answer(head: str, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()

    return answer


@contextlib.asynccontextmanager
async def serving(answer: Answer | None = None, host: str = "127.0.0.1") -> AsyncIterator[Server]:
    """A server that gives every request the same answer; with None, one that only counts connections."""
    server = Server()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        closed = asyncio.Event()
        server.closed.append(closed)
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode("latin-1"):
                server.heads.append(head)
                for line in head.lower().split("\r\n"):
                    if line.startswith("content-length:"):
                        server.heads[-1] += (await reader.readexactly(int(line[15:]))).decode()
                if answer is not None:
                    await answer(head, writer)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            closed.set()
            writer.close()

    listener = await asyncio.start_server(handle, host, 0)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
