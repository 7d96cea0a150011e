"""The discover service over catalogs in memory and a library on a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from medianest_core.base.clock import FakeClock
from medianest_core.cache.cached import Caches
from medianest_core.cache.memory import MemoryCache
from medianest_core.domain.discover.service import Discover
from medianest_core.domain.library.pictures.image_store import ImageStore
from medianest_core.domain.library.service import Library
from medianest_core.domain.library.syncing.runs import SyncArgs
from medianest_core.host.instances import Instances
from medianest_core.sdk.catalog import Catalog
from medianest_core.sdk.media import MediaSource
from medianest_core.sdk.routes import Viewer
from tests.fakes.catalog import FakeCatalog, FakeShelf
from tests.fakes.media import FakeInstances, FakeServer, FakeSource
from tests.fakes.portal import Floor, floor

ANN = Viewer("ann", "ann", "user", frozenset())


@dataclass
class World:
    floor: Floor
    instances: FakeInstances
    library: Library
    discover: Discover
    clock: FakeClock
    server: FakeServer

    def catalog(self, instance_id: str) -> FakeShelf:
        made = FakeShelf()
        self.instances.add(instance_id, Catalog, FakeCatalog(instance_id, made))
        return made

    async def sync(self) -> None:
        await self.floor.finished(await self.library.runs.request(SyncArgs()))


@pytest.fixture
async def world(tmp_path: Path, backend: str) -> AsyncIterator[World]:
    """On both databases: for what is read from them."""
    async with opened(tmp_path) as made:
        yield made


@pytest.fixture
async def quick_world(tmp_path: Path) -> AsyncIterator[World]:
    """For what is the same whatever the database."""
    async with opened(tmp_path) as made:
        yield made


@asynccontextmanager
async def opened(tmp_path: Path) -> AsyncIterator[World]:
    async with floor(tmp_path) as base:
        instances, clock = FakeInstances(), FakeClock()
        library = Library(
            db=base.db,
            bus=base.bus,
            ledger=base.ledger,
            instances=cast(Instances, instances),
            clock=base.clock,
        )
        for job in library.jobs():
            base.registry.add(job)
        server = FakeServer()
        instances.add("plex", MediaSource, FakeSource("plex", server))
        discover = Discover(
            db=base.db,
            instances=cast(Instances, instances),
            library=library,
            pictures=ImageStore(tmp_path / "pictures"),
            signing_key=b"k" * 32,
            caches=Caches(MemoryCache(), clock),
            clock=clock,
        )
        yield World(base, instances, library, discover, clock, server)
        await library.stop()
