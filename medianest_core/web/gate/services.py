"""Everything handlers may use, at `request.app.state.services`."""

from __future__ import annotations

from dataclasses import dataclass, field

from medianest_core.base.clock import Clock, SystemClock
from medianest_core.base.crypto import Keyring
from medianest_core.base.settings import AppSettings
from medianest_core.bus.live import Live
from medianest_core.bus.outbox import EventBus
from medianest_core.cache.cached import Caches
from medianest_core.cache.limits import RateLimiter
from medianest_core.cache.memory import MemoryCache
from medianest_core.cache.values import Cache
from medianest_core.domain.accounts.service import Accounts
from medianest_core.domain.activity.service import Activity
from medianest_core.domain.backups.service import Backups
from medianest_core.domain.calendar.service import Calendar
from medianest_core.domain.discover.service import Discover
from medianest_core.domain.downloads.service import Downloads
from medianest_core.domain.library.pictures.images import Images
from medianest_core.domain.library.pictures.placeholders import Placeholders
from medianest_core.domain.library.service import Library
from medianest_core.domain.notify.service import Notifications
from medianest_core.domain.requests.service import Requests
from medianest_core.domain.status.service import Status
from medianest_core.domain.webhooks.service import Webhooks
from medianest_core.host.lifecycle import PluginHost
from medianest_core.ledger.enqueue import Ledger
from medianest_core.ledger.schedule_choices import ScheduleChoices
from medianest_core.store.engine import Database
from medianest_core.web.gate.checkup import Checkup
from medianest_core.web.gate.portal_settings import PortalSettingsReader


@dataclass(frozen=True)
class Services:
    settings: AppSettings
    db: Database
    cache: Cache
    limiter: RateLimiter
    bus: EventBus
    live: Live
    keyring: Keyring
    ledger: Ledger
    host: PluginHost
    accounts: Accounts
    library: Library
    images: Images
    placeholders: Placeholders
    discover: Discover
    calendar: Calendar
    downloads: Downloads
    requests: Requests
    activity: Activity
    status: Status
    notify: Notifications
    webhooks: Webhooks
    backups: Backups
    schedules: ScheduleChoices
    portal_settings: PortalSettingsReader
    checkup: Checkup
    caches: Caches = field(default_factory=lambda: Caches(MemoryCache()))
    clock: Clock = SystemClock()  # noqa: RUF009  # it has no state

    def __post_init__(self) -> None:
        self.portal_settings.other_way_in = self.accounts.sign_in.other_way_in
