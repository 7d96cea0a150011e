"""The contract of the status, which requests a file is for, and the card in a portal."""

from __future__ import annotations

from pathlib import Path

import pytest

from medianest_core.sdk import MOVIE, SHOW, RequestItem, StageState, Tracked
from medianest_core.testing.connecting import connected
from medianest_core.testing.contracts import StatusContract
from medianest_core.testing.portal import TestPortal
from medianest_core.testing.simulators import running
from medianest_core.testing.world.titles import elsewhere
from medianest_tdarr.simulator import KEY, TdarrSimulator
from medianest_tdarr.stage import about, look
from medianest_tdarr.status import TdarrStatus

FILM = elsewhere(MOVIE)[1]


class TestStatus(StatusContract):
    provider = TdarrStatus
    simulator = TdarrSimulator


@pytest.mark.parametrize(
    ("item", "path", "is_it"),
    [
        (RequestItem(MOVIE, {}, "Salt", 2019), "/m/Salt (2019)/salt.mkv", True),
        (RequestItem(MOVIE, {}, "Salt", 2019), "D:\\m\\SALT (2019)\\salt.mkv", True),
        (RequestItem(MOVIE, {}, "Salt", 2003), "/m/Salt (2019)/salt.mkv", False),
        (RequestItem(SHOW, {}, "Nine"), "/tv/Nine/Season 1/Nine S01E01.mkv", True),
        (RequestItem(SHOW, {}, ""), "//x.mkv", False),
    ],
)
def test_which_request_a_file_is_for(item: RequestItem, path: str, is_it: bool) -> None:
    assert about(item, path) is is_it


async def test_a_request_on_its_way(tmp_path: Path) -> None:
    simulator = TdarrSimulator(data_dir=tmp_path)
    wish = Tracked("r1", RequestItem(MOVIE, FILM.ids, FILM.title, FILM.year), "radarr")
    nobody = Tracked("r2", RequestItem(MOVIE, {}, "Nobody Has This", 1950), "radarr")
    async with running(simulator), connected(TdarrStatus, simulator) as status:
        told = await look(status.client, [wish, nobody])
    assert told.keys() == {"r1"}
    assert (told["r1"].state, told["r1"].progress) == (StageState.ACTIVE, 0.615)


@pytest.mark.medianest("tdarr")
async def test_the_card_is_for_admins(medianest: TestPortal, tmp_path: Path) -> None:
    medianest.keeps_secret(KEY)
    (tdarr,) = await medianest.simulated(TdarrSimulator, tmp_path / "tdarr")
    assert tdarr.ready, tdarr.reason
    root, ann = await medianest.person("admin"), await medianest.person("user")
    card = await root.client.get("/fragments/card/tdarr:workers")
    assert card.status_code == 200 and "attic" in card.text
    assert (await ann.client.get("/fragments/card/tdarr:workers")).status_code in (403, 404)
