"""One look at a page, a port or a certificate. Each raises the SDK's errors, or `Failed`, where it is not as it should be."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ssl
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from cryptography import x509

from medianest_core.builtin.checks.settings import CertificateSettings, HttpSettings, PortSettings
from medianest_core.sdk import N_, EgressDenied, Http, MediaNestError, NotReady

MOST = 1024 * 1024
"""Bytes of a page that words are looked for in."""
_Side = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Failed(MediaNestError):
    """It answers, but not as it should."""


@dataclass(frozen=True, slots=True)
class Finding:
    """message: for people. response_ms: milliseconds. certificate_ends_at: epoch seconds. good: is it as it should be?"""

    message: str
    response_ms: float
    certificate_ends_at: float | None = None
    good: bool = True


async def page(config: HttpSettings, http: Http) -> Finding:
    """Ask for a page; look at its status, and for words on it."""
    began = time.perf_counter()
    async with http.stream("GET", str(config.url), timeout=config.timeout, max_bytes=64 * MOST) as answer:
        took = (time.perf_counter() - began) * 1000
        if not config.good(answer.status):
            raise Failed(N_("It answers with status {status}.").format(status=answer.status))
        if config.keyword:
            found = await _holds(answer.chunks(), config.keyword.encode())
            if found is config.absent:
                raise Failed(
                    N_("The words “{words}” are there.").format(words=config.keyword)
                    if found
                    else N_("The words “{words}” are not there.").format(words=config.keyword)
                )
        return Finding(N_("It answers with status {status}.").format(status=answer.status), took)


async def port(config: PortSettings, http: Http) -> Finding:
    """Connect to a port."""
    async with asyncio.timeout(config.timeout), http.child_proxy() as proxy:
        began = time.perf_counter()
        async with _tunnel(proxy, config.place):
            return Finding(N_("The port is open."), (time.perf_counter() - began) * 1000)


async def certificate(config: CertificateSettings, http: Http) -> Finding:
    """Shake hands, and read until when the certificate is valid."""
    async with asyncio.timeout(config.timeout), http.child_proxy() as proxy:
        problem = ""
        began = time.perf_counter()
        try:
            end = await _certificate_end(proxy, config, ssl.create_default_context())
        except ssl.SSLCertVerificationError as error:
            problem = error.verify_message
            end = await _certificate_end(proxy, config, _trusting())
        took = (time.perf_counter() - began) * 1000
    days = int((end - time.time()) // 86_400)
    if end <= time.time():
        return Finding(N_("The certificate has ended."), took, end, good=False)
    if problem and config.trusted:
        words = N_("The certificate is not trusted: {reason}.").format(reason=problem.rstrip("."))
        return Finding(words, took, end, good=False)
    words = N_("The certificate is valid for {days} more days.").format(days=days)
    return Finding(words, took, end, good=days >= config.days)


async def _holds(chunks: AsyncIterator[bytes], words: bytes) -> bool:
    kept, seen = b"", 0
    async for chunk in chunks:
        kept += chunk
        if words in kept:
            return True
        seen += len(chunk)
        if seen >= MOST:
            break
        kept = kept[-len(words) :]
    return False


async def _certificate_end(proxy: str, config: CertificateSettings, context: ssl.SSLContext) -> float:
    async with _tunnel(proxy, config.place) as (_, writer):
        try:
            await writer.start_tls(context, server_hostname=config.host)
        except ssl.SSLCertVerificationError:
            raise
        except (ssl.SSLError, OSError) as error:
            raise Failed(N_("No encrypted connection came about.")) from error
        raw = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    if not raw:
        raise Failed(N_("It shows no certificate."))
    return x509.load_der_x509_certificate(raw).not_valid_after_utc.timestamp()


def _trusting() -> ssl.SSLContext:
    """Takes any certificate: it is only read, nothing is sent."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@contextlib.asynccontextmanager
async def _tunnel(proxy: str, place: str) -> AsyncIterator[_Side]:
    """A connection to host:port through the portal's own proxy, which knows where we may go."""
    parts = urlsplit(proxy)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        token = base64.b64encode(f"{parts.username}:{parts.password}".encode()).decode()
        head = f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\nProxy-Authorization: Basic {token}\r\n\r\n"
        writer.write(head.encode("ascii"))
        await writer.drain()
        try:
            answer = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            raise NotReady(N_("No connection came about.")) from error
        status = answer.split(b" ", 2)[1]
        if status == b"403":
            reason = (await reader.read(2000)).decode("utf-8", "replace").strip()
            raise EgressDenied(reason or N_("This address may not be contacted."))
        if status != b"200":
            raise NotReady(N_("No connection came about."))
        yield reader, writer
    finally:
        writer.close()
