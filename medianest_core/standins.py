"""What stands in for the portal's pages while it starts, waits for its database, restores a backup or cannot read what it stored.

Each answers `/healthz`, tells machines 503 and when to come again, and tells people what is going on, in their language.
"""

from __future__ import annotations

from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from medianest_core.web.gate.headers import SecurityHeaders


async def starting(scope: Scope, receive: Receive, send: Send) -> None:
    response: Response = PlainTextResponse("starting\n", 503, headers={"Retry-After": "1"})
    if scope.get("path", "").endswith("/healthz"):
        response = PlainTextResponse("ok\n")
    await response(scope, receive, send)


class Soon:
    """The portal comes by itself: pages look again until it is there."""

    def __init__(
        self, root_path: str, missing: str, english: str, german: str, *, code: str, again: int
    ) -> None:
        """missing: what is not ready. code: of the problem that the API answers. again: seconds until a page looks again."""
        self._root = root_path
        self._missing = missing
        self._english = english
        self._german = german
        self._code = code
        self._again = again

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1012})
            return
        response: Response
        if path.endswith("/healthz"):
            response = PlainTextResponse("ok\n")
        elif path.endswith("/readyz"):
            response = JSONResponse(
                {"ready": False, "missing": [self._missing]}, 503, headers={"Retry-After": "5"}
            )
        elif "/api/" in path:
            response = JSONResponse(
                {
                    "type": "about:blank",
                    "title": "Service Unavailable",
                    "status": 503,
                    "code": self._code,
                    "ready": False,
                    "missing": [self._missing],
                },
                503,
                headers={"Retry-After": "5"},
                media_type="application/problem+json",
            )
        else:
            german = "de" in Request(scope).headers.get("accept-language", "en")[:2].lower()
            response = HTMLResponse(
                self._german if german else self._english,
                503,
                # To the start, whichever way led here: a form must not be sent again.
                headers={
                    "Cache-Control": "no-store",
                    "Retry-After": "5",
                    "Refresh": f"{self._again}; url={self._root}/",
                },
            )
        await SecurityHeaders(response)(scope, receive, send)


def restoring(root_path: str) -> Soon:
    """While a backup is put in the place of what is there."""
    return Soon(root_path, "restore", _RESTORING, _RESTORING_DE, code="restoring", again=3)


def waiting(root_path: str) -> Soon:
    """While a start waits for the database."""
    return Soon(root_path, "database", _WAITING, _WAITING_DE, code="database_away", again=5)


class Recovery:
    """What stands in for the portal while its keys or settings cannot be read."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        response: Response
        if path.endswith("/healthz"):
            response = PlainTextResponse("ok\n")
        elif path.endswith("/readyz") or "/api/" in path:
            response = JSONResponse({"ready": False, "missing": ["settings"]}, 503)
        else:
            response = HTMLResponse(
                _RECOVERY.format(reason=escape(self._reason)), 503, headers={"Cache-Control": "no-store"}
            )
        await response(scope, receive, send)


_RESTORING = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Restoring a backup</title></head>
<body><main>
<h1>MediaNest is restoring a backup</h1>
<p>This takes a moment. The page looks again by itself; then everybody signs in again.</p>
</main></body></html>
"""
_RESTORING_DE = """<!doctype html>
<html lang="de"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Eine Sicherung wird eingespielt</title></head>
<body><main>
<h1>MediaNest spielt eine Sicherung ein</h1>
<p>Das dauert einen Augenblick. Die Seite sieht von selbst wieder nach; danach melden sich alle neu an.</p>
</main></body></html>
"""
_WAITING = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Waiting for the database</title></head>
<body><main>
<h1>MediaNest waits for its database</h1>
<p>The database does not answer yet. The portal starts by itself as soon as it does, and this page looks again by itself.</p>
</main></body></html>
"""
_WAITING_DE = """<!doctype html>
<html lang="de"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Warten auf die Datenbank</title></head>
<body><main>
<h1>MediaNest wartet auf seine Datenbank</h1>
<p>Die Datenbank antwortet noch nicht. Sobald sie es tut, startet das Portal von selbst, und diese Seite sieht von selbst wieder nach.</p>
</main></body></html>
"""
_RECOVERY = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>MediaNest needs your help</title></head>
<body><main>
<h1>MediaNest cannot read what it stored</h1>
<p>{reason}</p>
<p>Nothing has been changed or deleted. Stop the portal, put the file <code>keys.json</code> and the database of the same backup back into
the data folder, and start it again. The log says more.</p>
</main></body></html>
"""
