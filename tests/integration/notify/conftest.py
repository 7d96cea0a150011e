"""The gate with the built-in notifiers, a worker, and the services that they talk to: a mail server, and one for HTTP."""

from __future__ import annotations

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import select

from medianest_core.base.settings import AppSettings
from medianest_core.domain.notify.outside import TIDY_JOB
from medianest_core.jobs.registry import JobRegistry
from medianest_core.jobs.worker import Worker
from medianest_core.store.tables.notify import deliveries
from tests.integration.conftest import Gate, opened

PUBLIC = "https://portal.example.org"


@dataclass
class MailServer:
    """A real one on loopback. answer: what DATA is answered; None hangs up instead. got: (recipients, message)."""

    port: int = 0
    answer: str | None = "250 OK"
    recipient: str = "250 OK"
    got: list[tuple[list[str], EmailMessage]] = field(default_factory=list)

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.recipient.startswith("2"):
            envelope.rcpt_tos.append(address)
        return self.recipient

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        message = email.message_from_bytes(content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.got.append((list(envelope.rcpt_tos), message))
        if self.answer is None:
            transport = server.transport
            assert isinstance(transport, asyncio.Transport)
            transport.abort()
            return "250 never heard"
        return self.answer


def text_of(message: EmailMessage) -> str:
    """The part for those who read plain text."""
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def page_of(message: EmailMessage) -> str:
    """The part for those who see more."""
    assert message.get_content_type() == "multipart/alternative"
    part = message.get_body(("html",))
    assert part is not None
    return str(part.get_content())


@pytest.fixture
async def mail() -> AsyncIterator[MailServer]:
    handler = MailServer()
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(handler, hostname="mail.test", enable_SMTPUTF8=False), "127.0.0.1", 0
    )
    handler.port = server.sockets[0].getsockname()[1]
    yield handler
    server.close()
    await server.wait_closed()


@dataclass
class WebServer:
    """Takes POSTs. status: what it answers. got: (path, headers in lower case, body)."""

    port: int = 0
    status: int = 201
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.strip().split("\r\n")
            headers = {
                name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
            }
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            self.got.append((first.split(" ")[1], headers, body))
            writer.write(
                f"HTTP/1.1 {self.status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
            )
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@pytest.fixture
async def web() -> AsyncIterator[WebServer]:
    handler = WebServer()
    server = await asyncio.start_server(handler.serve, "127.0.0.1", 0)
    handler.port = server.sockets[0].getsockname()[1]
    yield handler
    server.close()
    await server.wait_closed()


@dataclass
class Bench:
    gate: Gate
    mail: MailServer
    web: WebServer
    instance: dict[str, str] = field(default_factory=dict)

    @property
    def outside(self) -> Any:
        return self.gate.services.notify.outside

    async def set_up(self, plugin: str, service: str, values: dict[str, Any]) -> str:
        instances = self.gate.services.host.instances
        made = await instances.create(plugin, service, "", "", values, None)
        await instances.settle(60)
        assert instances.info(made.id).ready, instances.info(made.id)
        return made.id

    async def with_mail(self, **values: Any) -> str:
        return await self.set_up(
            "email",
            "smtp",
            {"host": "127.0.0.1", "port": self.mail.port, "encryption": "none", "sender": "nest@example.org"}
            | values,
        )

    async def tell(self, user_id: str, kind: str = "request.available", **params: Any) -> str:
        """Put a notification into somebody's inbox."""
        async with self.gate.services.db.begin() as tx:
            made = await self.gate.services.notify.notify(
                tx, user_id, kind, {"title": "Heat"} | params, "/requests/r1"
            )
        assert made is not None
        return str(made)

    async def states(self, user_id: str) -> list[str]:
        """Newest first."""
        return [one.state for one in (await self.outside.deliveries.log(user_id))[0]]

    async def tidied(self) -> list[str]:
        """The states of all deliveries once the hourly job has run."""
        ledger = self.gate.services.ledger
        job_id = await ledger.submit(TIDY_JOB, {})

        async def done() -> bool:
            async with self.gate.services.db.read() as tx:
                job = await ledger.get_job(tx, job_id)
            return job is not None and job.state == "done"

        await self.until(done)
        async with self.gate.services.db.read() as tx:
            return [str(state) for state in (await tx.execute(select(deliveries.c.state))).scalars()]

    async def until(self, holds: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(120):
            while not await holds():
                await asyncio.sleep(0.02)

    async def ended(self, user_id: str, *states: str) -> None:
        """Waits for these states, newest first."""

        async def holds() -> bool:
            return tuple(await self.states(user_id)) == states

        try:
            await self.until(holds)
        except TimeoutError:
            raise AssertionError((await self.outside.deliveries.log(user_id))[0]) from None


@pytest.fixture
async def bench(tmp_path: Path, backend: str, mail: MailServer, web: WebServer) -> AsyncIterator[Bench]:
    settings = AppSettings(data_dir=tmp_path / "portal", safe_mode=True, public_url=PUBLIC, _env_file=None)
    async with opened(settings) as gate:
        services = gate.services
        registry = JobRegistry(services.ledger)
        for job in services.notify.outside.jobs():
            registry.add(job)
        worker = Worker(services.db, services.ledger, registry, services.bus)
        await worker.start()
        try:
            yield Bench(gate, mail, web)
        finally:
            await worker.stop()
