"""What people are shown between approval and library."""

from __future__ import annotations

import time
from collections.abc import Mapping

import pytest

from medianest_arr.models import QueueRow, StatusMessage
from medianest_arr.progress import progress
from medianest_arr.stages import RESCAN, SEARCH, stages
from medianest_core.sdk import NotFound, RequestItem, StageReport, StageState, Tracked

from .arr_kit import Plugged, film_item, held_film, series_item, wished_film, wished_series


async def reports(plugged: Plugged, service: str, item: RequestItem) -> Mapping[str, StageReport]:
    """Stage → report."""
    tracked = Tracked("r1", item, "instance")
    found: dict[str, StageReport] = {}
    for stage in stages():
        if stage.service == service:
            seen = await stage.look(plugged.client, [tracked])
            if "r1" in seen:
                found[stage.name] = seen["r1"]
    return found


def states(found: Mapping[str, StageReport]) -> list[StageState]:
    return [found[name].state for name in ("searched", "downloading", "imported")]


W, A, D, S = StageState.WAITING, StageState.ACTIVE, StageState.DONE, StageState.STUCK


@pytest.mark.usefixtures("still")
async def test_a_film_from_search_to_library(radarr: Plugged) -> None:
    item = film_item(wished_film())
    assert await reports(radarr, "radarr", item) == {}
    await radarr.radarr.submit(item, "")
    assert states(await reports(radarr, "radarr", item)) == [A, W, W]
    radarr.pass_time(32)
    going = await reports(radarr, "radarr", item)
    assert states(going) == [D, A, W]
    share, ends = going["downloading"].progress, going["downloading"].ends_at
    assert share is not None
    assert ends is not None
    assert 0.3 < share < 0.8
    assert 0 < ends - time.time() < 3600
    radarr.pass_time(29.5)
    assert states(await reports(radarr, "radarr", item)) == [D, D, A]
    radarr.pass_time(10)
    done = await reports(radarr, "radarr", item)
    assert states(done) == [D, D, D]
    assert done["imported"].at is not None


@pytest.mark.parametrize(
    ("trouble", "at", "wanted", "sentence"),
    [
        ("stalled", 10, [D, S, W], "The download is stalled: nobody offers the rest of it at present."),
        ("client", 10, [D, S, W], "SABnzbd does not answer, so the download cannot go on."),
        ("paused", 10, [D, S, W], "The download is paused in SABnzbd."),
        ("queued", 10, [D, W, W], "It waits in the queue of the download client."),
        ("delay", 10, [D, W, W], "It waits a while before it downloads, in case something better appears."),
        ("import", 90, [D, D, S], "Nothing in the download can be used."),
        ("failed", 64, [D, S, W], "The download failed; another one is looked for."),
    ],
)
async def test_why_it_does_not_move(
    radarr: Plugged, trouble: str, at: int, wanted: list[StageState], sentence: str
) -> None:
    item = film_item(wished_film())
    radarr.films.fates[wished_film().ids["tmdb"]] = trouble
    await radarr.radarr.submit(item, "")
    radarr.pass_time(at)
    found = await reports(radarr, "radarr", item)
    assert states(found) == wanted
    stuck = found["imported"] if wanted[2] is S else found["downloading"]
    assert stuck.message == sentence
    if S in wanted:
        assert set(stuck.actions) == {SEARCH, RESCAN}


async def test_nothing_was_found_and_searching_again_helps(radarr: Plugged) -> None:
    item = film_item(wished_film())
    radarr.films.fates[wished_film().ids["tmdb"]] = "nothing"
    await radarr.radarr.submit(item, "")
    radarr.pass_time(3)
    found = (await reports(radarr, "radarr", item))["searched"]
    assert (found.state, found.message) == (S, "Nothing suitable was found yet; Radarr goes on looking.")
    assert found.actions == (SEARCH, RESCAN)
    radarr.films.fates.clear()
    stage = next(one for one in stages() if one.service == "radarr")
    actions = {one.name: one.handler for one in stage.actions}
    tracked = Tracked("r1", item, "instance")
    assert await actions[SEARCH](radarr.client, tracked) == "Radarr looks for it again."
    radarr.pass_time(3)
    assert states(await reports(radarr, "radarr", item)) == [D, A, W]
    assert "finished downloads" in await actions[RESCAN](radarr.client, tracked)
    names = [facts["name"] for facts in radarr.simulator.ledger.facts("command")]
    assert names[-2:] == ["RescanMovie", "RefreshMonitoredDownloads"]
    with pytest.raises(NotFound):
        unknown = Tracked("r2", RequestItem("movie", {"tmdb": "1"}, "?"), "instance")
        await actions[SEARCH](radarr.client, unknown)


