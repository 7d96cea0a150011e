"""A process of its own that has one request sent to a backend whose memory is a file: so that it can be killed on the way."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any, cast

from sqlalchemy import select

from medianest_core.base.clock import SystemClock
from medianest_core.bus.outbox import EventBus
from medianest_core.domain.library.service import Library
from medianest_core.domain.requests.service import Requests
from medianest_core.domain.requests.wishes import Wish
from medianest_core.host.instances import Instances
from medianest_core.jobs.registry import JobRegistry
from medianest_core.jobs.worker import Worker
from medianest_core.ledger.enqueue import Ledger
from medianest_core.sdk.requests import RequestBackend, RequestItem, RequestState, RequestStatus
from medianest_core.sdk.routes import Viewer
from medianest_core.store.engine import Database
from medianest_core.store.migrate import upgrade
from medianest_core.store.repos.events import EventRepo
from medianest_core.store.tables.accounts import users
from medianest_core.store.tables.requests import requests
from tests.fakes.media import FakeInstances
from tests.fakes.requests import FakeBackend, FakeDeciders, FakeSeerr

ADMIN = Viewer("33333333-adm", "Root", "admin", frozenset())
WISH = Wish("movie", {"tmdb": "603"}, "The Matrix", 1999)


class Remembered(FakeBackend):
    """created: a line for each request it ever made."""

    def __init__(self, created: Path) -> None:
        super().__init__("seerr", FakeSeerr())
        self._created = created

    def _known(self) -> list[str]:
        return self._created.read_text().splitlines() if self._created.exists() else []

    async def submit(self, item: RequestItem, user: str) -> RequestState:
        with self._created.open("a") as stream:
            stream.write(json.dumps(dict(item.ids)) + "\n")
        return RequestState("r1", RequestStatus.PROCESSING)

    async def find(self, item: RequestItem, user: str) -> RequestState | None:
        known = json.dumps(dict(item.ids)) in self._known()
        return RequestState("r1", RequestStatus.PROCESSING) if known else None


async def run(folder: Path) -> None:
    db = Database(f"sqlite+aiosqlite:///{folder / 'portal.db'}")
    await db.start()
    await upgrade(db)
    clock = SystemClock()
    bus = EventBus(EventRepo(db))
    ledger = Ledger(db, clock, bus, lease=1.0)
    instances = FakeInstances()
    instances.add("seerr", RequestBackend, Remembered(folder / "created"))
    shared: dict[str, Any] = {
        "db": db,
        "bus": bus,
        "ledger": ledger,
        "clock": clock,
        "instances": cast(Instances, instances),
    }
    service = Requests(**shared, library=Library(**shared), deciders=FakeDeciders(), settle=0.2, every=3600.0)
    registry = JobRegistry(ledger)
    for job in service.jobs():
        registry.add(job)
    worker = Worker(db, ledger, registry, bus)
    await service.start()
    await worker.start()
    async with db.begin() as tx:
        if await tx.scalar(select(users.c.id)) is None:
            await tx.execute(
                users.insert().values(
                    id=ADMIN.id, username="root", role="admin", status="active", created_at=0.0
                )
            )
            first = True
        else:
            first = False
    if first:
        await service.submit(ADMIN, WISH)
    state = ""
    while state != "processing":
        await asyncio.sleep(0.02)
        async with db.read() as tx:
            state = str(await tx.scalar(select(requests.c.state)))
    await worker.stop()
    await service.stop()
    await bus.close()
    await db.close()


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1])))
