"""The HTTP client that plugins are given, and the only place that knows which library it is made of.

The connection pool asks the instance's egress policy for every new connection and connects to the address that was checked;
TLS still verifies the name. Redirects are followed here, each checked like a first request. One deadline bounds the whole
call, however slowly the bytes arrive, and compressed bodies are unpacked no further than the byte cap. Nothing is taken from
the environment (proxies, .netrc), and no cookies are kept.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import ssl
import sys
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping, Sequence
from typing import Any

import httpcore
import httpx

from medianest_core.base.egress import EgressPolicy
from medianest_core.base.egress_proxy import EgressProxy
from medianest_core.base.failpoints import armed, failpoint
from medianest_core.base.http_memory import Memory, Store
from medianest_core.base.logging import correlation_id
from medianest_core.base.patience import at_least
from medianest_core.base.texts import N_
from medianest_core.sdk.errors import EgressDenied, InvalidResponse, NotReady, ProviderError, Rejected
from medianest_core.sdk.http import Http, Params, Response, StreamedResponse

# httpcore asks for this optional package at every lock. Python does not remember what it did not find and searches all of its
# path anew, which costs more than the rest of a request.
if importlib.util.find_spec("sniffio") is None:
    sys.modules["sniffio"] = None  # type: ignore[assignment]  # how Python is told that there is no such module

DEFAULT_TIMEOUT = 10.0
STREAM_TIMEOUT = 60.0
DEFAULT_MAX_BYTES = 32 * 1024 * 1024
_MAX_REDIRECTS = 5
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_CONNECTIONS = 16
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# What survives a redirect to another origin. Keys of services travel under many names, so only harmless names are listed.
_HARMLESS = frozenset({"accept", "accept-encoding", "accept-language", "user-agent", "x-correlation-id"})
_USER_AGENT = "MediaNest"
_READ_BYTES = 1024 * 1024


class _WideStream(httpcore.AsyncNetworkStream):
    """Takes all that has arrived at once. httpcore asks for 64 KiB at most; the rest of what the event loop read would be copied for
    each such piece, which costs more than all else about a large answer."""

    def __init__(self, inner: httpcore.AsyncNetworkStream) -> None:
        self._inner = inner

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return await self._inner.read(max(max_bytes, _READ_BYTES), timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        # What is deciphered comes in small pieces, whatever is asked for.
        return await self._inner.start_tls(ssl_context, server_hostname, timeout)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _CheckedBackend(httpcore.AsyncNetworkBackend):
    """Opens connections only to addresses that passed the policy."""

    def __init__(self, policy: EgressPolicy) -> None:
        self._policy = policy
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        pinned = await self._policy.resolve_checked(host, port)
        last: Exception | None = None
        for address, actual_port in pinned.addresses:
            try:
                stream = await self._inner.connect_tcp(
                    address, actual_port, timeout, local_address, socket_options
                )
                return _WideStream(stream)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
        assert last is not None
        raise last

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


class _Unpacker:
    """Undoes gzip and deflate in pieces of bounded size."""

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding.strip().lower()
        if self._encoding not in ("", "identity", "gzip", "x-gzip", "deflate"):
            raise InvalidResponse(
                N_("The service packed its answer in a way we did not ask for ({encoding}).").format(
                    encoding=encoding
                )
            )
        self._packed = self._encoding not in ("", "identity")
        self._inflater = zlib.decompressobj(47)
        self._started = False

    def feed(self, data: bytes, room: int) -> bytes:
        """At most `room` + 1 bytes of the unpacked body. Raises InvalidResponse."""
        if not self._packed:
            return data
        try:
            try:
                return self._inflater.decompress(data, room + 1)
            except zlib.error:
                if self._started or self._encoding != "deflate":
                    raise
                # Some servers mean raw deflate when they say deflate.
                self._inflater = zlib.decompressobj(-15)
                return self._inflater.decompress(data, room + 1)
        except zlib.error as error:
            raise InvalidResponse("The service's answer cannot be unpacked.") from error
        finally:
            self._started = True


class _Streamed(StreamedResponse):
    def __init__(self, raw: httpcore.Response, url: str, deadline: float, max_bytes: int) -> None:
        self.status = raw.status
        self.headers = _headers(raw)
        self.url = url
        self._raw = raw
        self._deadline = deadline
        self._max_bytes = max_bytes

    async def chunks(self) -> AsyncIterator[bytes]:
        unpacker = _Unpacker(self.headers.get("content-encoding", ""))
        room = self._max_bytes
        source = self._raw.aiter_stream()
        try:
            while True:
                with _translated(self.url):
                    async with asyncio.timeout_at(self._deadline):
                        packed = await anext(source, None)
                if packed is None:
                    return
                data = unpacker.feed(packed, room)
                room -= len(data)
                if room < 0:
                    raise InvalidResponse(
                        N_("The service's answer is larger than {limit} bytes.").format(limit=self._max_bytes)
                    )
                if data:
                    yield data
        finally:
            if isinstance(source, AsyncGenerator):
                await source.aclose()


class GuardedHttp(Http):
    """The client of one instance; see `medianest_core.sdk.http.Http`."""

    def __init__(
        self,
        base_url: str,
        policy: EgressPolicy,
        *,
        tls: ssl.SSLContext | None,
        proxy: EgressProxy,
        memory: Callable[[], Store | None] = lambda: None,
    ) -> None:
        """memory: where answers are kept that are asked for with `remember`, while there is such a place."""
        self.base_url = base_url.rstrip("/")
        self._memory = memory
        self.policy = policy
        self._proxy = proxy
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=_CONNECTIONS,
            max_keepalive_connections=_CONNECTIONS,
            keepalive_expiry=30.0,
            network_backend=_CheckedBackend(policy),
        )

    async def request(
        self,
        method: str,
        url: str,
        *,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        data: Mapping[str, str | Sequence[str]] | None = None,
        content: bytes | None = None,
        timeout: float | None = None,
        max_bytes: int | None = None,
        remember: float | None = None,
    ) -> Response:
        request = self._build(method, url, params, headers, json=json, data=data, content=content)
        store = self._memory() if remember and request.method == "GET" else None
        if store is not None and (key := Memory.key(str(request.url), request.headers)) is not None:
            return await self._if_changed(request, timeout, max_bytes, Memory(store, remember or 0.0), key)
        return await self._whole(request, timeout, max_bytes)

    async def _whole(self, request: httpx.Request, timeout: float | None, max_bytes: int | None) -> Response:
        async with self._send(request, at_least(timeout or DEFAULT_TIMEOUT), max_bytes) as answer:
            body = b"".join([chunk async for chunk in answer.chunks()])
            return Response(answer.status, answer.headers, body, answer.url)

    async def _if_changed(
        self,
        request: httpx.Request,
        timeout: float | None,
        max_bytes: int | None,
        memory: Memory,
        key: str,
    ) -> Response:
        kept = await memory.find(key)
        if kept is not None:
            request.headers.update(kept.conditions)
        answer = await self._whole(request, timeout, max_bytes)
        if kept is not None and answer.status == 304:
            answer = kept.renewed(answer.headers)
        await memory.keep(key, answer)
        return answer

    async def deliver(
        self, url: str, headers: Mapping[str, str], content: bytes, *, timeout: float | None = None
    ) -> Response:
        """POST to whoever is meant and nobody else: redirects are answers like others. The body of the answer is not read."""
        request = self._build("POST", url, None, headers, content=content)
        deadline = asyncio.get_running_loop().time() + (timeout or DEFAULT_TIMEOUT)
        raw = await self._once(request, deadline)
        try:
            return Response(raw.status, _headers(raw), b"", _shown(request.url))
        finally:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(2.0):
                    await raw.aclose()

    @contextlib.asynccontextmanager
    async def stream(
        self,
        method: str,
        url: str,
        *,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        max_bytes: int | None = None,
    ) -> AsyncIterator[StreamedResponse]:
        """As `request`; timeout: default 60 seconds for the whole."""
        request = self._build(method, url, params, headers)
        async with self._send(request, at_least(timeout or STREAM_TIMEOUT), max_bytes) as answer:
            yield answer

    @contextlib.asynccontextmanager
    async def child_proxy(self) -> AsyncIterator[str]:
        async with self._proxy.open(self.policy) as url:
            yield url

    async def aclose(self) -> None:
        """Close all connections."""
        await self._pool.aclose()

    def _build(
        self,
        method: str,
        url: str,
        params: Params | None,
        headers: Mapping[str, str] | None,
        **body: Any,
    ) -> httpx.Request:
        if url.startswith("/"):
            if not self.base_url:
                raise EgressDenied("This service has no address of its own; a full one is needed.")
            url = self.base_url + url
        given = {
            "accept": "*/*",
            "accept-encoding": "gzip, deflate",
            "user-agent": _USER_AGENT,
            **{name.lower(): value for name, value in (headers or {}).items()},
        }
        if identifier := correlation_id.get():
            given["x-correlation-id"] = identifier
        try:
            target = httpx.URL(url)
            if params:
                flat = {name: value for name, value in params.items() if value is not None}
                target = target.copy_merge_params(flat)
            return httpx.Request(method.upper(), target, headers=given, **body)
        except (httpx.InvalidURL, ValueError, TypeError) as error:
            raise EgressDenied("The address cannot be used.") from error

    @contextlib.asynccontextmanager
    async def _send(
        self, request: httpx.Request, timeout: float, max_bytes: int | None
    ) -> AsyncIterator[_Streamed]:
        deadline = asyncio.get_running_loop().time() + timeout
        cap = DEFAULT_MAX_BYTES if max_bytes is None else max_bytes
        for _ in range(_MAX_REDIRECTS + 1):
            raw = await self._once(request, deadline)
            try:
                location = _header(raw, "location") if raw.status in _REDIRECTS else None
                if location is None:
                    yield _Streamed(raw, _shown(request.url), deadline, cap)
                    return
                request = _redirected(request, raw.status, location)
            finally:
                # Without a bound a peer that stopped reading could hold us here for ever.
                with contextlib.suppress(Exception):
                    async with asyncio.timeout(2.0):
                        await raw.aclose()
        raise Rejected("The service redirects in a circle.")

    async def _once(self, request: httpx.Request, deadline: float) -> httpcore.Response:
        url = request.url
        if url.scheme not in ("http", "https") or not url.host:
            raise EgressDenied("Only http and https addresses can be reached.")
        port = url.port or (443 if url.scheme == "https" else 80)
        # Also here, because a kept connection to a host never asks the policy again.
        self.policy.check_listed(url.host, port)
        outgoing = httpcore.Request(
            method=request.method,
            url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=request.content,
            extensions={"trace": _sent} if armed("http.sent") and request.method not in _SAFE else {},
        )
        with _translated(_shown(url)):
            async with asyncio.timeout_at(deadline):
                return await self._pool.handle_async_request(outgoing)


def _redirected(request: httpx.Request, status: int, location: str) -> httpx.Request:
    try:
        target = request.url.join(location)
    except (httpx.InvalidURL, ValueError) as error:
        raise InvalidResponse("The service redirects to an address that cannot be used.") from error
    method, headers = request.method, dict(request.headers)
    content = request.content
    if status == 303 or (status in (301, 302) and method == "POST"):
        method = method if method in ("GET", "HEAD") else "GET"
        content = b""
        headers.pop("content-type", None)
    headers.pop("host", None)
    headers.pop("content-length", None)
    headers.pop("transfer-encoding", None)
    if not _same_party(request.url, target):
        if content:
            raise EgressDenied("The service asks to send the data somewhere else; it was not sent.")
        headers = {name: value for name, value in headers.items() if name in _HARMLESS}
    return httpx.Request(method, target, headers=headers, content=content or None)


def _same_party(old: httpx.URL, new: httpx.URL) -> bool:
    if (old.scheme, old.host, old.port) == (new.scheme, new.host, new.port):
        return True
    return old.host == new.host and old.scheme == "http" and new.scheme == "https"


async def _sent(event: str, _: Mapping[str, Any]) -> None:
    if event == "http11.receive_response_headers.started":
        failpoint("http.sent")


def _headers(raw: httpcore.Response) -> Mapping[str, str]:
    merged: dict[str, str] = {}
    for name, value in raw.headers:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        merged[key] = f"{merged[key]}, {text}" if key in merged else text
    return merged


def _header(raw: httpcore.Response, name: str) -> str | None:
    return _headers(raw).get(name)


def _shown(url: httpx.URL) -> str:
    return str(url.copy_with(userinfo=b"")) if url.userinfo else str(url)


@contextlib.contextmanager
def _translated(url: str) -> Any:
    """Errors of the transport in our words."""
    try:
        yield
    except (
        TimeoutError,
        httpcore.TimeoutException,
        httpcore.NetworkError,
        httpcore.ProtocolError,
        OSError,
    ) as error:
        # The address is taken apart only here: this guards every piece of every body.
        raise _in_words(error, httpx.URL(url)) from error


def _in_words(error: Exception, url: httpx.URL) -> ProviderError:
    """The text names host and port, never path or query."""
    place = f"{url.host}:{url.port or (443 if url.scheme == 'https' else 80)}"
    if isinstance(error, TimeoutError | httpcore.TimeoutException):
        return NotReady(N_("{place} did not answer in time.").format(place=place))
    if isinstance(error, httpcore.ConnectError):
        cause = _tls_cause(error)
        if cause is not None:
            return NotReady(
                N_("{place} shows a certificate that cannot be trusted: {reason}.").format(
                    place=place, reason=cause
                )
            )
        return NotReady(N_("No connection to {place}.").format(place=place))
    if isinstance(error, httpcore.RemoteProtocolError | httpcore.LocalProtocolError):
        if "disconnected" in str(error) or "closed connection" in str(error):
            return NotReady(N_("The connection to {place} broke.").format(place=place))
        return InvalidResponse(N_("{place} does not answer in proper HTTP.").format(place=place))
    return NotReady(N_("The connection to {place} broke.").format(place=place))


def _tls_cause(error: BaseException | None) -> str | None:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return error.verify_message
        if isinstance(error, ssl.SSLError):
            return error.reason or "TLS error"
        error = error.__cause__ or error.__context__
    return None


def tls_context(verify: bool) -> ssl.SSLContext:
    """What connections are made with: the system's or certifi's authorities, or none."""
    return httpx.create_ssl_context(verify=verify, trust_env=False)