async def test_a_season_comes_as_one_download(sonarr: Plugged) -> None:
    item = series_item(wished_series(), seasons=[1, 2])
    await sonarr.sonarr.submit(item, "")
    sonarr.pass_time(30)
    going = await reports(sonarr, "sonarr", item)
    assert states(going) == [D, A, W]
    assert going["downloading"].progress == pytest.approx(0.48, abs=0.2)
    only_third = series_item(wished_series(), seasons=[3])
    assert states(await reports(sonarr, "sonarr", only_third)) == [S, W, W]
    sonarr.pass_time(90)
    assert states(await reports(sonarr, "sonarr", item)) == [D, D, D]
    whole = await reports(sonarr, "sonarr", series_item(wished_series()))
    assert whole["imported"].state is A
    assert whole["imported"].message == "A part of it is in the library."


async def test_actions_of_a_series(sonarr: Plugged) -> None:
    await sonarr.sonarr.submit(series_item(wished_series(), seasons=[1]), "")
    sonarr.pass_time(3)
    sonarr.simulator.ledger.clear()
    stage = next(one for one in stages() if one.service == "sonarr")
    actions = {one.name: one.handler for one in stage.actions}
    for item in (
        series_item(wished_series()),
        series_item(wished_series(), seasons=[1]),
        series_item(wished_series(), episodes=[(1, 1)]),
    ):
        await actions[SEARCH](sonarr.client, Tracked("r", item, "i"))
    await actions[RESCAN](sonarr.client, Tracked("r", series_item(wished_series()), "i"))
    names = [facts["name"] for facts in sonarr.simulator.ledger.facts("command")]
    assert names == [
        "SeriesSearch",
        "SeasonSearch",
        "EpisodeSearch",
        "RescanSeries",
        "RefreshMonitoredDownloads",
    ]


async def test_many_requests_are_looked_at_with_few_questions(radarr: Plugged) -> None:
    items = [film_item(held_film())] * 40
    tracked = [Tracked(f"r{number}", item, "") for number, item in enumerate(items)]
    before = radarr.simulator.faults
    asked: list[str] = []
    match = before.match

    def counted(method: str, path: str) -> object:
        asked.append(path)
        return match(method, path)

    before.match = counted  # type: ignore[method-assign,assignment]  # only counts
    for stage in stages():
        if stage.service == "radarr":
            assert len(await stage.look(radarr.client, tracked)) == 40
    assert len(asked) <= 3


def row(**values: object) -> QueueRow:
    return QueueRow(**{"id": 1, "size": 100, "sizeleft": 40, "download_client": "Seedbox", **values})  # type: ignore[arg-type]


def test_parts_of_one_download_count_once_and_the_slowest_speaks() -> None:
    pack = [row(id=number, download_id="a", sizeleft=50) for number in range(5)]
    other = row(id=9, download_id="b", size=300, sizeleft=300, status="queued")
    found = progress([*pack, other], "Sonarr")
    assert found is not None
    assert found.share == pytest.approx(50 / 400)
    assert found.reason == ""
    assert progress([], "Sonarr") is None
    strange = progress([row(size=0, sizeleft=-5)], "Radarr")
    assert strange is not None
    assert strange.share == 0.0


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (
            "Not an upgrade for existing movie file(s)",
            "What was downloaded is no better than what is there already.",
        ),
        (
            "Found archive file, might need to be extracted",
            "The download is still packed; it must be unpacked first.",
        ),
        (
            "Access to the path '/films' is denied.",
            "Radarr may not read the download, or may not write to its folder.",
        ),
        ("Not enough free space", "There is no space left on the disk."),
        (
            "Movie title mismatch, automatic import is not possible. Manual Import required.",
            "Radarr is not sure which title this is; someone must import it by hand.",
        ),
        ("Something new", "It is downloaded but cannot be imported: Something new"),
        ("", "It is downloaded but waits to be imported by hand."),
    ],
)
def test_reasons_in_plain_words(said: str, sentence: str) -> None:
    messages = [StatusMessage("x", [said] if said else [])]
    found = progress(
        [row(status="completed", tracked_download_state="importBlocked", status_messages=messages)], "Radarr"
    )
    assert found is not None
    assert found.reason == sentence
