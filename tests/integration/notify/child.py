"""A process of its own that has one notification sent to a mailbox that is a file: so that it can be killed on the way."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any, cast

from sqlalchemy import select

from medianest_core.base.clock import SystemClock
from medianest_core.base.crypto import Keyring
from medianest_core.bus.outbox import EventBus
from medianest_core.cache.limits import RateLimiter
from medianest_core.domain.notify.outside import Outside
from medianest_core.domain.notify.service import Notifications
from medianest_core.host.instances import Instances
from medianest_core.jobs.registry import JobRegistry
from medianest_core.jobs.worker import Worker
from medianest_core.ledger.enqueue import Ledger
from medianest_core.sdk.notify import Message, Notifier
from medianest_core.store.engine import Database
from medianest_core.store.migrate import upgrade
from medianest_core.store.repos.events import EventRepo
from medianest_core.store.tables.accounts import users
from medianest_core.store.tables.notify import deliveries
from medianest_core.store.tables.plugins import instances as instance_rows
from tests.fakes.media import FakeInstances

ANN = "11111111-ann"


class Mailbox(Notifier[Any, Any]):
    """A line for each message that it was ever handed."""

    def __init__(self, file: Path) -> None:
        self._file = file

    async def send(self, target: str, message: Message) -> None:
        with self._file.open("a") as stream:
            stream.write(f"{message.id} {message.title}\n")


async def run(folder: Path) -> None:
    db = Database(f"sqlite+aiosqlite:///{folder / 'portal.db'}")
    await db.start()
    await upgrade(db)
    clock = SystemClock()
    bus = EventBus(EventRepo(db))
    ledger = Ledger(db, clock, bus, lease=1.0)
    found = FakeInstances()
    found.add("box", Notifier, Mailbox(folder / "box"))
    outside = Outside(
        db, ledger, cast(Instances, found), Keyring.load_or_create(folder / "keys.json"), RateLimiter()
    )
    notify = Notifications(db, bus, outside=outside)
    registry = JobRegistry(ledger)
    for job in outside.jobs():
        registry.add(job)
    async with db.begin() as tx:
        first = await tx.scalar(select(users.c.id)) is None
        if first:
            await tx.execute(
                users.insert().values(id=ANN, username="ann", role="user", status="active", created_at=0.0)
            )
            await tx.execute(
                instance_rows.insert().values(
                    id="box",
                    plugin="fake",
                    service="fake",
                    name="box",
                    title="Box",
                    settings_json={},
                    created_at=0.0,
                    updated_at=0.0,
                )
            )
    if first:
        await outside.channels.add(ANN, "box", "here")
    worker = Worker(db, ledger, registry, bus)
    await worker.start()
    if first:
        async with db.begin() as tx:
            await notify.notify(tx, ANN, "other", {"title": "Heat"})
    state = ""
    async with asyncio.timeout(60):
        while state != "sent":
            await asyncio.sleep(0.02)
            async with db.read() as tx:
                state = str(await tx.scalar(select(deliveries.c.state)))
    async with db.read() as tx:
        attempts = await tx.scalar(select(deliveries.c.attempts))
    (folder / "ends").write_text(" ".join(one["end"] for one in attempts))
    await worker.stop()
    await bus.close()
    await db.close()


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1])))
