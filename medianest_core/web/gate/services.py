"""Everything handlers may use, at `request.app.state.services`."""

from __future__ import annotations

from dataclasses import dataclass

from medianest_core.base.clock import Clock, SystemClock
from medianest_core.base.crypto import Keyring
from medianest_core.base.settings import AppSettings
from medianest_core.bus.live import Live
from medianest_core.bus.outbox import EventBus
from medianest_core.cache.limits import RateLimiter
from medianest_core.cache.memory import MemoryCache
from medianest_core.domain.accounts.service import Accounts
from medianest_core.domain.downloads.service import Downloads
from medianest_core.domain.library.images import Images
from medianest_core.domain.library.service import Library
from medianest_core.domain.notify.service import Notifications
from medianest_core.domain.webhooks.service import Webhooks
from medianest_core.host.lifecycle import PluginHost
from medianest_core.ledger.enqueue import Ledger
from medianest_core.store.engine import Database
from medianest_core.web.gate.portal_settings import PortalSettingsReader


@dataclass(frozen=True)
class Services:
    settings: AppSettings
    db: Database
    cache: MemoryCache
    limiter: RateLimiter
    bus: EventBus
    live: Live
    keyring: Keyring
    ledger: Ledger
    host: PluginHost
    accounts: Accounts
    library: Library
    images: Images
    downloads: Downloads
    notify: Notifications
    webhooks: Webhooks
    portal_settings: PortalSettingsReader
    clock: Clock = SystemClock()  # noqa: RUF009  # it has no state
