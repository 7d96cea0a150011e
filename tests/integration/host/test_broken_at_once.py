"""All broken plugins in one portal: each is told of with its reason, and neither the portal nor a sound plugin suffers."""

from __future__ import annotations

import html
import multiprocessing
import re
from concurrent.futures import ProcessPoolExecutor

import pytest

from medianest_core.host.states import PluginState
from medianest_core.ledger.states import JobState
from tests.broken_plugins.at_start import AT_START
from tests.broken_plugins.at_work import AGAIN, AT_STARTUP, AT_WORK, GOOD
from tests.broken_plugins.distribution import Broken
from tests.broken_plugins.evidence import PLACES, Evidence, collect, named

pytestmark = [pytest.mark.full, pytest.mark.timeout(600)]
PAGE_FAULTS = {
    "raises": "ValueError: a fault of raises",
    "exits": "The code called for the end of the process",
    "cancels": "the code cancelled itself",
    "garbage": "answered with object",
    "hangs_later": "No answer within",
    "swallows": "No answer within",
}


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    # In a process of its own, as a portal has: what other tests left in this one changes nothing.
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as alone:
        return alone.submit(collect, tmp_path_factory.mktemp("broken")).result()


def shown(page: str) -> str:
    """The words of a page."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


@pytest.mark.parametrize("broken", AT_START, ids=lambda one: one.name)
def test_found_out_before_it_runs(evidence: Evidence, broken: Broken) -> None:
    name = named(broken)
    info, row = evidence.infos[name], evidence.listed[name]
    assert (info.state, row["state"]) == (broken.state, broken.state.value), (info.reason, row)
    for said in (info.reason, row["reason"], shown(evidence.pages[name]), shown(evidence.overview)):
        assert broken.reason in said, said


@pytest.mark.parametrize("broken", AT_STARTUP, ids=lambda one: one.name)
def test_it_goes_wrong_when_it_starts(evidence: Evidence, broken: Broken) -> None:
    assert evidence.infos[broken.name].state is PluginState.ACTIVE
    where, _, text = broken.reason.partition("): ")
    page = shown(evidence.pages[broken.name])
    assert where.strip("(") in page and text in page
    # The newest stands there; on a busy machine that may be another one.
    for said in (shown(evidence.overview), evidence.listed[broken.name]["reason"]):
        assert "It works, but made a mistake (" in said


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", PAGE_FAULTS)
def test_a_page_a_route_a_card_or_a_slot_fails_alone(evidence: Evidence, kind: str, place: str) -> None:
    status, text = evidence.answers[kind, place]
    if kind == "garbage" and place in ("page", "route"):
        assert "answered with object" in shown(evidence.pages[kind])
    assert status == (502 if place in ("page", "route") else 200)
    assert f"Title of {kind} cannot show this now" in shown(text)
    told = shown(evidence.pages[kind])
    assert PLACES[place].format(name=kind) in told and PAGE_FAULTS[kind] in told


@pytest.mark.parametrize("kind", ["raises", "exits", "cancels", "hangs_later", "swallows"])
def test_a_listener_fails_alone(evidence: Evidence, kind: str) -> None:
    assert f"listener {kind}:happened" in shown(evidence.pages[kind])


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("raises", "answered with something that is not understood"),
        ("exits", "tried to end the process"),
        ("cancels", "made a mistake"),
        ("garbage", "in the answer of Status, all of it must be Snapshot, not object"),
        ("hangs_later", "No answer within"),
        ("swallows", "No answer within"),
    ],
)
def test_a_provider_fails_alone(evidence: Evidence, kind: str, reason: str) -> None:
    state, why = evidence.instances[kind]
    assert state in ("retrying", "suspended") and reason in why
    assert evidence.instances[GOOD.name] == ("ready", "")


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        ("raises", JobState.FAILED),
        ("exits", JobState.FAILED),
        ("cancels", JobState.FAILED),
        ("garbage", JobState.FAILED),
        ("hangs_later", JobState.CANCELLED),
        ("swallows", JobState.CANCELLED),
        ("leaks", JobState.DONE),
        (GOOD.name, JobState.DONE),
    ],
)
def test_a_job_fails_alone(evidence: Evidence, kind: str, state: JobState) -> None:
    assert evidence.jobs[kind].state == state
    assert (f"job {kind}.work" in shown(evidence.pages[kind])) is (state is JobState.FAILED)


@pytest.mark.parametrize("place", ["page", "card"])
def test_who_blocks_the_loop_is_named_with_its_line(evidence: Evidence, place: str) -> None:
    assert evidence.answers["blocks", place][0] == 200
    line = next(
        number
        for number, text in enumerate(AT_WORK["blocks"].source.splitlines(), 1)
        if "released.wait(60)" in text
    )
    assert re.search(
        rf"held up the whole portal at \S+broken_blocks/__init__.py:{line}\.", shown(evidence.pages["blocks"])
    )


def test_who_blocks_it_again_and_again_is_set_aside(evidence: Evidence) -> None:
    assert evidence.infos[AGAIN.name].state is PluginState.SUSPENDED
    assert evidence.listed[AGAIN.name]["state"] == "suspended"
    for said in (shown(evidence.overview), evidence.listed[AGAIN.name]["reason"]):
        assert "tried once more" in said and "broken_blocks_again/__init__.py:12" in said
    assert evidence.answers[AGAIN.name, "page"][0] == 404


def test_forgotten_tasks_are_counted(evidence: Evidence) -> None:
    assert "It has more than 200 tasks running" in shown(evidence.pages["leaks"])


def test_the_sound_one_works_to_the_end(evidence: Evidence) -> None:
    assert evidence.infos[GOOD.name].state is PluginState.ACTIVE
    assert evidence.listed[GOOD.name]["state"] == "active"
    told = shown(evidence.pages[GOOD.name])
    assert not [place for place in PLACES.values() if place.format(name=GOOD.name) in told]
    assert {place: status for place, (status, _) in evidence.good.items()} == dict.fromkeys(PLACES, 200)
    assert (
        "The inside of good" in evidence.good["card"][1] and "The inside of good" in evidence.good["slot"][1]
    )


def test_safe_mode_takes_a_password(evidence: Evidence) -> None:
    status, text = evidence.safe["wrong: answer"]
    assert status == 422 and "This is not your password." in shown(text)
    assert evidence.safe["wrong: /p/good/page"][0] == 200
    assert "Start safe mode" in shown(evidence.safe["wrong: /admin/plugins"][1])


def test_safe_mode_stops_every_plugin_and_says_so(evidence: Evidence) -> None:
    assert evidence.safe["on: answer"][0] == 303
    assert evidence.safe["on: /p/good/page"][0] == 404
    for path in ("/", "/admin/plugins"):
        status, text = evidence.safe[f"on: {path}"]
        assert status == 200 and "Safe mode: only what is built in runs." in shown(text)
    page = shown(evidence.safe["on: /admin/plugins"][1])
    assert "End safe mode" in page and "The portal runs in safe mode." in page


def test_safe_mode_ends(evidence: Evidence) -> None:
    assert evidence.safe["off: answer"][0] == 303
    assert evidence.safe["off: /p/good/page"][0] == 200
    assert "Safe mode: only" not in shown(evidence.safe["off: /"][1])


def test_the_portal_ends_by_itself(evidence: Evidence) -> None:
    assert evidence.ended
