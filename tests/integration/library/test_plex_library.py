"""The library over the real Plex plugin and a simulated server: what it lists, and what trouble never costs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select

from medianest_core.base.crypto import Keyring
from medianest_core.base.http_factory import HttpFactory
from medianest_core.base.settings import AppSettings
from medianest_core.domain.library.reading.query import LibraryQuery
from medianest_core.domain.library.service import Library
from medianest_core.host.lifecycle import PluginHost
from medianest_core.ledger.states import FINISHED, JobState
from medianest_core.store.tables.ledger import jobs
from medianest_core.testing.faults import Mode, Rule
from medianest_core.testing.simulators import running
from medianest_plex.simulator import PlexSimulator
from tests.fakes.portal import Floor, Writes, floor

pytestmark = pytest.mark.full


@dataclass
class Home:
    floor: Floor
    plex: PlexSimulator
    host: PluginHost
    library: Library
    instance: str

    async def total(self) -> int:
        return (await self.library.list_titles(LibraryQuery())).total

    async def details(self) -> None:
        """Waits for the job that reads the details of all titles."""
        while True:
            async with self.floor.db.read() as tx:
                rows = await tx.all(
                    select(jobs.c.state, jobs.c.result).where(jobs.c.name == "library.details")
                )
            if rows and all(row["state"] in FINISHED for row in rows):
                assert {row["state"] for row in rows} == {JobState.DONE}
                return
            await asyncio.sleep(0.02)

    async def attempt(self) -> None:
        """One run, whatever comes of it."""
        job_id = await self.library.request_sync(force=True)
        while not (job := await self.floor.job(job_id)).attempt or job.state is JobState.LEASED:
            await asyncio.sleep(0.02)
        async with self.floor.db.begin() as tx:
            await self.floor.ledger.cancel(tx, job_id)


@pytest.fixture
async def home(tmp_path: Path, backend: str) -> AsyncIterator[Home]:
    plex = PlexSimulator(items=40, data_dir=tmp_path / "plex")
    settings = AppSettings(data_dir=tmp_path / "portal", _env_file=None)
    settings.data_dir.mkdir()
    async with running(plex), floor(tmp_path) as base:
        http = HttpFactory(settings)
        keyring = Keyring.load_or_create(settings.data_dir / "keys.json")
        host = PluginHost(settings, base.db, keyring, base.bus, http, base.ledger)
        await host.start()
        library = Library(
            db=base.db, bus=base.bus, ledger=base.ledger, instances=host.instances, clock=base.clock
        )
        library.details.pause = 0.0
        for job in library.jobs():
            base.registry.add(job)
        await library.start()
        values = plex.demo_instances()[0].settings
        made = await host.instances.create("plex", "plex", "living", "Living room", values, None)
        # Nobody asks for it: a server that is ready for the first time is read.
        while not (runs := await library.sync_runs()) or runs[0].state in ("queued", "running"):
            await asyncio.sleep(0.02)
        assert runs[0].state == "done", runs[0].problems
        yield Home(base, plex, host, library, made.id)
        plex.faults.clear()
        await library.stop()
        await host.stop()
        await http.close()


async def test_everything_the_server_has_is_listed(home: Home) -> None:
    page = await home.library.list_titles(LibraryQuery(limit=200))
    assert page.total == len(page.items) == 40
    assert all(one.poster and one.year and one.added_at for one in page.items)
    show = next(one for one in page.items if one.kind == "show")
    detail = await home.library.title(show.id)
    assert detail is not None and detail.seasons and detail.cast and detail.ids
    episodes = await home.library.episodes(detail.seasons[0].id)
    assert len(episodes) == detail.seasons[0].episodes
    assert episodes[0].availability[0].media["height"]
    found = await home.library.search(page.items[3].title)
    assert found[0].title == page.items[3].title


async def test_titles_show_everyone_once_their_details_are_read(home: Home) -> None:
    """The path of a first start: sign nobody in, wait for the background job, open a title."""
    await home.details()
    world = home.plex.world.library
    for row in (await home.library.list_titles(LibraryQuery(limit=200))).items:
        detail = await home.library.title(row.id)
        assert detail is not None and not detail.unread
        item = world.items[int(detail.availability[0].key)]
        assert [(one["name"], one["role"]) for one in detail.cast] == list(item.cast)
        assert detail.row.genres == tuple(item.genres)
        assert tuple(detail.values.get("writers", ())) == item.writers
        assert len(item.cast) > 3
    job = await home.floor.finished(await home.library.request_sync())
    assert job.result["instances"][home.instance]["changed"] == 0


async def test_reading_it_again_writes_nothing(home: Home) -> None:
    await home.details()
    with Writes(home.floor.db) as writes:
        job = await home.floor.finished(await home.library.request_sync())
    assert job.result["instances"][home.instance]["changed"] == 0
    assert not {
        "records",
        "record_data",
        "record_details",
        "titles",
        "title_docs",
        "title_ids",
        "libraries",
    } & set(writes.tables)


@pytest.mark.parametrize("mode", ["down", "garbage", "truncated", "500", "401"])
async def test_trouble_costs_no_title_and_passes(home: Home, mode: Mode) -> None:
    for _ in range(2):
        home.plex.faults.set(Rule(mode, prefix="/library/sections/1"))
        await home.attempt()
        home.plex.faults.set(Rule(mode, prefix="/"))
        await home.attempt()
        assert await home.total() == 40
    home.plex.faults.clear()
    await home.host.instances.retry(home.instance)
    async with asyncio.timeout(30):
        while not home.host.instances.info(home.instance).ready:
            await asyncio.sleep(0.02)
        while (await home.library.sync_runs())[0].problems:
            await home.attempt()
    assert await home.total() == 40
