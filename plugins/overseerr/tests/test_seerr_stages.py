"""How far requests are, told stage by stage."""

from __future__ import annotations

import pytest

from medianest_core.sdk import NotFound, RequestItem, StageState, Tracked
from medianest_overseerr.simulation import flow
from medianest_overseerr.stages import downloading, handed_on, retry, stages

from .seerr_kit import CASEY, Plugged, item


def tracked(seerr: Plugged, reference: str, wanted: RequestItem, name: str = "r") -> Tracked:
    return Tracked(name, wanted, "backend", reference)


async def test_from_waiting_to_available(seerr: Plugged) -> None:
    seerr.world.options.update({"process_seconds": 3600.0, "available_seconds": 3600.0})
    wanted = item(seerr.film())
    sent = await seerr.requests.submit(wanted, CASEY)
    request = tracked(seerr, sent.reference, wanted)
    report = (await handed_on(seerr.client, [request]))["r"]
    assert report.state is StageState.ACTIVE and "has not taken it over yet" in report.message
    assert await downloading(seerr.client, [request]) == {}
    flow.process(seerr.world, seerr.world.requests[int(sent.reference)])
    assert (await handed_on(seerr.client, [request]))["r"].state is StageState.DONE
    report = (await downloading(seerr.client, [request]))["r"]
    assert report.state is StageState.ACTIVE and report.ends_at is not None
    assert report.progress is not None and 0 <= report.progress < 0.5
    seerr.available(sent.reference)
    report = (await downloading(seerr.client, [request]))["r"]
    assert (report.state, report.progress) == (StageState.DONE, 1.0)


async def test_what_failed_can_be_handed_on_again(seerr: Plugged) -> None:
    seerr.world.options.process_seconds = 3600.0
    wanted = item(seerr.series(2), 1)
    sent = await seerr.requests.submit(wanted, CASEY)
    request = tracked(seerr, sent.reference, wanted)
    assert "nothing was done" in await retry(seerr.client, request)
    flow.fail(seerr.world, seerr.world.requests[int(sent.reference)])
    report = (await handed_on(seerr.client, [request]))["r"]
    assert report.state is StageState.STUCK and list(report.actions) == ["retry"] and report.message
    assert "again" in await retry(seerr.client, request)
    assert (await handed_on(seerr.client, [request]))["r"].state is StageState.ACTIVE


async def test_requests_of_other_backends_are_left_alone(seerr: Plugged) -> None:
    sent = await seerr.requests.submit(item(seerr.film()), CASEY)
    other = item(seerr.film(1))
    asked = [
        tracked(seerr, sent.reference, other, "another title with that number"),
        tracked(seerr, "4711", other, "unknown"),
        tracked(seerr, "movie:5", other, "another form"),
        tracked(seerr, "", other, "not sent yet"),
    ]
    assert await handed_on(seerr.client, asked) == {}
    with pytest.raises(NotFound):
        await retry(seerr.client, asked[0])


def test_their_names() -> None:
    assert [(stage.name, stage.service) for stage in stages()] == [
        ("handed_on", "seerr"),
        ("downloading", "seerr"),
    ]
