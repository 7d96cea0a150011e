"""A proxy on loopback for child processes: the same egress rules as our own HTTP client.

Each user of it gets a token that stops working, together with all its connections, when they are done. Supports CONNECT and
absolute-form requests; of the latter one per connection, so that a connection never changes its target.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from medianest_core.base.egress import EgressPolicy, Pinned, split_host
from medianest_core.base.ids import new_token
from medianest_core.base.logging import get_logger
from medianest_core.sdk.errors import EgressDenied, NotReady

_log = get_logger(__name__)
_HEAD_LIMIT = 64 * 1024
_HEAD_TIMEOUT = 15.0
_CONNECT_TIMEOUT = 15.0
_IDLE_TIMEOUT = 120.0
_CONNECTIONS = 64
_PIECE = 64 * 1024
_Side = tuple[asyncio.StreamReader, asyncio.StreamWriter]
_HOP_BY_HOP = frozenset(
    {
        b"proxy-authorization",
        b"proxy-connection",
        b"connection",
        b"keep-alive",
        b"te",
        b"trailer",
        b"upgrade",
    }
)


class _Refused(Exception):
    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass
class _User:
    policy: EgressPolicy
    tasks: set[asyncio.Task[None]] = field(default_factory=set)


class EgressProxy:
    """Starts with its first user, on a free port of 127.0.0.1."""

    def __init__(self, *, idle_timeout: float = _IDLE_TIMEOUT) -> None:
        self._idle_timeout = idle_timeout
        self._server: asyncio.Server | None = None
        self._starting = asyncio.Lock()
        self._users: dict[str, _User] = {}

    @contextlib.asynccontextmanager
    async def open(self, policy: EgressPolicy) -> AsyncIterator[str]:
        """The proxy's address with a token of its own; both end with the block."""
        port = await self._port()
        token = new_token(24)
        user = self._users[token] = _User(policy)
        try:
            yield f"http://job:{token}@127.0.0.1:{port}"
        finally:
            del self._users[token]
            for task in list(user.tasks):
                task.cancel()

    async def close(self) -> None:
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        for user in self._users.values():
            for task in list(user.tasks):
                task.cancel()
        await server.wait_closed()

    async def _port(self) -> int:
        async with self._starting:
            if self._server is None:
                self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=_HEAD_LIMIT)
            return int(self._server.sockets[0].getsockname()[1])

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._exchange(reader, writer)
        except _Refused as refusal:
            with contextlib.suppress(OSError):
                writer.write(_answer(refusal.status, str(refusal)))
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        except asyncio.CancelledError:
            # Only its user's end or our own cancels this task; asyncio's stream code would log it as an error.
            pass
        finally:
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(_HEAD_TIMEOUT):
            head = await reader.readuntil(b"\r\n\r\n")
        request_line, *header_lines = head[:-4].split(b"\r\n")
        headers = [_split_header(line) for line in header_lines]
        try:
            method, target, _version = request_line.decode("ascii").split(" ")
        except ValueError as error:
            raise _Refused(400, "This is not a request to a proxy.") from error
        user = self._user(headers)
        task = asyncio.current_task()
        assert task is not None
        if len(user.tasks) >= _CONNECTIONS:
            raise _Refused(503, "Too many connections at once.")
        user.tasks.add(task)
        try:
            if method == "CONNECT":
                await self._tunnel(user.policy, target, reader, writer)
            else:
                await self._forward(user.policy, method, target, headers, reader, writer)
        finally:
            user.tasks.discard(task)

    def _user(self, headers: list[tuple[bytes, bytes]]) -> _User:
        for name, value in headers:
            if name == b"proxy-authorization" and value[:6].lower() == b"basic ":
                with contextlib.suppress(binascii.Error, UnicodeDecodeError):
                    _, _, token = base64.b64decode(value[6:]).decode().partition(":")
                    if (user := self._users.get(token)) is not None:
                        return user
        raise _Refused(407, "The token is missing or no longer valid.")

    async def _tunnel(
        self, policy: EgressPolicy, target: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        host, port = split_host(target)
        if port is None:
            raise _Refused(400, "CONNECT needs host:port.")
        upstream_reader, upstream_writer = await _connect(policy, host, port)
        try:
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await writer.drain()
            await self._both_ways((reader, writer), (upstream_reader, upstream_writer))
        finally:
            upstream_writer.close()

    async def _forward(
        self,
        policy: EgressPolicy,
        method: str,
        target: str,
        headers: list[tuple[bytes, bytes]],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        parts = urlsplit(target)
        if parts.scheme != "http" or not parts.hostname:
            raise _Refused(400, "Only http:// addresses and CONNECT are supported.")
        named = dict(headers)
        if b"transfer-encoding" in named:
            raise _Refused(501, "A request body needs a Content-Length here.")
        length = int(named.get(b"content-length", b"0") or b"0")
        upstream_reader, upstream_writer = await _connect(policy, parts.hostname, parts.port or 80)
        try:
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            lines = [f"{method} {path} HTTP/1.1".encode("ascii")]
            lines += [name + b": " + value for name, value in headers if name not in _HOP_BY_HOP]
            upstream_writer.write(b"\r\n".join([*lines, b"Connection: close", b"", b""]))
            await self._pump(reader, upstream_writer, length, close=False)
            await self._until_client_leaves(reader, self._answer(upstream_reader, writer, method))
        finally:
            upstream_writer.close()

    async def _answer(
        self, upstream: asyncio.StreamReader, writer: asyncio.StreamWriter, method: str
    ) -> None:
        async with asyncio.timeout(self._idle_timeout):
            head = await upstream.readuntil(b"\r\n\r\n")
        status, *lines = head[:-4].split(b"\r\n")
        headers = dict(_split_header(line) for line in lines)
        kept = [line for line in lines if _split_header(line)[0] not in (b"connection", b"keep-alive")]
        writer.write(b"\r\n".join([status, *kept, b"Connection: close", b"", b""]))
        await writer.drain()
        length: int | None = None
        if method == "HEAD" or status.split(b" ")[1:2] in ([b"204"], [b"304"]):
            length = 0
        elif b"transfer-encoding" not in headers and headers.get(b"content-length", b"").isdigit():
            length = int(headers[b"content-length"])
        await self._pump(upstream, writer, length)

    async def _until_client_leaves(
        self, reader: asyncio.StreamReader, answering: Coroutine[Any, Any, None]
    ) -> None:
        """A client that is gone needs no answer; whatever else it sends is not read."""
        answer = asyncio.create_task(answering)
        gone = asyncio.create_task(_end_of(reader))
        try:
            await asyncio.wait({answer, gone}, return_when=asyncio.FIRST_COMPLETED)
            if answer.done():
                await answer
        finally:
            answer.cancel()
            gone.cancel()

    async def _pump(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        length: int | None = None,
        *,
        close: bool = True,
    ) -> None:
        """Copy until the end of `source`, or `length` bytes; a connection that stays silent ends."""
        while length is None or length > 0:
            async with asyncio.timeout(self._idle_timeout):
                data = await source.read(_PIECE if length is None else min(length, _PIECE))
                if not data:
                    break
                sink.write(data)
                await sink.drain()
            if length is not None:
                length -= len(data)
        if close:
            _end_writing(sink)

    async def _both_ways(self, left: _Side, right: _Side) -> None:
        """Copy in both directions until both have ended, one has failed, or nothing moved in either for a while."""
        loop = asyncio.get_running_loop()
        moved_at = loop.time()

        async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            nonlocal moved_at
            while data := await source.read(_PIECE):
                moved_at = loop.time()
                sink.write(data)
                await sink.drain()
                moved_at = loop.time()
            _end_writing(sink)

        copies = {asyncio.create_task(copy(left[0], right[1])), asyncio.create_task(copy(right[0], left[1]))}
        try:
            open_copies = set(copies)
            while open_copies and (rest := moved_at + self._idle_timeout - loop.time()) > 0:
                done, open_copies = await asyncio.wait(
                    open_copies, timeout=rest, return_when=asyncio.FIRST_COMPLETED
                )
                for task in done:
                    task.result()
        finally:
            for task in copies:
                task.cancel()


def _end_writing(sink: asyncio.StreamWriter) -> None:
    if sink.can_write_eof():
        with contextlib.suppress(OSError):
            sink.write_eof()


async def _connect(
    policy: EgressPolicy, host: str, port: int
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    try:
        pinned: Pinned = await policy.resolve_checked(host, port)
    except EgressDenied as error:
        _log.warning("a child process was refused an address", host=host, port=port)
        raise _Refused(403, str(error)) from error
    except NotReady as error:
        raise _Refused(502, str(error)) from error
    for address, actual_port in pinned.addresses:
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(_CONNECT_TIMEOUT):
                return await asyncio.open_connection(address, actual_port)
    raise _Refused(502, f"No connection to {host}:{port}.")


async def _end_of(reader: asyncio.StreamReader) -> None:
    while await reader.read(64 * 1024):
        pass


def _split_header(line: bytes) -> tuple[bytes, bytes]:
    name, _, value = line.partition(b":")
    return name.strip().lower(), value.strip()


def _answer(status: int, reason: str) -> bytes:
    names = {
        400: "Bad Request",
        403: "Forbidden",
        407: "Proxy Authentication Required",
        501: "Not Implemented",
        502: "Bad Gateway",
        503: "Service Unavailable",
    }
    body = reason.encode()
    challenge = b'Proxy-Authenticate: Basic realm="egress"\r\n' if status == 407 else b""
    return (
        f"HTTP/1.1 {status} {names[status]}\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n".encode()
        + challenge
        + b"\r\n"
        + body
    )
