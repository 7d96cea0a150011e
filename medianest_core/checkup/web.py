"""The portal as a browser meets it: the public address, the proxy, the websocket and the clock.

Only the standard library, and no redirects followed by themselves: what a proxy does is what is looked at.
"""

from __future__ import annotations

import base64
import json
import os
import ssl
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from medianest_core.base.finding import Finding, clock, ok, problem, warning
from medianest_core.base.settings import AppSettings
from medianest_core.base.texts import N_
from medianest_core.web.gate.proxies import networks

PATIENCE = 6.0
_HEARD = (200, 401)
_SOCKET = "/live/socket.io/?EIO=4&transport="


@dataclass(frozen=True, slots=True)
class Answer:
    """status 0: nobody answered, and `text` says why."""

    status: int
    text: str = ""
    date: float | None = None
    location: str = ""


def ask(address: str, path: str, headers: dict[str, str] | None = None, method: str = "GET") -> Answer:
    """At most 4 KiB are read, and nothing of a connection that was upgraded."""
    parts = urlsplit(address)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=PATIENCE)
    try:
        connection.request(
            method, parts.path.rstrip("/") + path, headers={"Accept": "*/*", **(headers or {})}
        )
        reply = connection.getresponse()
        text = "" if reply.status == 101 else reply.read(4096).decode("utf-8", "replace")
        return Answer(reply.status, text, _date(reply.getheader("Date")), reply.getheader("Location") or "")
    except ssl.SSLCertVerificationError as error:
        return Answer(0, f"its certificate is not accepted ({error.verify_message})")
    except (OSError, HTTPException, ValueError) as error:
        return Answer(0, getattr(error, "strerror", None) or str(error) or type(error).__name__)
    finally:
        connection.close()


def _date(text: str | None) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except ValueError:
        return None


def check(settings: AppSettings) -> list[Finding]:
    found = _settings(settings)
    host = settings.host if settings.host not in ("0.0.0.0", "::", "") else "127.0.0.1"  # noqa: S104  # compared, not bound
    local = f"http://{f'[{host}]' if ':' in host else host}:{settings.port}{settings.root_path}"
    running = is_portal(ask(local, "/readyz"))
    if settings.public_url is None:
        if running:
            return [
                *found,
                ok(N_("portal"), N_("It runs at {address}.").format(address=local)),
                *_socket(local),
            ]
        return [
            *found,
            ok(
                N_("portal"),
                N_("It does not run at {address} now; addresses and sockets were not tried.").format(
                    address=local
                ),
            ),
        ]
    public = settings.public_url
    answer = ask(public, "/readyz")
    if not is_portal(answer):
        return [*found, _not_ours(public, answer, running, settings)]
    found.append(ok(N_("public address"), N_("{address} leads to a portal.").format(address=public)))
    if answer.date is not None:
        found.append(
            clock(N_("clock of the proxy"), N_("the server at the public address"), time.time() - answer.date)
        )
    return [*found, *_socket(public)]


def is_portal(answer: Answer) -> bool:
    """Whether /readyz was answered by a portal, ready or not."""
    try:
        return answer.status in (200, 503) and isinstance(json.loads(answer.text)["ready"], bool)
    except (ValueError, KeyError, TypeError):
        return False


def _settings(settings: AppSettings) -> list[Finding]:
    found: list[Finding] = []
    try:
        networks(settings.trusted_proxies)
    except ValueError as error:
        found.append(
            problem(
                N_("trusted proxies"),
                str(error),
                N_("Give addresses or networks, e.g. 127.0.0.1,172.30.84.0/24."),
            )
        )
    if settings.public_url:
        path = urlsplit(settings.public_url).path.rstrip("/")
        if path != settings.root_path:
            found.append(
                problem(
                    N_("sub-path"),
                    N_("The public address ends in {path}, MEDIANEST_ROOT_PATH is {who}.").format(
                        path=path or "/", who=settings.root_path or N_("not set")
                    ),
                    N_("Set MEDIANEST_ROOT_PATH={path}.").format(path=path)
                    if path
                    else N_("Take MEDIANEST_ROOT_PATH out, or put it behind the address."),
                )
            )
        if settings.public_url.startswith("https://") and not settings.trusted_proxies:
            found.append(
                warning(
                    N_("trusted proxies"),
                    N_(
                        "People come by https, and no proxy is trusted: the portal takes everybody for one visitor on plain http."
                    ),
                    N_(
                        "Set MEDIANEST_TRUSTED_PROXIES to the proxy's address, and let it send X-Forwarded-For, -Proto and -Host."
                    ),
                )
            )
    return found


