"""What the portal brings along to reach people keeps the contract of notifiers: e-mail to a real mail server, push to a real socket."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any, ClassVar

from aiosmtpd.smtp import SMTP

from medianest_core.builtin.email import Mail
from medianest_core.builtin.webpush import Device
from medianest_core.builtin.webpush.settings import fresh_key
from medianest_core.testing.contracts import NotifierContract
from tests.integration.notify.conftest import MailServer, WebServer, text_of
from tests.integration.notify.test_devices import Device as Browser


class TestMail(NotifierContract):
    provider = Mail
    target = "ann@example.org"
    untidy = " ann@example.org "
    wrong = "ann"
    server: MailServer

    @contextlib.asynccontextmanager
    async def surroundings(self) -> AsyncIterator[None]:
        self.server = MailServer()
        listening = await asyncio.get_running_loop().create_server(
            lambda: SMTP(self.server, hostname="mail.test", enable_SMTPUTF8=False), "127.0.0.1", 0
        )
        self.server.port = listening.sockets[0].getsockname()[1]
        yield
        listening.close()
        await listening.wait_closed()

    outlasting: ClassVar[tuple[str, ...]] = ("SMTP.",)

    def values(self) -> dict[str, Any]:
        return {
            "host": "127.0.0.1",
            "port": self.server.port,
            "encryption": "none",
            "sender": "nest@example.org",
        }

    async def arrived(self) -> Sequence[str]:
        return [f"{message['Subject']}\n{text_of(message)}" for _, message in self.server.got]


class TestPush(NotifierContract):
    provider = Device
    wrong = '{"endpoint": "nowhere"}'
    server: WebServer
    browser: Browser
    key: str

    @contextlib.asynccontextmanager
    async def surroundings(self) -> AsyncIterator[None]:
        self.server, self.key = WebServer(), fresh_key().reveal()
        listening = await asyncio.start_server(self.server.serve, "127.0.0.1", 0)
        self.server.port = listening.sockets[0].getsockname()[1]
        self.browser = Browser(self.server)
        yield
        listening.close()
        await listening.wait_closed()

    def values(self) -> dict[str, Any]:
        home = [f"127.0.0.1:{self.server.port}"]
        return {"contact": "admin@example.org", "key": self.key, "services_at_home": home}

    def address(self) -> str:
        return self.browser.subscription

    async def arrived(self) -> Sequence[str]:
        opened = [self.browser.open(content) for _, _, content in self.server.got]
        return ["\n".join(str(value) for value in one.values()) for one in opened]
