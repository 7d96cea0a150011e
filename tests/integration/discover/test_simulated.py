"""A catalog and a media server that know nothing of each other: what one names, the other has."""

from __future__ import annotations

from pathlib import Path

from medianest_core.sdk.catalog import Catalog
from medianest_core.sdk.media import MediaRecord
from medianest_core.testing.loopback import guarded_client
from medianest_core.testing.simulators import running
from medianest_core.testing.world.titles import MOVIE, SHOW, elsewhere, household
from medianest_tmdb.catalog import TmdbCatalog
from medianest_tmdb.service import connect
from medianest_tmdb.settings import TmdbSettings
from medianest_tmdb.simulator import TmdbSimulator
from tests.integration.discover.conftest import ANN, World


async def test_the_household_and_the_world_meet_by_their_ids(quick_world: World, tmp_path: Path) -> None:
    world = quick_world
    world.server.put(
        *(
            MediaRecord(
                f"{kind}{number}", kind, title.title, "1", title.year, ids={"imdb": title.ids["imdb"]}
            )
            for kind in (MOVIE, SHOW)
            for number, title in enumerate(household(kind))
        )
    )
    await world.sync()
    simulator = TmdbSimulator(items=200, data_dir=tmp_path)
    async with running(simulator):
        settings = TmdbSettings.model_validate(simulator.demo_instances()[0].settings)
        async with guarded_client(settings) as http:
            provider = TmdbCatalog("tmdb", settings, http, await connect(settings, http))
            world.instances.add("tmdb", Catalog, provider)
            held, missing = household(MOVIE)[1], elsewhere(MOVIE)[0]
            world.discover.patience = 20.0
            found = await world.discover.search(ANN, "meridian")
            by_title = {entry.title: entry for entry in found.entries}
            assert not found.troubles
            # Rows of a list carry the catalog's own id alone; the details tell the others.
            for title, there in ((held, True), (missing, False)):
                entry = by_title[title.title]
                details = await world.discover.details(ANN, entry.kind, entry.ids)
                assert details.entry is not None
                assert details.entry.ids["imdb"] == title.ids["imdb"]
                assert (details.entry.available is not None) is there
            assert found.attributions == [TmdbCatalog.attribution]
            for feed in world.discover.feeds():
                assert not (await world.discover.feed(ANN, feed.name)).troubles
