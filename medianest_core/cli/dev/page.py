"""What `medianest dev` adds to each page: a script that loads it again after a change, and what went wrong.

Shown to browsers on this machine alone, because a traceback tells how things are inside.
"""

from __future__ import annotations

import html
import ipaddress
import json
import logging
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from medianest_core.base.redact import redact

PLACE = "/_dev"
_KEEP_OUT = (b"accept-encoding", b"if-none-match", b"if-modified-since")
_SCRIPT = """\
// The process that serves the pages changes when a file was saved: then they are loaded again.
const first = document.currentScript.dataset.run;
async function ask() {
  try {
    const answer = await fetch("/_dev/state", { cache: "no-store" });
    if ((await answer.json()).run !== first) return location.reload();
  } catch { /* it starts anew just now */ }
  setTimeout(ask, 200);
}
setTimeout(ask, 200);
"""
_STYLE = """\
.dev-errors { position: relative; z-index: 100; padding: 1rem; background: #2a0f14; color: #ffe4e6; font: 14px/1.5 system-ui, sans-serif; }
.dev-errors h2 { font-size: 1rem; font-weight: 600; margin: 0 0 .25rem; }
.dev-errors pre { overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere; margin: .5rem 0 1rem; font: 12px/1.45 ui-monospace, monospace; }
"""


@dataclass(frozen=True, slots=True)
class Mistake:
    """what: one line. trace: a traceback, or empty."""

    what: str
    trace: str = ""


_caught: ContextVar[list[Mistake] | None] = ContextVar("caught", default=None)


class Catching(logging.Handler):
    """Keeps the exceptions that are logged while a request is answered."""

    def emit(self, record: logging.LogRecord) -> None:
        caught = _caught.get()
        if caught is None:
            return
        # What structlog hands on is a mapping whose traceback is text by now.
        said = record.msg if isinstance(record.msg, dict) else {}
        trace = str(said.get("exception") or "")
        if not trace and record.exc_info:
            trace = logging.Formatter().formatException(record.exc_info)
        if trace:
            caught.append(Mistake(str(said.get("event") or record.getMessage()), redact(trace)))


class DevPages:
    """The portal with these additions. run: differs after each start. mistakes: what stands on every page."""

    def __init__(self, app: ASGIApp, run: str, mistakes: Callable[[], Sequence[Mistake]]) -> None:
        self._app = app
        self._run = run
        self._mistakes = mistakes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not is_here(scope):
            await self._app(scope, receive, send)
        elif scope["path"].startswith(PLACE + "/"):
            await self._own(scope["path"].removeprefix(PLACE))(scope, receive, send)
        else:
            await self._page(scope, receive, send)

    def _own(self, path: str) -> Response:
        headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        if path == "/state":
            return Response(json.dumps({"run": self._run}), media_type="application/json", headers=headers)
        if path == "/reload.js":
            return Response(_SCRIPT, media_type="text/javascript", headers=headers)
        if path == "/dev.css":
            return Response(_STYLE, media_type="text/css", headers=headers)
        return Response(status_code=404, headers=headers)

    async def _page(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Neither packed nor known already: what is added is not what the portal knows of.
        kept = [(name, value) for name, value in scope["headers"] if name not in _KEEP_OUT]
        start: Message | None = None
        parts: list[bytes] = []
        caught: list[Mistake] = []
        token = _caught.set(caught)

        async def change(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                if not Headers(raw=message["headers"]).get("content-type", "").startswith("text/html"):
                    await send(message)
                    return
                start = message
            elif message["type"] == "http.response.body" and start is not None:
                parts.append(message.get("body", b""))
                if message.get("more_body"):
                    return
                body = self.added(b"".join(parts), caught)
                headers = MutableHeaders(raw=list(start["headers"]))
                headers["content-length"] = str(len(body))
                for name in ("etag", "last-modified"):
                    del headers[name]
                await send({**start, "headers": headers.raw})
                await send({"type": "http.response.body", "body": body if scope["method"] != "HEAD" else b""})
            else:
                await send(message)

        try:
            await self._app({**scope, "headers": kept}, receive, change)
        finally:
            _caught.reset(token)

    def added(self, body: bytes, caught: Sequence[Mistake] = ()) -> bytes:
        """The page with the script and the mistakes; a part of a page stays as it is, unless something went wrong in it."""
        known = list(self._mistakes())
        # What a page did wrong is also the newest mistake of its plugin.
        endings = {_ending(one) for one in known if one.trace}
        shown = told([*known, *(one for one in caught if _ending(one) not in endings)])
        if b"</head>" not in body:
            return body + told(caught).encode() if caught else body
        head = (
            f'<link rel="stylesheet" href="{PLACE}/dev.css">'
            f'<script src="{PLACE}/reload.js" data-run="{html.escape(self._run)}"></script></head>'
        )
        body = body.replace(b"</head>", head.encode(), 1)
        before, tag, after = body.partition(b"<body")
        inside, close, rest = after.partition(b">")
        return before + tag + inside + close + shown.encode() + rest


def _ending(one: Mistake) -> str:
    """The line of a traceback that names the error."""
    return one.trace.rstrip().rpartition("\n")[2]


def told(mistakes: Sequence[Mistake]) -> str:
    """Mistakes as a piece of a page."""
    if not mistakes:
        return ""
    found = "".join(
        f"<h2>{html.escape(one.what)}</h2>" + (f"<pre>{html.escape(one.trace)}</pre>" if one.trace else "")
        for one in mistakes
    )
    return f'<section class="dev-errors" role="alert" aria-label="medianest dev">{found}</section>'


def is_here(scope: Scope) -> bool:
    """Whether a browser of this machine asks, by an address of this machine: a name could be anyone's."""
    try:
        host = urlsplit(f"//{Headers(scope=scope).get('host', '')}").hostname or ""
        return ipaddress.ip_address((scope.get("client") or ("",))[0]).is_loopback and (
            host == "localhost" or ipaddress.ip_address(host).is_loopback
        )
    except ValueError:
        return False


class Broken:
    """In the place of a portal that cannot start: a page that says why, until something is saved."""

    def __init__(self, mistake: Mistake) -> None:
        self._mistake = mistake

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        page = (
            '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>medianest dev</title></head>'
            f"<body>{told([self._mistake]) if is_here(scope) else ''}</body></html>"
        )
        await Response(page, 503, media_type="text/html", headers={"Cache-Control": "no-store"})(
            scope, receive, send
        )
