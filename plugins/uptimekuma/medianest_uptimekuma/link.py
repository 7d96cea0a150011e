"""One Socket.IO connection.

It goes through the instance's own proxy as a tunnel, so that it obeys the same rules as all its other requests. Only websockets
are used: one long poll of a server with many monitors holds more messages than the library takes.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson
import socketio
import socketio.exceptions
import socketio.packet
from aiohttp_socks import ProxyConnector, ProxyError

from medianest_core.sdk import N_, AuthFailed, Http, InvalidResponse, NotFound, NotReady, RateLimited

_CONNECT, _PROBE, _ANSWER, _GOODBYE = 8.0, 5.0, 30.0, 2.0
_LARGEST = 64 * 1024 * 1024
"""Bytes of one message: the list of a few thousand monitors has ten million."""
_STRANGE = "The address answers, but not like Uptime Kuma."
# What it warns of, we tell ourselves.
_log = logging.getLogger(f"{__name__}.transport")
_log.setLevel(logging.ERROR)
Taker = Callable[[str, tuple[Any, ...]], None]


class _Json:
    @staticmethod
    def loads(text: str) -> Any:
        return orjson.loads(text)

    @staticmethod
    def dumps(value: Any, **_: Any) -> str:
        return orjson.dumps(value).decode()


class _Packet(socketio.packet.Packet):  # type: ignore[misc]  # python-socketio has no types
    json = _Json


class Link:
    """An open connection; `gone` is set when it has ended."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.gone = asyncio.Event()
        self.auto = asyncio.Event()
        """Set where the server asks for no sign-in."""
        self.asked = asyncio.Event()
        """Set where it asks for one."""
        client.on("disconnect", lambda *_: self.gone.set())
        client.on("autoLogin", lambda *_: self.auto.set())
        client.on("loginRequired", lambda *_: self.asked.set())

    async def call(self, event: str, *args: Any, timeout: float | None = None) -> Any:
        """The server's answer. Raises NotReady where none comes."""
        answered = asyncio.ensure_future(self._client.call(event, args, timeout=timeout or _ANSWER))
        ended = asyncio.ensure_future(self.gone.wait())
        try:
            await asyncio.wait({answered, ended}, return_when=asyncio.FIRST_COMPLETED)
            if not answered.done():
                raise NotReady("Uptime Kuma ended the connection.")
            return answered.result()
        except socketio.exceptions.SocketIOError as error:
            raise NotReady("Uptime Kuma is connected, but does not answer.") from error
        finally:
            answered.cancel()
            ended.cancel()


@contextlib.asynccontextmanager
async def linked(http: Http, events: Iterable[str], take: Taker, *, verify_tls: bool) -> AsyncIterator[Link]:
    """Connect, and hand every event of those names to `take(event, args)`. Raises ProviderError."""
    async with http.child_proxy() as proxy, _session(proxy, verify_tls) as session:
        client = socketio.AsyncClient(
            reconnection=False,
            logger=_log,
            engineio_logger=_log,
            http_session=session,
            ssl_verify=verify_tls,
            handle_sigint=False,
            serializer=_Packet,
            request_timeout=_CONNECT,
            websocket_extra_options={"max_msg_size": _LARGEST},
        )
        link = Link(client)
        for event in events:
            client.on(event, _taker(take, event))
        try:
            await _connect(client, http)
            yield link
        finally:
            await _leave(client)


def _taker(take: Taker, event: str) -> Callable[..., None]:
    return lambda *args: take(event, args)


def _session(proxy: str, verify_tls: bool) -> aiohttp.ClientSession:
    # Without this the tunnel would only be made for https.
    tls = None if verify_tls else _trusting()
    connector = ProxyConnector.from_url(proxy, rdns=True, ssl=True if tls is None else tls)
    return aiohttp.ClientSession(connector=connector)


def _trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def _connect(client: Any, http: Http) -> None:
    path = urlsplit(http.base_url).path.strip("/")
    try:
        async with asyncio.timeout(_CONNECT):
            await client.connect(
                http.base_url,
                transports=["websocket"],
                socketio_path=f"{path}/socket.io" if path else "socket.io",
                wait_timeout=int(_CONNECT),
            )
    except TimeoutError as error:
        raise NotReady("Uptime Kuma did not answer in time.") from error
    except (
        socketio.exceptions.SocketIOError,
        aiohttp.ClientError,
        ProxyError,
        OSError,
        ValueError,
        TypeError,
    ) as error:
        raise await _reason(http) from error


async def _reason(http: Http) -> Exception:
    """Why the live connection failed, found out by a plain request to the same place."""
    reply = await http.request("GET", "/socket.io/?EIO=4&transport=polling", timeout=_PROBE, max_bytes=65536)
    if reply.ok and reply.content[:2] == b"0{":
        return NotReady(
            "Uptime Kuma answers, but its live connection does not get through. A reverse proxy in between must let"
            " websockets pass."
        )
    if reply.status in (401, 403):
        return AuthFailed(
            N_(
                "Something in front of Uptime Kuma refuses us ({status}): a reverse proxy with a sign-in of its own?"
            ).format(status=reply.status)
        )
    if reply.status == 404:
        return NotFound("The address answers, but there is no Uptime Kuma under it.")
    if reply.status == 429:
        said = reply.headers.get("retry-after", "")
        return RateLimited("The service asks us to slow down.", float(said) if said.isdigit() else None)
    if reply.status >= 500:
        return NotReady(N_("The service answered with error {status}.").format(status=reply.status))
    return InvalidResponse(_STRANGE)


async def _leave(client: Any) -> None:
    leaving = asyncio.ensure_future(client.shutdown())
    leaving.add_done_callback(_read)
    try:
        await asyncio.wait({leaving}, timeout=_GOODBYE)
    finally:
        leaving.cancel()


def _read(done: asyncio.Future[Any]) -> None:
    # A goodbye that fails is one all the same.
    if not done.cancelled():
        done.exception()
