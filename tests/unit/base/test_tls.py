"""TLS to a pinned address still verifies and names the host."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import ssl
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from medianest_core.base.egress import EgressPolicy
from medianest_core.base.http_factory import HttpFactory
from medianest_core.sdk.errors import NotReady

from .servers import reply

NAME = "secure.example.com"


def certificate(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@contextlib.asynccontextmanager
async def tls_server(folder: Path) -> AsyncIterator[tuple[int, list[str]]]:
    names: list[str] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(folder))
    context.sni_callback = lambda _, name, __: names.append(str(name))

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            names.append(head.lower().partition("host: ")[2].partition("\r\n")[0])
            await reply(b"sealed")(head, writer)
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1], names
    finally:
        server.close()


async def resolve_to_loopback(host: str, port: int) -> Sequence[str]:
    return ["127.0.0.1"]


async def test_name_and_host_are_kept_and_the_certificate_is_checked(tmp_path: Path) -> None:
    factory = HttpFactory(resolver=resolve_to_loopback)
    async with tls_server(tmp_path) as (port, names):
        policy = EgressPolicy([f"{NAME}:{port}"], allow_private=True)
        base = f"https://{NAME}:{port}"
        with pytest.raises(NotReady, match="certificate"):
            await factory.for_instance(base, policy).get("/")
        assert names == [NAME], "the handshake named the host, and no request was sent"
        trusting = factory.for_instance(base, policy, verify_tls=False)
        assert (await trusting.get("/")).text == "sealed"
        assert names[1:] == [NAME, f"{NAME}:{port}"]
    await factory.close()
