"""A library over servers in memory, on a real database, ledger and worker."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import text

from medianest_core.domain.library.runs import SyncArgs
from medianest_core.domain.library.service import Library
from medianest_core.host.instances import Instances
from medianest_core.ledger.states import JobInfo
from medianest_core.sdk.media import MediaSource
from tests.fakes.media import FakeInstances, FakeServer, FakeSource
from tests.fakes.portal import Floor, floor


@dataclass
class Shelf:
    floor: Floor
    instances: FakeInstances
    library: Library
    servers: dict[str, FakeServer]

    def server(self, instance_id: str) -> FakeServer:
        made = FakeServer()
        self.servers[instance_id] = made
        self.instances.add(instance_id, MediaSource, FakeSource(instance_id, made))
        return made

    async def sync(self, **options: Any) -> JobInfo:
        return await self.floor.finished(await self.library.runs.request(SyncArgs(**options)))

    async def names(self) -> list[str]:
        from medianest_core.domain.library.query import LibraryQuery

        return [one.title for one in (await self.library.list_titles(LibraryQuery(limit=200))).items]

    async def dump(self) -> dict[str, list[Any]]:
        """Every row of the library but runs, as comparable values without ids of titles."""
        tables = {
            "records": "SELECT source, key, library, kind, digest, parent, missing FROM records ORDER BY 1, 2",
            "titles": "SELECT kind, level, title, sort_title, year, added_at, rating, quality, genres, sources, poster FROM titles ORDER BY 3, 5, 10",
            "docs": "SELECT doc FROM title_docs ORDER BY doc",
            "ids": "SELECT kind, provider, value FROM title_ids ORDER BY 1, 2, 3",
        }
        async with self.floor.db.read() as tx:
            return {
                name: [tuple(row) for row in (await tx.execute(text(statement))).all()]
                for name, statement in tables.items()
            }


@pytest.fixture
async def shelf(tmp_path: Path) -> AsyncIterator[Shelf]:
    async with floor(tmp_path) as base:
        instances = FakeInstances()
        library = Library(
            db=base.db,
            bus=base.bus,
            ledger=base.ledger,
            instances=cast(Instances, instances),
            clock=base.clock,
        )
        for job in library.jobs():
            base.registry.add(job)
        yield Shelf(base, instances, library, {})
        await library.stop()
