"""The gate with everything behind it, on a fresh database: without any plugin, or with the toy."""

from __future__ import annotations

import importlib.metadata
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.routing import BaseRoute

from medianest_core.base.clock import SystemClock
from medianest_core.base.crypto import Keyring
from medianest_core.base.http_factory import HttpFactory
from medianest_core.base.settings import AppSettings
from medianest_core.bus.live import Live
from medianest_core.bus.outbox import EventBus
from medianest_core.cache.cached import Caches
from medianest_core.cache.limits import RateLimiter
from medianest_core.cache.memory import MemoryCache
from medianest_core.checkup.examine import examine_apart
from medianest_core.domain.accounts.models import Status, User
from medianest_core.domain.accounts.service import Accounts
from medianest_core.domain.accounts.signin import Browser
from medianest_core.domain.activity.service import Activity
from medianest_core.domain.backups.service import Backups
from medianest_core.domain.calendar.service import Calendar
from medianest_core.domain.discover.service import Discover
from medianest_core.domain.downloads.service import Downloads
from medianest_core.domain.library.pictures.image_store import ImageStore
from medianest_core.domain.library.pictures.images import Images
from medianest_core.domain.library.pictures.placeholders import Placeholders
from medianest_core.domain.library.service import Library
from medianest_core.domain.notify.outside import Outside
from medianest_core.domain.notify.reactions import Reactions
from medianest_core.domain.notify.service import Notifications
from medianest_core.domain.requests.service import Requests
from medianest_core.domain.status.service import Status as ServicesStatus
from medianest_core.domain.webhooks.service import Webhooks
from medianest_core.host.decisions import Decisions
from medianest_core.host.lifecycle import PluginHost
from medianest_core.ledger.enqueue import Ledger
from medianest_core.ledger.schedule import Schedules
from medianest_core.ledger.schedule_choices import ScheduleChoices
from medianest_core.sdk.calendar import CalendarSource
from medianest_core.sdk.pipeline import PipelineStage
from medianest_core.store.engine import Database
from medianest_core.store.repos.events import EventRepo
from medianest_core.web.gate.app import make_app
from medianest_core.web.gate.checkup import Checkup
from medianest_core.web.gate.portal_settings import PortalSettingsReader
from medianest_core.web.gate.services import Services
from tests.databases import migrated

ORIGIN = "http://portal.test"


@dataclass
class Person:
    """Somebody with a session. client: a browser of theirs, on our own pages."""

    user: User
    cookie: str
    session_id: str
    client: httpx.AsyncClient


class Gate:
    """services: all of them. `serve` puts routes behind the gate; `person` makes someone and signs them in."""

    def __init__(self, services: Services, stack: AsyncExitStack) -> None:
        self.services = services
        self._stack = stack
        self.app: Any = None
        self.toy = ""

    def serve(self, routes: Sequence[BaseRoute], **settings: Any) -> Any:
        if settings:
            self.services = replace(
                self.services, settings=self.services.settings.model_copy(update=settings)
            )
        self.app = make_app(routes, self.services)
        return self.app

    def client(self, base: str = ORIGIN, origin: str | None = ORIGIN, **options: Any) -> httpx.AsyncClient:
        """A browser without a session; it sends Origin as browsers do."""
        headers = {**({"origin": origin} if origin else {}), **options.pop("headers", {})}
        transport = httpx.ASGITransport(self.app, client=options.pop("ip", ("9.9.9.9", 1)))
        return httpx.AsyncClient(transport=transport, base_url=base, headers=headers, **options)

    async def person(
        self, name: str, role: str = "user", status: Status = Status.ACTIVE, password: str = "correct horse"
    ) -> Person:
        accounts = self.services.accounts
        user = await accounts.setup.add_admin(name, password)
        signed_in = await accounts.sign_in.local(name, password, Browser("test", "9.9.9.9"))
        async with self.services.db.begin() as tx:
            from medianest_core.store.tables.accounts import users

            await tx.execute(
                users.update().where(users.c.id == user.id).values(role=role, status=status.value)
            )
        accounts.sessions.forget(user.id)
        client = self.client(cookies={"mn": signed_in.cookie}) if self.app else None
        return Person(await accounts.users.get(user.id), signed_in.cookie, signed_in.session_id, client)  # type: ignore[arg-type]  # None only where nothing is served


@pytest.fixture
async def gate(tmp_path: Path, backend: str) -> AsyncIterator[Gate]:
    settings = AppSettings(data_dir=tmp_path / "portal", safe_mode=True, _env_file=None)
    async with opened(settings) as gate:
        yield gate


