"""The contract of the status, which requests a download is for, and the card and stage in a portal."""

from __future__ import annotations

from pathlib import Path

import pytest

from medianest_core.sdk import MOVIE, SHOW, RequestItem, StageState, Tracked
from medianest_core.testing.connecting import connected
from medianest_core.testing.contracts import StatusContract
from medianest_core.testing.portal import TestPortal
from medianest_core.testing.simulators import running
from medianest_core.testing.world.titles import elsewhere
from medianest_sabnzbd.client import Slot
from medianest_sabnzbd.simulator import KEY, SabnzbdSimulator
from medianest_sabnzbd.stage import about, look, resume
from medianest_sabnzbd.status import SabnzbdStatus

FIRST = elsewhere(MOVIE)[0]
WISH = Tracked("r1", RequestItem(MOVIE, FIRST.ids, FIRST.title, FIRST.year), "radarr")


class TestStatus(StatusContract):
    provider = SabnzbdStatus
    simulator = SabnzbdSimulator


@pytest.mark.parametrize(
    ("item", "release", "is_it"),
    [
        (RequestItem(MOVIE, {}, "Salt & Iron", 2019), "Salt.Iron.2019.2160p.BluRay-X", True),
        (RequestItem(MOVIE, {}, "Salt & Iron", 2019), "Salt.Iron.2003.720p-X", False),
        (RequestItem(MOVIE, {}, "Café", None), "Cafe.1999.1080p-X", True),
        (RequestItem(MOVIE, {}, "", 2019), "2019.1080p-X", False),
        (RequestItem(SHOW, {}, "Nine", seasons=(2,)), "Nine.S02E03.1080p-X", True),
        (RequestItem(SHOW, {}, "Nine", seasons=(2,)), "Nine.S03.1080p-X", False),
        (RequestItem(SHOW, {}, "Nine"), "Nine.2019.1080p-X", False),
    ],
)
def test_which_request_a_download_is_for(item: RequestItem, release: str, is_it: bool) -> None:
    assert about(item, release) is is_it


@pytest.mark.parametrize(
    ("text", "seconds"), [("0:16:44", 1004.0), ("1:00:00:01", 86_401.0), ("0:00:00", None), ("", None)]
)
def test_what_is_left(text: str, seconds: float | None) -> None:
    assert Slot(nzo_id="1", filename="x", status="Queued", timeleft=text).seconds_left == seconds


async def test_a_request_on_its_way(tmp_path: Path) -> None:
    simulator = SabnzbdSimulator(data_dir=tmp_path)
    nobody = Tracked("r2", RequestItem(MOVIE, {}, "Nobody Has This", 1950), "radarr")
    async with running(simulator), connected(SabnzbdStatus, simulator) as status:
        told = await look(status.client, [WISH, nobody])
        assert told.keys() == {"r1"} and told["r1"].state is StageState.ACTIVE and told["r1"].progress == 0.4
        simulator.paused = True
        stuck = (await look(status.client, [WISH]))["r1"]
        assert stuck.state is StageState.STUCK and stuck.actions == ("resume",)
        await resume(status.client, WISH)
        assert not simulator.paused and simulator.ledger.facts("resume")


@pytest.mark.medianest("sabnzbd")
async def test_the_card(medianest: TestPortal, tmp_path: Path) -> None:
    medianest.keeps_secret(KEY)
    (sabnzbd,) = await medianest.simulated(SabnzbdSimulator, tmp_path / "sabnzbd")
    assert sabnzbd.ready, sabnzbd.reason
    ann = await medianest.person("user")
    card = await ann.client.get("/fragments/card/sabnzbd:queue")
    assert card.status_code == 200 and FIRST.title.split()[0] in card.text
