"""A process of its own that publishes an event somebody subscribed to, and sends what waits: so that it can be killed on the way."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from sqlalchemy import select

from medianest_core.base.clock import SystemClock
from medianest_core.base.crypto import Keyring
from medianest_core.base.http_factory import HttpFactory
from medianest_core.bus.events import SystemAlert
from medianest_core.bus.outbox import EventBus
from medianest_core.domain.webhooks.catalogue import Catalogue
from medianest_core.domain.webhooks.sending import Sender
from medianest_core.domain.webhooks.subscriptions import Subscriptions, Wanted
from medianest_core.jobs.registry import JobRegistry
from medianest_core.jobs.worker import Worker
from medianest_core.ledger.enqueue import Ledger
from medianest_core.sdk.events import Audience
from medianest_core.store.engine import Database
from medianest_core.store.migrate import upgrade
from medianest_core.store.repos.events import EventRepo
from medianest_core.store.tables.webhooks import webhook_messages


async def run(folder: Path, url: str) -> None:
    db = Database(f"sqlite+aiosqlite:///{folder / 'portal.db'}")
    await db.start()
    await upgrade(db)
    clock = SystemClock()
    bus = EventBus(EventRepo(db))
    ledger = Ledger(db, clock, bus, lease=1.0)
    keyring = Keyring.load_or_create(folder / "keys.json")
    subscriptions = Subscriptions(db, bus, keyring, clock, Catalogue())
    sender = Sender(db, bus, ledger, HttpFactory(), clock, subscriptions)
    registry = JobRegistry(ledger)
    registry.add(sender.job)
    worker = Worker(db, ledger, registry, bus)
    if not await subscriptions.all():
        _, secret = await subscriptions.create(Wanted("Mine", ["system:alert"], url), None)
        (folder / "secret").write_text(secret)
    await sender.start()
    await worker.start()
    async with db.begin() as tx:
        if await tx.scalar(select(webhook_messages.c.id)) is None:
            await bus.publish(tx, SystemAlert(key="disk", title="Full"), Audience.admins())
    async with asyncio.timeout(60):
        while True:
            async with db.read() as tx:
                if set((await tx.execute(select(webhook_messages.c.status))).scalars()) == {"sent"}:
                    break
            await asyncio.sleep(0.05)
    await worker.stop()
    await db.close()


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1]), sys.argv[2]))
