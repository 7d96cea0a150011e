"""Webhooks, both ways: what services tell us, and what we tell others.

`addresses` and `deliveries` are the ways in, `subscriptions` and `sender` the ways out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from medianest_core.base.clock import Clock, SystemClock
from medianest_core.base.crypto import Keyring
from medianest_core.base.http_factory import HttpFactory
from medianest_core.bus.outbox import EventBus
from medianest_core.domain.library.syncing import hints as library
from medianest_core.domain.library.syncing.orders import Orders, media_servers
from medianest_core.domain.library.syncing.runs import Runs
from medianest_core.domain.requests import hints as requests
from medianest_core.domain.status import hints as status
from medianest_core.domain.webhooks import addresses, deliveries, subscriptions
from medianest_core.domain.webhooks.addresses import Addresses
from medianest_core.domain.webhooks.catalogue import Catalogue
from medianest_core.domain.webhooks.deliveries import Deliveries
from medianest_core.domain.webhooks.sending import Sender
from medianest_core.domain.webhooks.subscriptions import Subscriptions
from medianest_core.domain.webhooks.sync_orders import SyncOrders
from medianest_core.domain.webhooks.system_status import SystemStatus
from medianest_core.host.instances import Instances
from medianest_core.ledger.enqueue import Ledger
from medianest_core.sdk.events import Event
from medianest_core.sdk.jobs import Job
from medianest_core.store.engine import Database


class Webhooks:
    """public_url: where services find the portal. events: (plugin, event) of active plugins."""

    def __init__(
        self,
        *,
        db: Database,
        bus: EventBus,
        instances: Instances,
        keyring: Keyring,
        ledger: Ledger,
        http: HttpFactory,
        public_url: str | None = None,
        events: Callable[[], Iterable[tuple[str, type[Event]]]] = lambda: (),
        clock: Clock | None = None,
    ) -> None:
        clock = clock or SystemClock()
        self._instances = instances
        self.addresses = Addresses(db, instances, keyring, clock, public_url)
        followers = (
            library.followers(instances, ledger),
            requests.followers(instances, ledger),
            status.followers(instances, bus),
        )
        self.deliveries = Deliveries(db, instances, keyring, ledger, clock, self.addresses, followers)
        runs = Runs(db, ledger, clock)
        self.sync_orders = SyncOrders(db, Orders(db, runs, media_servers(instances)), runs, self.deliveries)
        self.system_status = SystemStatus(db, bus, instances, self.deliveries)
        self.catalogue = Catalogue(events)
        self.subscriptions = Subscriptions(db, bus, keyring, clock, self.catalogue)
        self.sender = Sender(db, bus, ledger, http, clock, self.subscriptions)

    def jobs(self) -> list[Job[Any]]:
        """The jobs this domain runs."""
        return [self.deliveries.job, self.sender.job]

    async def start(self) -> None:
        self._instances.before_remove.append(self.addresses.leave)
        await self.sender.start()

    async def stop(self) -> None:
        self.sender.stop()


SEALED = (*addresses.SEALED, *deliveries.SEALED, *subscriptions.SEALED)
"""Where secrets are kept, for sealing them anew."""