def _not_ours(public: str, answer: Answer, running: bool, settings: AppSettings) -> Finding:
    if answer.status == 0:
        text = N_("{address} cannot be reached: {error}.").format(address=public, error=answer.text)
        remedy = N_(
            "Check the name, the port and the certificate. From inside a network its own public name may not work; then try it elsewhere."
        )
    elif answer.status in (301, 302, 307, 308):
        text = N_("{address} sends people on to {target}.").format(
            address=public, target=answer.location[:200]
        )
        remedy = (
            N_("Set MEDIANEST_PUBLIC_URL to the address in which that ends, with https.")
            if public.startswith("http:")
            else N_("Set MEDIANEST_PUBLIC_URL to the address in which that ends.")
        )
    elif answer.status in (502, 503, 504):
        text = N_("{address} answers {status}: the proxy is there and finds no portal.").format(
            address=public, status=answer.status
        )
        remedy = (
            N_("Point it at port {port} of this machine.")
            if running
            else N_("Start the portal, and point the proxy at its port {port}.")
        ).format(port=settings.port)
    else:
        text = N_("{address} answers {status}, but no portal is there.").format(
            address=public, status=answer.status
        )
        remedy = N_(
            "Set MEDIANEST_PUBLIC_URL to the address people type, with the sub-path and without a final slash."
        )
    return problem(N_("public address"), text, remedy)


def _socket(address: str) -> list[Finding]:
    """Live updates, by both ways: a proxy that lets polling through and no websocket is the usual mistake.

    Nobody is signed in here, so the portal refuses both: a plain request with 401, a websocket, which has no such answer, with 403.
    """
    parts = urlsplit(address)
    origin = f"{parts.scheme}://{parts.netloc}"
    # Asking for health changes nothing, but a write is what the portal holds an origin against.
    if ask(address, "/healthz", {"Origin": origin}, "POST").status == 403:
        return [
            problem(
                N_("websocket"),
                N_(
                    "The portal takes the browser's own address for a foreign one, and refuses forms and live updates."
                ),
                N_(
                    "The proxy changes the Host header: pass it on (`proxy_set_header Host $http_host`), or send X-Forwarded-Host and -Proto"
                    " and name the proxy in MEDIANEST_TRUSTED_PROXIES."
                ),
            )
        ]
    polling = ask(address, _SOCKET + "polling", {"Origin": origin})
    upgrade = {
        "Origin": origin,
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
    }
    socket = ask(address, _SOCKET + "websocket", upgrade)
    if socket.status == 101 or (socket.status == 403 and polling.status in _HEARD):
        return [ok(N_("websocket"), N_("It reaches the portal."))]
    if polling.status in _HEARD:
        return [
            problem(
                N_("websocket"),
                N_("The proxy does not pass websockets on (it answers {who}); live updates are slow.").format(
                    who=socket.status or N_("nothing")
                ),
                N_(
                    "Pass the headers Upgrade and Connection on, over HTTP/1.1; deploy/nginx/medianest.conf shows how."
                ),
            )
        ]
    return [
        problem(
            N_("websocket"),
            N_(
                "Live updates do not work: polling is answered with {polling}, the websocket with {websocket}."
            ).format(polling=polling.status or polling.text, websocket=socket.status or socket.text),
            N_("Let the proxy pass everything below /live/ on to the portal."),
        )
    ]
