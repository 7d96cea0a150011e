"""Hands messages to the mail server, one connection each, through the portal's own proxy, which knows where we may go."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from email.message import EmailMessage
from email.policy import SMTP as POLICY
from email.utils import format_datetime, localtime
from urllib.parse import urlsplit

import aiosmtplib

from medianest_core.builtin.email.page import page
from medianest_core.builtin.email.settings import MailSettings
from medianest_core.sdk import N_, AuthFailed, EgressDenied, Http, MaybeSent, Message, NotReady, Rejected

TIMEOUT = 20.0
"""Seconds for everything; less than the core waits for us, so that we can tell what happened."""
_MOST_HEAD = 8192


class Post:
    """The client of one mail server."""

    def __init__(self, config: MailSettings, http: Http, *, timeout: float = TIMEOUT) -> None:
        self._config = config
        self._http = http
        self._timeout = timeout

    async def check(self) -> str:
        """Say hello and sign in; what the server calls itself."""
        async with self._session() as server:
            await server.noop()
            return (
                server.last_ehlo_response and server.last_ehlo_response.message.split("\n")[0][:100]
            ) or ""

    async def send(self, target: str, message: Message) -> None:
        """Raises the SDK's errors; MaybeSent where the message was handed over and nothing was said."""
        content = self.compose(target, message).as_bytes(policy=POLICY)
        given = False
        try:
            async with self._session() as server:
                await server.mail(self._config.sender)
                await server.rcpt(target)
                given = True
                try:
                    await server.data(content)
                except aiosmtplib.SMTPResponseException:
                    given = False
                    raise
                given = False
        except NotReady as error:
            if given:
                raise MaybeSent(
                    N_("The mail server took the message and said nothing more; it may have arrived.")
                ) from error
            raise

    def compose(self, target: str, message: Message) -> EmailMessage:
        """The message as it goes over the wire. The same id gives the same Message-ID, by which mail programs know a repetition."""
        config = self._config
        mail = EmailMessage(policy=POLICY)
        mail["Subject"] = " ".join(message.title.split())
        name = config.sender_name.replace("\\", "").replace('"', "")
        mail["From"] = f'"{name}" <{config.sender}>' if name else config.sender
        mail["To"] = target
        mail["Date"] = format_datetime(localtime())
        if message.id:
            mail["Message-ID"] = f"<{message.id}@{config.sender.rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"
        if message.urgent:
            mail["Importance"] = "high"
        if message.unsubscribe_url:
            mail["List-Unsubscribe"] = f"<{message.unsubscribe_url}>"
            if message.unsubscribe_url.startswith("https:"):
                mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        parts = [part for part in (message.body, message.url or "") if part]
        text = "\n\n".join(parts or [message.title])
        if message.notes:
            text += "\n\n-- \n" + "\n".join(message.notes)
        mail.set_content(text + "\n")
        mail.add_alternative(page(message), subtype="html")
        # Of the whole: what is said of the content before it has two parts would go to the first of them.
        mail["Content-Language"] = message.locale
        return mail

    @contextlib.asynccontextmanager
    async def _session(self) -> AsyncIterator[aiosmtplib.SMTP]:
        config = self._config
        try:
            async with asyncio.timeout(self._timeout), self._http.child_proxy() as proxy:
                sock = await _tunnel(proxy, config.place)
                server = aiosmtplib.SMTP(
                    hostname=config.host,
                    sock=sock,
                    use_tls=config.encryption == "tls",
                    start_tls=config.encryption == "starttls",
                    tls_context=None if config.verify_tls else _trusting(),
                    local_hostname="localhost",
                    timeout=self._timeout,
                )
                try:
                    await server.connect()
                    if config.username:
                        await server.login(
                            config.username, config.password.reveal() if config.password else ""
                        )
                    yield server
                    with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                        await server.quit()
                finally:
                    server.close()
                    sock.close()
        except TimeoutError as error:
            raise NotReady(N_("The mail server does not answer in time.")) from error
        except aiosmtplib.SMTPAuthenticationError as error:
            raise AuthFailed(N_("The mail server refuses user name and password.")) from error
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _refusal(error.recipients[0].code) from error
        except aiosmtplib.SMTPResponseException as error:
            raise _refusal(error.code) from error
        except ssl.SSLCertVerificationError as error:
            raise NotReady(N_("The certificate of the mail server is not trusted.")) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise NotReady(N_("No connection to the mail server came about.")) from error


def _refusal(code: int) -> Exception:
    """What the server's number means: below 500 it may take the message later."""
    if code == 535 or code == 530:
        return AuthFailed(
            N_("The mail server wants another user name or password ({code}).").format(code=code)
        )
    if 400 <= code < 500:
        return NotReady(N_("The mail server cannot take the message now ({code}).").format(code=code))
    return Rejected(N_("The mail server refuses the message ({code}).").format(code=code))


async def _tunnel(proxy: str, place: str) -> socket.socket:
    """A connected socket to host:port. Raises EgressDenied, NotReady."""
    loop, parts = asyncio.get_running_loop(), urlsplit(proxy)
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setblocking(False)
    try:
        await loop.sock_connect(sock, (str(parts.hostname), int(parts.port or 0)))
        token = base64.b64encode(f"{parts.username}:{parts.password}".encode()).decode()
        head = f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\nProxy-Authorization: Basic {token}\r\n\r\n"
        await loop.sock_sendall(sock, head.encode("ascii"))
        answer = b""
        # Byte by byte: what follows belongs to the mail server.
        while not answer.endswith(b"\r\n\r\n") and len(answer) < _MOST_HEAD:
            piece = await loop.sock_recv(sock, 1)
            if not piece:
                break
            answer += piece
        status = answer.partition(b" ")[2][:3]
        if status == b"403":
            raise EgressDenied(N_("This address may not be contacted."))
        if status != b"200":
            raise NotReady(N_("No connection to the mail server came about."))
    except BaseException:
        sock.close()
        raise
    return sock


def _trusting() -> ssl.SSLContext:
    """For servers with a certificate that somebody made themselves; an admin chose so."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
