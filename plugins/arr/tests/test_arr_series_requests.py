"""Requests for series, seasons and episodes, taken by Sonarr."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from medianest_arr.simulation.shows import Shows
from medianest_arr.wanted import Part, parsed, reference
from medianest_core.base.http_factory import HttpFactory
from medianest_core.sdk import Rejected, RequestItem, RequestStatus
from medianest_core.testing.simulators import running

from .arr_kit import Plugged, held_series, plug, series_item, sonarr_simulator, wished_series


def monitored(shows: Shows) -> dict[int, bool]:
    """Season → all of its episodes are looked for."""
    series = shows.by_tvdb(wished_series().ids["tvdb"])
    assert series is not None
    found: dict[int, bool] = {}
    for one in series.episodes:
        found[one.season] = found.get(one.season, True) and one.monitored
    return found


async def test_a_whole_series(sonarr: Plugged) -> None:
    item = series_item(wished_series())
    assert await sonarr.sonarr.find(item, "") is None
    state = await sonarr.sonarr.submit(item, "")
    assert state.status is RequestStatus.PROCESSING
    sonarr.pass_time(2)
    assert set(monitored(sonarr.shows).values()) == {True}
    found = await sonarr.sonarr.find(item, "")
    assert found is not None
    assert (found.reference, found.message) == (state.reference, "It is being downloaded.")
    sonarr.pass_time(90)
    done = await sonarr.sonarr.state(state.reference)
    assert done.status is RequestStatus.AVAILABLE
    assert set(done.seasons.values()) == {RequestStatus.AVAILABLE}
    assert len(done.seasons) == wished_series().seasons


async def test_one_season_and_then_one_more(sonarr: Plugged) -> None:
    first = series_item(wished_series(), seasons=[1])
    state = await sonarr.sonarr.submit(first, "")
    sonarr.pass_time(2)
    on = monitored(sonarr.shows)
    assert on[1]
    assert not any(wish for season, wish in on.items() if season > 1)
    second = series_item(wished_series(), seasons=[2])
    assert await sonarr.sonarr.find(second, "") is None
    more = await sonarr.sonarr.submit(second, "")
    assert sonarr.done("series.added") == 1
    assert monitored(sonarr.shows)[2]
    assert not monitored(sonarr.shows)[3]
    sonarr.pass_time(90)
    assert (await sonarr.sonarr.state(state.reference)).status is RequestStatus.AVAILABLE
    assert (await sonarr.sonarr.state(more.reference)).seasons == {2: RequestStatus.AVAILABLE}
    third = series_item(wished_series(), seasons=[2, 3])
    assert await sonarr.sonarr.find(third, "") is None


async def test_single_episodes_of_a_new_series(sonarr: Plugged) -> None:
    item = series_item(wished_series(), episodes=[(1, 2), (2, 1)])
    state = await asyncio.wait_for(sonarr.sonarr.submit(item, ""), 30)
    assert parsed(state.reference) == (
        parsed(state.reference or "")[0],  # type: ignore[index]  # it is one
        Part((), ((1, 2), (2, 1))),
    )
    series = sonarr.shows.by_tvdb(wished_series().ids["tvdb"])
    assert series is not None
    on = [(one.season, one.number) for one in series.episodes if one.monitored]
    assert on == [(1, 2), (2, 1)]
    sonarr.pass_time(90)
    done = await sonarr.sonarr.state(state.reference)
    assert done.status is RequestStatus.AVAILABLE
    assert sum(one.file is not None for one in series.episodes) == 2
    again = await sonarr.sonarr.find(item, "")
    assert again is not None
    assert again.reference == state.reference


async def test_a_season_of_which_a_part_is_there(sonarr: Plugged) -> None:
    series = sonarr.shows.add(wished_series(), monitored=False)
    sonarr.shows.refresh(series)
    season = [one for one in series.episodes if one.season == 1]
    sonarr.shows.give(series, season[:2], 1.0)
    state = await sonarr.sonarr.submit(series_item(wished_series(), seasons=[1]), "")
    assert state.status is RequestStatus.PARTIALLY_AVAILABLE
    assert state.seasons == {1: RequestStatus.PARTIALLY_AVAILABLE}
    assert state.message.startswith(f"2 of {len(season)} episodes are there.")
    assert series.monitored


async def test_cancelling_only_stops_looking(sonarr: Plugged) -> None:
    whole = await sonarr.sonarr.submit(series_item(wished_series()), "")
    sonarr.pass_time(1)
    part = await sonarr.sonarr.find(series_item(wished_series(), seasons=[1]), "")
    single = await sonarr.sonarr.find(series_item(wished_series(), episodes=[(2, 1)]), "")
    assert part is not None
    assert single is not None
    await sonarr.sonarr.cancel(part.reference)
    await sonarr.sonarr.cancel(single.reference)
    on = monitored(sonarr.shows)
    assert (on[1], on[2], on[3]) == (False, False, True)
    await sonarr.sonarr.cancel(whole.reference)
    series = sonarr.shows.by_tvdb(wished_series().ids["tvdb"])
    assert series is not None
    assert not series.monitored
    for kind in ("series.deleted", "file.deleted", "queue.removed"):
        assert sonarr.done(kind) == 0
    await sonarr.sonarr.cancel("series/4711/s1")
    await sonarr.sonarr.cancel("movie/1")


async def test_switched_off_and_deleted_there(sonarr: Plugged) -> None:
    sonarr.shows.fates[wished_series().ids["tvdb"]] = "nothing"
    state = await sonarr.sonarr.submit(series_item(wished_series(), seasons=[1]), "")
    sonarr.pass_time(2)
    series = sonarr.shows.by_tvdb(wished_series().ids["tvdb"])
    assert series is not None
    series.monitored = False
    assert (await sonarr.sonarr.state(state.reference)).status is RequestStatus.DECLINED
    sonarr.shows.series.clear()
    assert (await sonarr.sonarr.state(state.reference)).status is RequestStatus.GONE


async def test_other_ids_are_found_by_title(sonarr: Plugged) -> None:
    title = wished_series()
    item = RequestItem("season", {"tmdb": title.ids["tmdb"]}, title.title, title.year, seasons=[1])
    assert await sonarr.sonarr.find(item, "") is None
    state = await sonarr.sonarr.submit(item, "")
    found = await sonarr.sonarr.find(item, "")
    assert found is not None
    assert found.reference == state.reference


async def test_what_sonarr_does_not_know(sonarr: Plugged) -> None:
    with pytest.raises(Rejected, match="does not know this title"):
        await sonarr.sonarr.submit(RequestItem("show", {"tvdb": "1"}, "Nobody knows"), "")
    with pytest.raises(Rejected, match="knows no season 99"):
        await sonarr.sonarr.submit(series_item(wished_series(), seasons=[99]), "")
    assert sonarr.done("series.added") == 0
    with pytest.raises(Rejected, match="knows no season 99"):
        await sonarr.sonarr.submit(series_item(held_series(), seasons=[99]), "")
    with pytest.raises(Rejected, match="knows no episode 77 of season 1"):
        await sonarr.sonarr.submit(series_item(held_series(), episodes=[(1, 77)]), "")


async def test_specials_are_not_part_of_a_whole_series(tmp_path: Path, factory: HttpFactory) -> None:
    async with running(sonarr_simulator(tmp_path)) as served:
        plugged = await plug(factory, served)
        series = plugged.shows.add(wished_series(), monitored=False)
        plugged.shows.refresh(series)
        series.seasons = {0: False, **series.seasons}
        series.episodes[0].season = 0
        await plugged.sonarr.submit(series_item(wished_series()), "")
        assert series.seasons[0] is False
        assert not series.episodes[0].monitored


@pytest.mark.parametrize(
    ("part", "text"),
    [
        (Part(), "series/7"),
        (Part((1, 2)), "series/7/s1,2"),
        (Part((), ((1, 3), (0, 1))), "series/7/e1x3,0x1"),
        (Part((4,), ((1, 3),)), "series/7/s4/e1x3"),
    ],
)
def test_references_name_what_was_asked_for(part: Part, text: str) -> None:
    assert reference(7, part) == text
    assert parsed(text) == (7, part)
    assert parsed("movie/7") is None


async def test_how_a_series_is_counted_can_be_chosen(sonarr: Plugged) -> None:
    offered = {one.name: one for one in await sonarr.sonarr.options("show")}
    assert [one.value for one in offered["series_type"].choices] == ["standard", "daily", "anime"]
    assert offered["series_type"].default is None, "as its catalog says"
    item = series_item(wished_series())
    with pytest.raises(Rejected, match="no such series type"):
        await sonarr.sonarr.submit(replace(item, options={"series_type": "weekly"}), "")
    await sonarr.sonarr.submit(replace(item, options={"series_type": "daily"}), "")
    made = sonarr.shows.by_tvdb(wished_series().ids["tvdb"])
    assert made is not None and made.kind == "daily"
