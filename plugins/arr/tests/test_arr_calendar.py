"""What Radarr and Sonarr tell the portal's calendar."""

from __future__ import annotations

import time

import pytest

from medianest_arr.agenda import HOW
from medianest_arr.calendar import SOURCES
from medianest_arr.simulation.things import DAY, released
from medianest_core.sdk import CalendarEntry, ProviderError
from medianest_core.testing.world.titles import MOVIE, elsewhere

from .arr_kit import Plugged

LOOK = {one.service: one.look for one in SOURCES}


async def test_films_appear_once_for_each_way(radarr: Plugged) -> None:
    for title in elsewhere(MOVIE):
        if released(title) > time.time():
            radarr.films.add(title)
    start = time.time()
    found = await LOOK["radarr"](radarr.radarr.client, start, start + 60 * DAY)
    assert found
    for one in found:
        assert one.kind == "movie" and one.day_only
        assert start <= one.at <= start + 60 * DAY
        assert one.how in HOW.values()
        assert one.ids["tmdb"].isdecimal()
    assert len({(one.title, one.how) for one in found}) == len(found)


async def test_episodes_bear_the_ids_of_their_series(sonarr: Plugged) -> None:
    for series in sonarr.shows.series.values():
        for number, one in enumerate(series.episodes[:3]):
            one.aired = time.time() + (number + 1) * DAY
    found = await LOOK["sonarr"](sonarr.sonarr.client, time.time(), time.time() + 30 * DAY)
    assert any(one.detail.startswith("S01E01 ") for one in found)
    assert all(one.ids["tvdb"].isdecimal() and not one.day_only for one in found)
    assert all(isinstance(one, CalendarEntry) and one.how == HOW["airing"] for one in found)


async def test_a_service_that_is_away_says_so(radarr: Plugged) -> None:
    radarr.simulator.faults.add("down")
    with pytest.raises(ProviderError):
        await LOOK["radarr"](radarr.radarr.client, time.time(), time.time() + DAY)
