"""Downloads over a downloader and a media server in memory, on a real database, ledger, worker and disk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import text

from medianest_core.cache.memory import MemoryCache
from medianest_core.domain.downloads.entries import FINISHED, Download, Item
from medianest_core.domain.downloads.places import Places
from medianest_core.domain.downloads.service import Downloads
from medianest_core.domain.library.pictures.image_store import ImageStore
from medianest_core.domain.library.service import Library
from medianest_core.host.instances import Instances
from medianest_core.sdk.downloads import Downloader
from medianest_core.sdk.media import Library as Section
from medianest_core.sdk.media import MediaSource
from medianest_core.sdk.routes import Viewer
from tests.fakes.downloads import FakeDownloader, FakeSite
from tests.fakes.media import FakeInstances, FakeServer, FakeSource, movie
from tests.fakes.portal import Floor, floor

ANN = Viewer("11111111-ann", "Ann", "user", frozenset())
BOB = Viewer("22222222-bob", "Bob", "user", frozenset())
ADMIN = Viewer("33333333-adm", "Root", "admin", frozenset())


@dataclass
class Bench:
    floor: Floor
    site: FakeSite
    server: FakeServer
    instances: FakeInstances
    library: Library
    downloads: Downloads
    root: Path
    free: list[int] = field(default_factory=lambda: [10**12])

    async def until(self, done: Callable[[Download], bool], viewer: Viewer, download_id: str) -> Download:
        while True:
            found = await self.downloads.get(viewer, download_id)
            assert found is not None
            if done(found):
                return found
            await asyncio.sleep(0.01)

    async def ended(self, viewer: Viewer, download_id: str) -> Download:
        return await self.until(lambda one: one.status in FINISHED, viewer, download_id)

    async def items(self, viewer: Viewer, download_id: str) -> dict[str, Item]:
        found = await self.downloads.items(viewer, download_id)
        assert found is not None
        return {one.key: one for one in found}

    def scan_files(self) -> None:
        """The server finds every file of a folder it is told to look at."""

        def look(library: str, path: str) -> None:
            for file in Path(path).glob("*.mp4"):
                if str(file) not in self.server.located:
                    key = f"k{len(self.server.located) + 1}"
                    self.server.located[str(file)] = key
                    self.server.put(movie(key, file.stem, library=library))

        self.server.on_scan = look


@pytest.fixture
async def bench(tmp_path: Path, backend: str) -> AsyncIterator[Bench]:
    root = tmp_path / "downloads"
    async with floor(tmp_path) as base:
        async with base.db.begin() as tx:
            for who in (ANN, BOB, ADMIN):
                await tx.execute(
                    text(
                        "INSERT INTO users (id, username, display_name, role, status, created_at, version)"
                        " VALUES (:id, :name, :name, :role, 'active', 0, 1)"
                    ),
                    {"id": who.id, "name": who.username, "role": who.role},
                )
        instances = FakeInstances()
        site, server = FakeSite(), FakeServer()
        server.libraries = [Section("5", "Videos", "movie", (str(root),))]
        instances.add("tube", Downloader, FakeDownloader("tube", site))
        instances.add("plex", MediaSource, FakeSource("plex", server))
        shared = {"db": base.db, "bus": base.bus, "ledger": base.ledger, "clock": base.clock}
        library = Library(**shared, instances=cast(Instances, instances))  # type: ignore[arg-type]  # a mapping of mixed values
        free = [10**12]
        downloads = Downloads(
            **shared,  # type: ignore[arg-type]  # a mapping of mixed values
            instances=cast(Instances, instances),
            library=library,
            root=root,
            pictures=ImageStore(tmp_path / "pictures"),
            cache=MemoryCache(),
            places=Places(root, reserve=1000, free=lambda _: free[0]),
            tick=0.02,
            patience=30.0,
        )
        for job in (*library.jobs(), *downloads.jobs()):
            base.registry.add(job)
        await base.finished(await library.request_sync())
        await downloads.start()
        yield Bench(base, site, server, instances, library, downloads, root, free)
        for gate in site.gates.values():
            gate.set()
        await downloads.stop()
        await library.stop()
