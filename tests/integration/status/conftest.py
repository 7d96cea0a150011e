"""The status domain on a real database, with services in memory and a clock that is set."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import pytest

from medianest_core.base.ids import new_id
from medianest_core.bus.outbox import EventBus
from medianest_core.domain.notify.reactions import Reactions
from medianest_core.domain.notify.service import Notifications
from medianest_core.domain.status.service import Status
from medianest_core.host.instances import Instances
from medianest_core.sdk.events import Event
from medianest_core.sdk.routes import Viewer
from medianest_core.store.engine import Database
from medianest_core.store.repos.events import EventRepo
from medianest_core.store.tables.accounts import users
from tests.databases import database_url, migrated
from tests.fakes.status import FakeHost

ADMIN = Viewer("a", "Ada", "admin", frozenset())
PERSON = Viewer("p", "Pat", "user", frozenset())
START = 1_750_000_000.0


class Hands:
    """A clock that somebody sets."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> float:
        return self.at


class World:
    def __init__(self, db: Database) -> None:
        self.db = db
        self.clock = Hands()
        self.host = FakeHost()
        self.bus = EventBus(EventRepo(db), clock=self.clock)
        self.notify = Notifications(db, self.bus, clock=self.clock)
        self.heard: list[Event] = []

        async def hear(one: Event) -> None:
            self.heard.append(one)

        self.bus.subscribe(Event, hear, name="test")
        self._reactions = Reactions(self.bus, self.notify)
        self._reactions.start()

    def status(self, **options: Any) -> Status:
        options = {"poll": 0.02, **options}
        return Status(
            db=self.db, bus=self.bus, instances=cast(Instances, self.host), clock=self.clock, **options
        )

    @contextlib.asynccontextmanager
    async def running(self, **options: Any) -> AsyncIterator[Status]:
        status = self.status(**options)
        await status.start()
        try:
            yield status
        finally:
            await status.stop()

    def of(self, kind: type[Event]) -> list[Any]:
        return [one for one in self.heard if isinstance(one, kind)]

    async def close(self) -> None:
        self._reactions.close()
        await self.bus.close()


async def until(condition: Callable[[], Awaitable[Any]], within: float = 60.0) -> Any:
    """The condition's first true value."""
    async with asyncio.timeout(within):
        while not (value := await condition()):
            await asyncio.sleep(0.01)
        return value


@pytest.fixture
async def world(tmp_path: Path, backend: str) -> AsyncIterator[World]:
    db = Database(database_url(tmp_path))
    await db.start()
    await migrated(db)
    world = World(db)
    yield world
    await world.close()
    await db.close()


async def person(world: World, name: str, role: str) -> str:
    """Someone of the house; their id."""
    identifier = new_id()
    async with world.db.begin() as tx:
        await tx.execute(
            users.insert().values(id=identifier, username=name, role=role, status="active", created_at=0.0)
        )
    return identifier
