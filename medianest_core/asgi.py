"""The portal as an ASGI application.

It answers `/healthz` from the first moment. When the stored keys or settings cannot be read it shows a recovery page that says what to
do; it never starts over with defaults and never offers the wizard then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from medianest_core import standins
from medianest_core.base.crypto import CannotOpen, KeyringUnreadable
from medianest_core.base.logging import get_logger
from medianest_core.base.settings import AppSettings
from medianest_core.base.tasks import spawn
from medianest_core.base.texts import N_
from medianest_core.boot import Boot
from medianest_core.domain.backups.catalogue import Backup
from medianest_core.domain.backups.running import check_stopped
from medianest_core.domain.backups.service import FAILED, Backups
from medianest_core.runtime import Runtime
from medianest_core.sdk.errors import MediaNestError
from medianest_core.sdk.permissions import PUBLIC
from medianest_core.store.backup.errors import CannotRestore
from medianest_core.store.engine import Database
from medianest_core.store.errors import DatabaseAway
from medianest_core.store.repos import audit
from medianest_core.store.repos.portal_settings import SettingsUnreadable
from medianest_core.web.gate.app import make_app
from medianest_core.web.gate.headers import SecurityHeaders
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.viewer import services_of
from medianest_core.web.inbound.routes import routes as inbound_routes
from medianest_core.web.portal.app import Portal as Pages
from medianest_core.web.rest.mount import RestApi

if TYPE_CHECKING:
    from medianest_core.store.backup.restore import Prepared

_log = get_logger(__name__)
_UNREADABLE = (KeyringUnreadable, SettingsUnreadable, CannotOpen)


class Portal:
    """Give it to an ASGI server with lifespan; `runtime` is there once it has started."""

    def __init__(self, settings: AppSettings) -> None:
        self.settings = settings
        self._boot = self._make_boot()
        self._app: ASGIApp = standins.starting
        self._restoring: asyncio.Task[None] | None = None
        self._waits = asyncio.Event()
        self.up = asyncio.Event()
        """Set once the start is through."""
        self.failed = False
        """A start that had to wait has failed since."""
        self.give_up: Callable[[], None] = _nothing
        """Ends the server; called when such a start fails."""

    @property
    def runtime(self) -> Runtime:
        return self._boot.runtime

    def _make_boot(self) -> Boot:
        return Boot(lambda waits: Runtime(self.settings, waits=waits), self._wait)

    def _wait(self, yes: bool) -> None:
        if yes:
            self._app = standins.waiting(self.settings.root_path)
            self._waits.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        else:
            await self._app(scope, receive, send)

    async def setup_link(self, address: str) -> str | None:
        """The one-time link to the wizard, while there is no admin."""
        if not hasattr(self.runtime, "services"):
            return None
        try:
            token = await self.runtime.services.accounts.setup.token()
        except DatabaseAway:
            # It serves already, and is not to end because nobody can tell whether it has an admin.
            _log.warning("the database is away; whether the portal is set up cannot be told")
            return None
        return f"{address}/setup?token={token}" if token else None

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        start = asyncio.create_task(self._start(), name="start of the portal")
        wait = asyncio.create_task(self._waits.wait())
        await asyncio.wait({start, wait}, return_when=asyncio.FIRST_COMPLETED)
        wait.cancel()
        if start.done() and (error := start.exception()) is not None:
            _log.critical("the portal cannot start", exc_info=error)
            await self.runtime.stop()
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        # Also while it waits for the database: a proxy and a person then get an answer, and a signal ends the waiting.
        start.add_done_callback(self._started)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._boot.end()
        await asyncio.wait({start})
        while self._restoring is not None and not self._restoring.done():
            # It ends with the old state or the new one; which of them is better known before we go.
            await asyncio.wait({self._restoring}, timeout=0.2)
            await self._boot.end()
        await self.runtime.stop()
        await send({"type": "lifespan.shutdown.complete"})

    def _started(self, start: asyncio.Task[None]) -> None:
        if not start.cancelled() and (error := start.exception()) is not None:
            _log.critical("the portal cannot start", exc_info=error)
            self.failed = True
            self.give_up()

    async def _start(self) -> None:
        try:
            if not await self._boot.run():
                return
        except _UNREADABLE as error:
            _log.critical("the stored keys or settings cannot be read", reason=str(error))
            self._app = SecurityHeaders(standins.Recovery(str(error)))
            self.up.set()
            return
        services = self.runtime.services
        services.backups.in_place = self._restore
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
        self.up.set()

    async def _restore(self, backup: Backup, actor: str | None) -> None:
        """Begin to put a backup in the place of what is there; answers as usual until it has passed its trial."""
        if self._restoring is not None and not self._restoring.done():
            raise CannotRestore(N_("A restore is under way. Wait until it is done."))
        self._restoring = spawn(self._restore_now(backup, actor), "restore")

    async def _restore_now(self, backup: Backup, actor: str | None) -> None:
        # Imported by the first restore, not by every start.
        from medianest_core.store.backup.restore import prepared

        reason, backups = "", self.runtime.services.backups
        try:
            async with prepared(
                backup.path, backups.places, backups.tables(), passphrase=backups.passphrase
            ) as ready:
                reason = await self._put_in_place(ready, backups, actor)
        except MediaNestError as error:
            reason = str(error)
        if reason:
            _log.error("a backup was not restored", backup=backup.name, reason=reason)
            async with self.runtime.services.db.begin() as tx:
                await audit.record(
                    tx, actor=actor, action=FAILED, target=backup.name, details={"reason": reason}
                )

    async def _put_in_place(self, ready: Prepared, backups: Backups, actor: str | None) -> str:
        """Stop all parts, restore, start them again. → why it did not happen, or ""."""
        from medianest_core.domain.backups.safety import make_safety_copy
        from medianest_core.store.backup.restore import alone, apply

        before, self._app = self._app, standins.restoring(self.settings.root_path)
        reason = ""
        try:
            with alone(backups.places.data):
                await self.runtime.stop()
                db = Database(self.settings.database)
                await db.start()
                try:
                    await check_stopped(db)
                    await make_safety_copy(db, backups.places, ready.plugins, passphrase=backups.passphrase)
                    await apply(db, backups.places, ready, actor=actor)
                finally:
                    await db.close()
        except Exception as error:
            reason = str(error) if isinstance(error, MediaNestError) else type(error).__name__
            _log.error("a restore was given up; everything is as it was", exc_info=error)
        self._boot = self._make_boot()
        try:
            await self._start()
        except Exception:
            # Everything has stopped already: only a new start of the process can help.
            self._app = before
            raise
        return reason


def _nothing() -> None:
    return


async def _healthz(request: Request) -> Response:
    """The process lives and its loop turns."""
    return PlainTextResponse("ok\n", headers={"Cache-Control": "no-store"})


async def _readyz(request: Request) -> Response:
    """200 when requests can be served: the database answers. degraded: what is away and can be done without."""
    problems = []
    try:
        async with asyncio.timeout(2):
            await services_of(request).db.ping()
    except Exception:
        problems.append("database")
    degraded = ["redis"] if services_of(request).live.degraded else []
    body: dict[str, Any] = {"ready": not problems, "missing": problems, "degraded": degraded}
    return JSONResponse(body, 503 if problems else 200, headers={"Cache-Control": "no-store"})
