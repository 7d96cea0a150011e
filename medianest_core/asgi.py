"""The portal as an ASGI application.

It answers `/healthz` from the first moment. When the stored keys or settings cannot be read it shows a recovery page that says what to
do; it never starts over with defaults and never offers the wizard then.
"""

from __future__ import annotations

import asyncio
from html import escape
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from medianest_core.base.crypto import CannotOpen, KeyringUnreadable
from medianest_core.base.logging import get_logger
from medianest_core.base.settings import AppSettings
from medianest_core.runtime import Runtime
from medianest_core.sdk.permissions import PUBLIC
from medianest_core.store.repos.portal_settings import SettingsUnreadable
from medianest_core.web.gate.app import make_app
from medianest_core.web.gate.headers import SecurityHeaders
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.viewer import services_of
from medianest_core.web.inbound.routes import routes as inbound_routes
from medianest_core.web.portal.app import Portal as Pages
from medianest_core.web.rest.mount import RestApi

_log = get_logger(__name__)
_UNREADABLE = (KeyringUnreadable, SettingsUnreadable, CannotOpen)


class Portal:
    """Give it to an ASGI server with lifespan; `runtime` is there once it has started."""

    def __init__(self, settings: AppSettings) -> None:
        self.settings = settings
        self.runtime = Runtime(settings)
        self._app: ASGIApp = _starting

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        else:
            await self._app(scope, receive, send)

    async def setup_link(self, address: str) -> str | None:
        """The one-time link to the wizard, while there is no admin."""
        if not hasattr(self.runtime, "services"):
            return None
        token = await self.runtime.services.accounts.setup.token()
        return f"{address}/setup?token={token}" if token else None

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self._start()
        except Exception as error:
            _log.critical("the portal cannot start", exc_info=error)
            await self.runtime.stop()
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.runtime.stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _start(self) -> None:
        try:
            await self.runtime.start()
        except _UNREADABLE as error:
            _log.critical("the stored keys or settings cannot be read", reason=str(error))
            self._app = SecurityHeaders(_Recovery(str(error)))
            return
        services = self.runtime.services
        pages = Pages(services)
        routes: list[BaseRoute] = [
            page("/healthz", _healthz, policy=PUBLIC),
            page("/readyz", _readyz, policy=PUBLIC),
            *self.runtime.live.routes(),
            *inbound_routes(),
            *RestApi(services).routes(),
            *pages.routes(),
        ]
        self._app = make_app(routes, services, page=pages.error_page, debug=False)


async def _healthz(request: Request) -> Response:
    """The process lives and its loop turns."""
    return PlainTextResponse("ok\n", headers={"Cache-Control": "no-store"})


async def _readyz(request: Request) -> Response:
    """200 when requests can be served: the database answers."""
    problems = []
    try:
        async with asyncio.timeout(2):
            await services_of(request).db.ping()
    except Exception:
        problems.append("database")
    body: dict[str, Any] = {"ready": not problems, "missing": problems}
    return JSONResponse(body, 503 if problems else 200, headers={"Cache-Control": "no-store"})


async def _starting(scope: Scope, receive: Receive, send: Send) -> None:
    response: Response = PlainTextResponse("starting\n", 503, headers={"Retry-After": "1"})
    if scope.get("path", "").endswith("/healthz"):
        response = PlainTextResponse("ok\n")
    await response(scope, receive, send)


class _Recovery:
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