@pytest.fixture
def install_toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """Puts the toy plugin on the path as an installer would; returns the names of all other plugins."""

    def install() -> list[str]:
        site = tmp_path / "site"
        info = site / "test_toy-1.0.dist-info"
        info.mkdir(parents=True)
        # The same name and time in each test: what was learnt about its code holds.
        shutil.copy2(Path(__file__).parent / "toy" / "toy_plugin.py", site / "toy_plugin.py")
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: test-toy\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[medianest.plugins.v1]\ntoy = toy_plugin\n")
        monkeypatch.delitem(sys.modules, "toy_plugin", raising=False)
        monkeypatch.syspath_prepend(str(site))
        return [
            entry.name
            for distribution in importlib.metadata.distributions()
            for entry in distribution.entry_points.select(group="medianest.plugins.v1")
            if entry.name != "toy"
        ]

    return install


@pytest.fixture
async def toy_gate(tmp_path: Path, backend: str, install_toy: Callable[[], list[str]]) -> AsyncIterator[Gate]:
    """The same with the toy plugin, and an instance of it called "toy"."""
    settings = AppSettings(data_dir=tmp_path / "portal", plugins_disabled=install_toy(), _env_file=None)
    async with opened(settings) as gate:
        instances = gate.services.host.instances
        made = await instances.create("toy", "toy", "toy", "My toy", {"key": "right-key"}, None)
        await instances.settle(60)
        gate.toy = made.id
        yield gate


@asynccontextmanager
async def opened(settings: AppSettings) -> AsyncIterator[Gate]:
    async with AsyncExitStack() as stack:
        settings.data_dir.mkdir()
        db = Database(settings.database)
        await db.start()
        stack.push_async_callback(db.close)
        await migrated(db)
        keyring = Keyring.load_or_create(settings.data_dir / "keys.json")
        live = Live()
        bus = EventBus(EventRepo(db), live)
        stack.push_async_callback(bus.close)
        http = HttpFactory(settings)
        stack.push_async_callback(http.close)
        ledger = Ledger(db, bus=bus)
        host = PluginHost(settings, db, keyring, bus, http, ledger)
        await host.start()
        stack.push_async_callback(host.stop)
        limiter = RateLimiter()
        accounts = Accounts(
            db=db,
            bus=bus,
            keyring=keyring,
            limiter=limiter,
            instances=host.instances,
            permissions=lambda: [
                one for declared in host.registry.active() for one in declared.manifest.permissions
            ],
        )
        stack.push_async_callback(accounts.close)
        outside = Outside(db, ledger, host.instances, keyring, limiter, public_url=settings.public_url)
        notify = Notifications(db, bus, outside=outside)
        reactions = Reactions(bus, notify)
        reactions.start()
        stack.callback(reactions.close)
        library = Library(db=db, bus=bus, ledger=ledger, instances=host.instances, clock=SystemClock())
        reader = PortalSettingsReader(db)
        requests = Requests(
            db=db,
            bus=bus,
            ledger=ledger,
            instances=host.instances,
            library=library,
            deciders=Decisions(host.hooks, host.registry, host.context),
            settings=reader.current,
            accounts=accounts.identities,
            clock=SystemClock(),
        )
        services = Services(
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
            images=(images := Images(db, host.instances, settings.data_dir / "images")),
            placeholders=Placeholders(db, images),
            discover=Discover(
                db=db,
                instances=host.instances,
                library=library,
                pictures=ImageStore(settings.data_dir / "posters"),
                signing_key=keyring.signing_key,
                caches=Caches(MemoryCache()),
                clock=SystemClock(),
            ),
            calendar=Calendar(
                db=db,
                instances=host.instances,
                sources=lambda: host.registry.contributions(CalendarSource),
                caches=Caches(MemoryCache()),
            ),
            downloads=Downloads(
                db=db,
                bus=bus,
                ledger=ledger,
                instances=host.instances,
                library=library,
                clock=SystemClock(),
                root=settings.data_dir / "downloads",
                pictures=ImageStore(settings.data_dir / "pictures"),
                cache=MemoryCache(),
            ),
            status=ServicesStatus(db=db, bus=bus, instances=host.instances),
            requests=requests,
            activity=Activity(
                db=db,
                bus=bus,
                clock=SystemClock(),
                instances=host.instances,
                requests=requests,
                stages=lambda: host.registry.contributions(PipelineStage),
            ),
            notify=notify,
            webhooks=Webhooks(
                db=db,
                bus=bus,
                instances=host.instances,
                keyring=keyring,
                ledger=ledger,
                http=http,
                public_url=settings.public_url,
            ),
            backups=Backups(
                db=db, bus=bus, ledger=ledger, settings=settings, tables=dict, process=host.process
            ),
            schedules=ScheduleChoices(Schedules(ledger)),
            portal_settings=reader,
            checkup=Checkup(examine_apart, settings, MemoryCache()),
        )
        yield Gate(services, stack)
