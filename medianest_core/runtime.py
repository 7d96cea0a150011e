"""Puts the portal together: every part is made here, given what it needs, started in order and stopped in reverse.

A web process and a worker are made of the same parts; a worker has no sockets and may take only some queues.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence

from medianest_core.base.clock import SystemClock
from medianest_core.base.drivers import chosen
from medianest_core.base.finding import Finding
from medianest_core.base.flood import GATE
from medianest_core.base.http_factory import HttpFactory
from medianest_core.base.logging import get_logger
from medianest_core.base.loopwatch import LoopWatch
from medianest_core.base.redis_link import RedisLink
from medianest_core.base.settings import AppSettings
from medianest_core.base.tasks import TaskKeeper
from medianest_core.bus.events import SystemAlert
from medianest_core.bus.feed import Feed
from medianest_core.bus.live import Live
from medianest_core.bus.outbox import EventBus
from medianest_core.cache.cached import Caches
from medianest_core.cache.limits import RateLimiter
from medianest_core.cache.values import Cache
from medianest_core.domain.accounts.service import Accounts
from medianest_core.domain.activity.service import Activity
from medianest_core.domain.backups.service import Backups
from medianest_core.domain.calendar.service import Calendar
from medianest_core.domain.discover.entries import Entry, RequestMark
from medianest_core.domain.discover.service import Discover, Marks
from medianest_core.domain.downloads.service import Downloads
from medianest_core.domain.library.pictures.images import Images
from medianest_core.domain.library.pictures.placeholders import Placeholders
from medianest_core.domain.library.service import Library
from medianest_core.domain.notify.outside import Outside
from medianest_core.domain.notify.reactions import Reactions
from medianest_core.domain.notify.service import Notifications
from medianest_core.domain.requests.service import Requests
from medianest_core.domain.status.service import Status
from medianest_core.domain.webhooks.service import Webhooks
from medianest_core.host.decisions import Decisions
from medianest_core.host.declarations import Declarations
from medianest_core.host.lifecycle import PluginHost
from medianest_core.host.tablesets import tables_of
from medianest_core.jobs.broker import IDLE_MS
from medianest_core.jobs.registry import JobRegistry
from medianest_core.jobs.worker import Worker
from medianest_core.ledger.enqueue import Ledger
from medianest_core.ledger.schedule_choices import ScheduleChoices
from medianest_core.sdk.calendar import CalendarSource
from medianest_core.sdk.events import Audience, Event
from medianest_core.sdk.jobs import Job
from medianest_core.sdk.permissions import Permission
from medianest_core.sdk.pipeline import MediaType, PipelineStage, QuotaMeter
from medianest_core.sdk.routes import Viewer
from medianest_core.store.engine import Database
from medianest_core.store.migrate import upgrade
from medianest_core.store.repos.events import EventRepo
from medianest_core.store.repos.keys import open_keys
from medianest_core.web.gate.checkup import Checkup
from medianest_core.web.gate.portal_settings import PortalSettingsReader
from medianest_core.web.gate.services import Services
from medianest_core.web.live.server import LiveServer
from medianest_core.web.portal import i18n

_log = get_logger(__name__)
KEYS = "keys.json"
TELL_AGAIN = 30.0
"""Seconds between two lines of the log that say what a start waits for."""
GRACE = 0.3
"""Seconds after the start before services are connected to: whoever waits for the portal comes first."""


class Runtime:
    """One process of the portal. `start`, then `services`; `stop` at the end, also after a failed start."""

    def __init__(
        self,
        settings: AppSettings,
        *,
        works: bool | None = None,
        queues: Collection[str] | None = None,
        serves: bool = True,
        waits: Callable[[bool], None] = lambda _: None,
    ) -> None:
        """works: run jobs in this process; None: as the settings say. queues: only jobs of these. serves: have sockets.

        waits: is told True when a start has to wait for the database, False when it goes on.
        """
        self._serves = serves
        self._waits = waits
        self.settings = settings
        self._works = settings.worker if works is None else works
        self._queues = queues
        self.services: Services
        self.live: LiveServer
        self._db: Database | None = None
        self._link: RedisLink | None = None
        self._feed: Feed | None = None
        self._tasks = TaskKeeper()

    async def start(self) -> None:
        """Raises KeyringUnreadable, SettingsUnreadable, DatabaseAway, StrictFailure."""
        settings, clock = self.settings, SystemClock()
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        db = self._db = Database(
            settings.database, pool=settings.database_pool, statement_timeout=settings.database_patience
        )
        await db.start()
        await self._wait_for(db)
        await upgrade(db)
        keyring = await open_keys(settings.data_dir / KEYS, db)
        reader = PortalSettingsReader(db)
        await reader.current()
        link = self._link = RedisLink(settings.redis_url.get_secret_value()) if settings.redis_url else None
        live: Live = chosen("medianest.live", link)()
        limiter: RateLimiter = chosen("medianest.limits", link)()
        rows = EventRepo(db)
        bus = EventBus(rows, live, clock)
        if link is not None:
            await link.start()
            link.on_change.append(lambda back: self._tell_degraded(back=back))
        ledger = Ledger(db, clock, bus, lease=settings.job_lease)
        cache: Cache = chosen("medianest.cache", link)()
        caches = Caches(cache, clock)
        http = HttpFactory(settings, clock)
        http.memory = cache
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
            caches=caches,
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
        outside = Outside(
            db,
            ledger,
            host.instances,
            keyring,
            limiter,
            clock=clock,
            translate=i18n.told,
            public_url=settings.public_url,
            site=lambda: reader.now.site_name,
        )
        notify = Notifications(db, bus, clock=clock, translate=i18n.told, outside=outside)
        decisions = Decisions(host.hooks, host.registry, host.context)
        library = self._library = Library(
            db=db,
            bus=bus,
            ledger=ledger,
            instances=host.instances,
            clock=clock,
            caches=caches,
            history_days=settings.sync_history_days,
            choosing=decisions.resolve_media,
        )
        images = self._images = Images(db, host.instances, settings.data_dir / "images")
        caches.show("images", images.store)
        placeholders = Placeholders(db, images)
        discover = Discover(
            db=db,
            instances=host.instances,
            library=library,
            pictures=images.store,
            signing_key=keyring.signing_key,
            caches=caches,
            clock=clock,
        )
        calendar = Calendar(
            db=db,
            instances=host.instances,
            sources=lambda: host.registry.contributions(CalendarSource),
            caches=caches,
        )
        status = self._status = Status(
            db=db, bus=bus, instances=host.instances, leads=lambda: host.leads, clock=clock
        )
        downloads = self._downloads = Downloads(
            db=db,
            bus=bus,
            ledger=ledger,
            instances=host.instances,
            library=library,
            root=settings.downloads,
            pictures=images.store,
            cache=cache,
            caches=caches,
            clock=clock,
        )
        requests = self._requests = Requests(
            db=db,
            bus=bus,
            ledger=ledger,
            instances=host.instances,
            library=library,
            deciders=decisions,
            media_types=lambda: [item for _, item in host.registry.contributions(MediaType)],
            meters=lambda: [item for _, item in host.registry.contributions(QuotaMeter)],
            settings=reader.current,
            picture=discover.pictures.image,
            accounts=accounts.identities,
            clock=clock,
        )
        discover.requests = _marks(requests)
        activity = self._activity = Activity(
            db=db,
            bus=bus,
            clock=clock,
            instances=host.instances,
            requests=requests,
            stages=lambda: host.registry.contributions(PipelineStage),
            leads=lambda: host.leads,
        )
        webhooks = self._webhooks = Webhooks(
            db=db,
            bus=bus,
            instances=host.instances,
            keyring=keyring,
            ledger=ledger,
            http=http,
            public_url=settings.public_url,
            events=lambda: _events(host),
            clock=clock,
        )
        backups = Backups(
            db=db,
            bus=bus,
            ledger=ledger,
            settings=settings,
            tables=lambda: tables_of(host.registry.active()),
            process=host.process,
            clock=clock,
        )
        self._bus, self._http = bus, http
        self._reactions = Reactions(bus, notify)
        self.live = LiveServer(
            live=live, bus=bus, sessions=accounts.sessions, clock=clock, public_url=settings.public_url
        )
        self.registry = JobRegistry(ledger)
        self.registry.on_fault = host.faults.note
        self._worker = Worker(
            db,
            ledger,
            self.registry,
            bus,
            link=link,
            works=self._works,
            queues=self._queues,
            # An author waits for the end of this process each time that a file is saved.
            idle_ms=IDLE_MS // 10 if settings.dev else IDLE_MS,
        )
        self.services = Services(
            settings=settings,
            db=db,
            cache=cache,
            limiter=limiter,
            bus=bus,
            live=live,
            keyring=keyring,
            ledger=ledger,
            host=host,
            accounts=accounts,
            library=library,
            images=images,
            placeholders=placeholders,
            discover=discover,
            calendar=calendar,
            downloads=downloads,
            requests=requests,
            activity=activity,
            status=status,
            notify=notify,
            webhooks=webhooks,
            backups=backups,
            schedules=ScheduleChoices(self._worker.schedules),
            portal_settings=reader,
            checkup=Checkup(_examine, settings, cache, clock=clock),
            caches=caches,
            clock=clock,
        )
        self._watch = LoopWatch(on_stall=host.watchdog.stalled, owner=host.owners)
        self._watch.start()
        GATE.told = host.log_flooded
        self._reactions.start()
        await bus.load_newest()
        if settings.shared:
            self._feed = Feed(bus, rows)
            live.on_news = self._feed.look
            self._feed.start()
        for job in (
            *accounts.jobs(),
            *library.jobs(),
            *placeholders.jobs(),
            *downloads.jobs(),
            *requests.jobs(),
            *backups.jobs(),
            *outside.jobs(),
            *webhooks.jobs(),
        ):
            self.registry.add(job)
        await host.start()
        for plugin, plugin_job in host.jobs():
            self.registry.add(plugin_job, host.context(plugin))
        host.on_change(self._plugin_changed)
        await library.start()
        await downloads.start()
        await requests.start()
        await webhooks.start()
        await activity.start()
        await self._status.start()
        await self._worker.start()
        if self._serves:
            self.live.start()

    async def _wait_for(self, db: Database) -> None:
        """However long it takes: whoever starts us beside a database need not start us again because that was slower."""
        told_at: float | None = None
        begun = time.monotonic()

        def told(reason: str) -> None:
            nonlocal told_at
            if told_at is None:
                self._waits(True)
            if told_at is None or time.monotonic() - told_at >= TELL_AGAIN:
                told_at = time.monotonic()
                _log.warning(
                    "waiting for the database; the start goes on once it answers",
                    database=db.place,
                    reason=reason,
                )

        await db.wait(None, told)
        if told_at is not None:
            _log.info("the database answers; the start goes on", after=round(time.monotonic() - begun, 1))
            self._waits(False)

    async def stop(self) -> None:
        """Hand running work back, close everything. Never raises."""
        if not hasattr(self, "services"):
            if self._link is not None:
                await self._link.close()
            if self._db is not None:
                await self._db.close()
            return
        for name, stopping in (
            ("live", self.live.close),
            ("worker", self._worker.stop),
            ("status", self._status.stop),
            ("activity", self._activity.stop),
            ("webhooks", self._webhooks.stop),
            ("requests", self._requests.stop),
            ("downloads", self._downloads.stop),
            ("library", self._library.stop),
            ("plugins", self._host.stop),
            ("images", self._images.close),
            ("accounts", self._accounts.close),
            ("http", self._http.close),
            ("feed", self._feed.close if self._feed is not None else _nothing),
            ("events", self._bus.close),
            ("notes", self._tasks.close),
            ("redis", self._link.close if self._link is not None else _nothing),
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

    def _tell_degraded(self, *, back: bool) -> None:
        """Pages look at their banners again."""
        alert = SystemAlert(key="redis", active=not back)
        payload = {"seq": None, "at": self.services.clock.now(), "data": alert.model_dump(mode="json")}
        self._tasks.spawn(
            self.services.live.emit(Audience.everyone().room, alert.name, payload), "redis came or went"
        )

    def _plugin_changed(self, plugin: str, declared: Declarations | None) -> None:
        """A plugin was switched on or off while we run: its jobs come and go with it."""
        self.registry.remove_plugin(plugin)
        if declared is not None:
            for owner, job in self._host.jobs():
                if owner == plugin and isinstance(job, Job):
                    self.registry.add(job, self._host.context(plugin))


async def _examine(settings: AppSettings) -> Sequence[Finding]:
    # Imported by the first check-up, not by every start.
    from medianest_core.checkup.examine import examine_apart

    return await examine_apart(settings)


def _marks(requests: Requests) -> Marks:
    """What discover shows of requests: of each entry the newest wish, the plain variant before others."""

    async def marks(viewer: Viewer, entries: Sequence[Entry]) -> Mapping[str, RequestMark]:
        wishes = await requests.wanted(viewer, [(one.kind, one.ids) for one in entries])
        return {
            entry.key: RequestMark(wish.request_id or "", wish.state, mine=wish.mine, variant=wish.variant)
            for entry, some in zip(entries, wishes, strict=True)
            if (wish := min(some, key=lambda one: one.variant != "", default=None)) is not None
        }

    return marks


async def _nothing() -> None:
    return


def _permissions(host: PluginHost) -> list[Permission]:
    return [one for declared in host.registry.active() for one in declared.manifest.permissions]


def _events(host: PluginHost) -> list[tuple[str, type[Event]]]:
    """Those that plugins brought, each with its owner."""
    return [
        (declared.plugin, item)
        for declared in host.registry.active()
        for item in declared.contributions
        if isinstance(item, type) and issubclass(item, Event)
    ]


def _translate_plugin(plugin: str, message: str) -> str:
    with i18n.use_plugin(plugin):
        return i18n.gettext(message)
