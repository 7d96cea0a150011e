"""A library over servers in memory, on a real database, ledger and worker."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import text

from medianest_core.domain.library.service import Library
from medianest_core.domain.library.syncing.runs import SyncArgs
from medianest_core.host.instances import Instances
from medianest_core.ledger.states import JobInfo
from medianest_core.sdk.media import MediaSource
from tests.fakes.media import FakeInstances, FakeServer, FakeSource, TellingSource
from tests.fakes.portal import Floor, floor


@dataclass
class Shelf:
    floor: Floor
    instances: FakeInstances
    library: Library
    servers: dict[str, FakeServer]

    def server(self, instance_id: str, *, telling: bool = False) -> FakeServer:
        """telling: its listings leave out what its details have."""
        made = FakeServer()
        self.servers[instance_id] = made
        source = TellingSource if telling else FakeSource
        self.instances.add(instance_id, MediaSource, source(instance_id, made))
        return made

    async def sync(self, **options: Any) -> JobInfo:
        return await self.floor.finished(await self.library.runs.request(SyncArgs(**options)))

    async def order(self, group: str, instance_ids: Sequence[str]) -> None:
        """Save this order of a group, and wait until all titles are merged in it."""
        ranking = self.library.ranking
        present = await ranking.current()
        saved = await ranking.save({**present.orders, group: [[one] for one in instance_ids]}, None, None)
        if saved.job_id is not None:
            await self.floor.finished(saved.job_id)

    async def names(self) -> list[str]:
        from medianest_core.domain.library.reading.query import LibraryQuery

        return [one.title for one in (await self.library.list_titles(LibraryQuery(limit=200))).items]

    async def dump(self) -> dict[str, list[Any]]:
        """Every row of the library but runs, as comparable values without ids of titles."""
        tables = {
            "records": "SELECT source, key, library, kind, digest, parent, missing FROM records ORDER BY 1, 2",
            "titles": "SELECT kind, level, title, sort_title, year, added_at, rating, quality, genres, sources, poster FROM titles ORDER BY 3, 5, 10",
            "docs": "SELECT doc FROM title_docs ORDER BY doc",
            "details": "SELECT source, key, digest, data FROM record_details ORDER BY 1, 2",
            "ids": "SELECT kind, provider, value FROM title_ids ORDER BY 1, 2, 3",
        }
        async with self.floor.db.read() as tx:
            return {
                name: [tuple(row) for row in (await tx.execute(text(statement))).all()]
                for name, statement in tables.items()
            }


@contextlib.asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Shelf]:
    async with floor(folder) as base:
        instances = FakeInstances()
        library = Library(
            db=base.db,
            bus=base.bus,
            ledger=base.ledger,
            instances=cast(Instances, instances),
            clock=base.clock,
        )
        library.details.pause = 0.0
        for job in library.jobs():
            base.registry.add(job)
        yield Shelf(base, instances, library, {})
        await library.stop()


@pytest.fixture
async def shelf(tmp_path: Path, backend: str) -> AsyncIterator[Shelf]:
    async with opened(tmp_path) as found:
        yield found
