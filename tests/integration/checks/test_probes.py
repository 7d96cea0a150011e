"""Checks of pages, ports and certificates, against real servers on loopback and through the portal's own rules of where to go."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from medianest_core.base.egress import EgressPolicy
from medianest_core.base.http_factory import HttpFactory
from medianest_core.base.settings import AppSettings
from medianest_core.builtin.checks import probes
from medianest_core.builtin.checks.checker import Checker
from medianest_core.builtin.checks.settings import (
    CertificateSettings,
    CheckSettings,
    HttpSettings,
    PortSettings,
)
from medianest_core.sdk.errors import EgressDenied
from medianest_core.sdk.status import Item
from medianest_core.testing.loopback import serving


@contextlib.asynccontextmanager
async def checker(config: CheckSettings, probe: Any, **options: Any) -> AsyncIterator[Checker[Any]]:
    factory = HttpFactory(AppSettings(_env_file=None))
    http = factory.for_instance(config.base_url(), EgressPolicy.for_settings(config))
    try:
        yield Checker(config, http, probe, **options)
    finally:
        await http.aclose()
        await factory.close()


async def look(config: CheckSettings, probe: Any) -> Item:
    async with checker(config, probe) as one:
        return await one.look()


async def _answer(request: Request) -> Response:
    return PlainTextResponse("All is well here.", int(request.query_params.get("status", "200")))


@pytest.fixture
async def site() -> AsyncIterator[str]:
    async with serving(Starlette(routes=[Route("/", _answer)])) as url:
        yield url


async def test_a_page_is_judged_by_status_and_words(site: str) -> None:
    async def up(**values: Any) -> bool | None:
        return (await look(HttpSettings(**{"url": site, **values}), probes.page)).up

    assert await up() is True
    assert await up(keyword="well here") is True
    assert await up(keyword="nowhere") is False
    assert await up(keyword="nowhere", absent=True) is True
    assert await up(keyword="well", absent=True) is False
    assert await up(url=f"{site}/?status=500") is False
    assert await up(url=f"{site}/?status=401", statuses="200-299, 401") is True
    found = await look(HttpSettings(url=f"{site}/?status=503", group="Home"), probes.page)
    assert (found.message, found.group) == ("It answers with status 503.", "Home")
    good = await look(HttpSettings(url=site), probes.page)
    assert good.response_ms is not None and good.response_ms > 0


async def test_a_page_that_nobody_serves_is_down() -> None:
    async with serving(Starlette()) as url:
        pass
    found = await look(HttpSettings(url=url), probes.page)
    assert found.up is False and found.message


@pytest.mark.parametrize("statuses", ["", "ok", "200-", "2000", "200 300"])
def test_statuses_are_numbers(statuses: str) -> None:
    with pytest.raises(ValidationError):
        HttpSettings(url="http://example.org/", statuses=statuses)


@contextlib.asynccontextmanager
async def listening(context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    async def close(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(close, "127.0.0.1", 0, ssl=context)
    async with server:
        yield int(server.sockets[0].getsockname()[1])


async def test_a_port_is_open_or_not() -> None:
    async with listening() as port:
        config = PortSettings(host="127.0.0.1", port=port)
        assert (await look(config, probes.port)).up is True
    closed = await look(config, probes.port)
    assert (closed.up, closed.message) == (False, "No connection came about.")


async def test_only_what_was_typed_is_contacted() -> None:
    class Sly(PortSettings):
        @property
        def place(self) -> str:
            return "127.0.0.1:1"

        def typed_hosts(self) -> list[str]:
            return [f"{self.host}:{self.port}"]

    with pytest.raises(EgressDenied):
        await look(Sly(host="192.0.2.1", port=80), probes.port)


def _certificate(folder: Path, days: float) -> ssl.SSLContext:
    """A server's context with a certificate of its own making that ends in so many days."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=100))
        .not_valid_after(now + datetime.timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{days}.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


async def test_a_certificate_is_judged_by_its_end_and_its_maker(tmp_path: Path) -> None:
    async def found(left: float, **values: Any) -> Item:
        async with listening(_certificate(tmp_path, left)) as port:
            return await look(CertificateSettings(host="localhost", port=port, **values), probes.certificate)

    long = await found(90.5, trusted=False)
    assert (long.up, long.message) == (True, "The certificate is valid for 90 more days.")
    assert long.certificate_ends_at is not None and long.response_ms is not None
    assert (await found(90.5)).up is False
    assert "not trusted" in (await found(90.5)).message
    assert (await found(5.5, trusted=False)).up is False
    assert (await found(5.5, trusted=False, days=3)).up is True
    ended = await found(-1, trusted=False)
    assert (ended.up, ended.message) == (False, "The certificate has ended.")
    async with listening() as port:
        plain = CertificateSettings(host="127.0.0.1", port=port)
        assert (await look(plain, probes.certificate)).message == "No encrypted connection came about."


async def test_what_fails_is_looked_at_again_before_it_counts(site: str) -> None:
    answers = [False, True, False, False, False, True]
    slept: list[float] = []

    async def probe(config: CheckSettings, http: Any) -> probes.Finding:
        return probes.Finding("x", 1.0, good=answers.pop(0))

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    config = HttpSettings(url=site, retries=2, interval=60)
    seen = []
    async with checker(config, probe, sleep=sleep) as one:
        async for snapshot in one.watch():
            seen.append(snapshot.items[0].up)
            if not answers:
                break
        assert one.latest is not None and one.latest.up is True
        assert (await one.check()).message == "x"
    assert seen == [True, False, True]
    # Rounds take a little of the minute between them.
    assert slept == pytest.approx([5, 60, 5, 5, 60], abs=20)


async def test_a_test_of_the_connection_says_what_is_wrong_without_refusing() -> None:
    async with serving(Starlette()) as url, checker(HttpSettings(url=url), probes.page) as one:
        result = await one.check()
    assert result.warnings == ("It answers with status 404.",)
    assert "It answers with status 404." in result.message
