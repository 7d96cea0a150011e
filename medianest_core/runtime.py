"""Puts the portal together: every part is made here, given what it needs, started in order and stopped in reverse."""

from __future__ import annotations

import asyncio

from medianest_core.base.clock import SystemClock
from medianest_core.base.http_factory import HttpFactory
from medianest_core.base.logging import get_logger
from medianest_core.base.loopwatch import LoopWatch
from medianest_core.base.settings import AppSettings
from medianest_core.bus.live import Live
from medianest_core.bus.outbox import EventBus
from medianest_core.cache.limits import RateLimiter
from medianest_core.cache.memory import MemoryCache
from medianest_core.domain.accounts.service import Accounts
from medianest_core.domain.downloads.service import Downloads
from medianest_core.domain.library.images import Images
from medianest_core.domain.library.service import Library
from medianest_core.domain.notify.reactions import Reactions
from medianest_core.domain.notify.service import Notifications
from medianest_core.domain.webhooks.service import Webhooks
from medianest_core.host.declarations import Declarations
from medianest_core.host.lifecycle import PluginHost
from medianest_core.jobs.registry import JobRegistry
from medianest_core.jobs.worker import Worker
from medianest_core.ledger.enqueue import Ledger
from medianest_core.sdk.jobs import Job
from medianest_core.sdk.permissions import Permission
from medianest_core.store.engine import Database
from medianest_core.store.migrate import upgrade
from medianest_core.store.repos.events import EventRepo
from medianest_core.store.repos.keys import open_keys
from medianest_core.web.gate.portal_settings import PortalSettingsReader
from medianest_core.web.gate.services import Services
from medianest_core.web.live.server import LiveServer
from medianest_core.web.portal import i18n

_log = get_logger(__name__)
KEYS = "keys.json"
GRACE = 0.3
"""Seconds after the start before services are connected to: whoever waits for the portal comes first."""


class Runtime:
    """One process of the portal. `start`, then `services`; `stop` at the end, also after a failed start."""

    def __init__(self, settings: AppSettings) -> None:
        self.settings = settings
        self.services: Services
        self.live: LiveServer
        self._db: Database | None = None
        self._stops: list[tuple[str, object]] = []

    async def start(self) -> None:
        """Raises KeyringUnreadable, SettingsUnreadable, DatabaseAway, StrictFailure."""
        settings, clock = self.settings, SystemClock()
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        db = self._db = Database(settings.database)
        await db.start()
        await upgrade(db)
        keyring = await open_keys(settings.data_dir / KEYS, db)
        reader = PortalSettingsReader(db)
        await reader.current()
        live = Live()
        bus = EventBus(EventRepo(db), live, clock)
        ledger = Ledger(db, clock, bus)
        limiter = RateLimiter(clock)
        http = HttpFactory(settings, clock)
        host = self._host = PluginHost(
            settings,
            db,
            keyring,
            bus,
            http,
            ledger,
            clock=clock,
            translate=_translate_plugin,
            grace=GRACE,
        )
        accounts = self._accounts = Accounts(
            db=db,
            bus=bus,
            keyring=keyring,
            limiter=limiter,
            instances=host.instances,
            permissions=lambda: _permissions(host),
            clock=clock,
        )
        notify = Notifications(db, bus, clock=clock, translate=_translate)
        library = self._library = Library(
            db=db, bus=bus, ledger=ledger, instances=host.instances, clock=clock
        )
        images = self._images = Images(db, host.instances, settings.data_dir / "images")
        downloads = self._downloads = Downloads(
            db=db,
            bus=bus,
            ledger=ledger,
            instances=host.instances,
            library=library,
            root=settings.downloads,
            clock=clock,
        )
        webhooks = Webhooks(db, host.instances, keyring, ledger, clock=clock)
        self._bus, self._http = bus, http
        self._reactions = Reactions(bus, notify)
        self.live = LiveServer(
            live=live, bus=bus, sessions=accounts.sessions, clock=clock, public_url=settings.public_url
        )
        self.registry = JobRegistry(ledger)
        self._worker = Worker(db, ledger, self.registry, bus, settings)
        self.services = Services(
            settings=settings,
            db=db,
            cache=MemoryCache(),
            limiter=limiter,
            bus=bus,
            live=live,
            keyring=keyring,
            ledger=ledger,
            host=host,
            accounts=accounts,
            library=library,
            images=images,
            downloads=downloads,
            notify=notify,
            webhooks=webhooks,
            portal_settings=reader,
            clock=clock,
        )
        self._watch = LoopWatch()
        self._watch.start()
        self._reactions.start()
        await bus.load_newest()
        for job in (*accounts.jobs(), *library.jobs(), *downloads.jobs(), webhooks.job):
            self.registry.add(job)
        await host.start()
        for plugin, plugin_job in host.jobs():
            self.registry.add(plugin_job, host.context(plugin))
        host.on_change(self._plugin_changed)
        await library.start()
        await downloads.start()
        await self._worker.start()
        self.live.start()

    async def stop(self) -> None:
        """Hand running work back, close everything. Never raises."""
        if not hasattr(self, "services"):
            if self._db is not None:
                await self._db.close()
            return
        for name, stopping in (
            ("live", self.live.close),
            ("worker", self._worker.stop),
            ("downloads", self._downloads.stop),
            ("library", self._library.stop),
            ("plugins", self._host.stop),
            ("images", self._images.close),
            ("accounts", self._accounts.close),
            ("http", self._http.close),
            ("events", self._bus.close),
        ):
            try:
                async with asyncio.timeout(10):
                    await stopping()
            except Exception as error:
                _log.warning("a part did not stop cleanly", part=name, exc_info=error)
        self._reactions.close()
        self._watch.stop()
        if self._db is not None:
            await self._db.close()

    def _plugin_changed(self, plugin: str, declared: Declarations | None) -> None:
        """A plugin was switched on or off while we run: its jobs come and go with it."""
        self.registry.remove_plugin(plugin)
        if declared is not None:
            for owner, job in self._host.jobs():
                if owner == plugin and isinstance(job, Job):
                    self.registry.add(job, self._host.context(plugin))


def _permissions(host: PluginHost) -> list[Permission]:
    return [one for declared in host.registry.active() for one in declared.manifest.permissions]


def _translate(locale: str, message: str) -> str:
    with i18n.use_locale(locale):
        return i18n.gettext(message)


def _translate_plugin(plugin: str, message: str) -> str:
    with i18n.use_plugin(plugin):
        return i18n.gettext(message)
