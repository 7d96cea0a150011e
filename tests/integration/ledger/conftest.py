"""A database of the test's own, with a ledger whose clock stands still."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from medianest_core.base.clock import FakeClock
from medianest_core.bus.outbox import EventBus
from medianest_core.ledger.enqueue import Ledger
from medianest_core.store.engine import Database
from medianest_core.store.repos.events import EventRepo
from tests.databases import database_url, migrated


@pytest.fixture
async def db(tmp_path: Path, backend: str) -> AsyncIterator[Database]:
    database = Database(database_url(tmp_path))
    await database.start()
    await migrated(database)
    yield database
    await database.close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def bus(db: Database, clock: FakeClock) -> AsyncIterator[EventBus]:
    made = EventBus(EventRepo(db), clock=clock)
    yield made
    await made.close()


@pytest.fixture
def ledger(db: Database, clock: FakeClock, bus: EventBus) -> Ledger:
    return Ledger(db, clock, bus)
