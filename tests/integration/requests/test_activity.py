"""Requests on their way, as services tell of them: one that is down, slow or talks nonsense spoils nothing for the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from medianest_core.bus.events import RequestProgress
from medianest_core.domain.activity.entries import Step, Timeline
from medianest_core.domain.activity.service import Activity
from medianest_core.domain.requests.errors import Denied
from medianest_core.host.states import InstanceState
from medianest_core.sdk.errors import NotFound, NotReady, Rejected
from medianest_core.sdk.pipeline import StageReport, StageState
from medianest_core.sdk.requests import RequestStatus
from medianest_core.sdk.routes import Viewer
from medianest_core.store.repos import audit
from tests.fakes.activity import FakeArr, FakeServices
from tests.fakes.late import Late

from .conftest import ADMIN, ANN, BOB, Bench, show

W, A, D, S = StageState.WAITING, StageState.ACTIVE, StageState.DONE, StageState.STUCK


@dataclass
class Watch:
    bench: Bench
    services: FakeServices
    arr: FakeArr
    activity: Activity

    async def timeline(self, request_id: str, viewer: Viewer = ADMIN) -> Timeline:
        found = await self.activity.timeline(viewer, request_id)
        assert found is not None
        return found

    async def stages(self, request_id: str) -> dict[str, Step]:
        return {one.stage: one for one in (await self.timeline(request_id)).steps if one.stage}

    async def look(self) -> None:
        """One round, with those that are slow."""
        await self.activity.looking.look()

    def told(self, user_id: str = "") -> list[RequestProgress]:
        return [
            one
            for one in self.bench.floor.heard
            if isinstance(one, RequestProgress) and one.user_id == user_id
        ]


@pytest.fixture
async def watch(bench: Bench) -> AsyncIterator[Watch]:
    services = FakeServices()
    arr = services.add("radarr")
    activity = Activity(
        db=bench.floor.db,
        bus=bench.floor.bus,
        clock=bench.floor.clock,
        instances=services,
        requests=bench.requests,
        stages=services.stages,
        every=0.05,
        patience=300.0,
        deadline=60.0,
    )
    yield Watch(bench, services, arr, activity)
    await activity.stop()


async def sent(bench: Bench) -> str:
    request_id = await bench.approved()
    await bench.until(request_id, "processing")
    return request_id


async def test_from_search_to_library(watch: Watch) -> None:
    request_id = await sent(watch.bench)
    watch.arr.says = {"searched": StageReport(D, at=5.0), "downloading": StageReport(A, progress=0.43)}
    await watch.look()
    found = await watch.timeline(request_id)
    keys = [one.key for one in found.steps if one.kind != "decision"]
    assert keys == ["stage.searched", "stage.downloading", "ahead.available"]
    decided = [one.title for one in found.steps if one.kind == "decision"]
    assert decided[0] == "pending"
    assert "approved" in decided
    assert found.now is not None
    assert (found.now.stage, found.now.progress, found.now.service) == ("downloading", 0.43, "Radarr")
    assert list(found.silent) == []
    await watch.bench.floor.bus.drain()
    for user_id in ("", ANN.id):
        (told,) = watch.told(user_id)
        assert (told.request_id, told.stage, told.state, told.percent) == (
            request_id,
            "downloading",
            "active",
            43,
        )
    assert watch.told(BOB.id) == []
    await watch.look()
    await watch.bench.floor.bus.drain()
    assert len(watch.told()) == 1, "nothing new is told"
    flight = await watch.activity.in_flight(ANN)
    assert [(one.request.id, one.now and one.now.stage) for one in flight.items] == [
        (request_id, "downloading")
    ]
    assert (await watch.activity.in_flight(BOB)).items == []
    assert len((await watch.activity.in_flight(ADMIN, everyone=True)).items) == 1
    assert await watch.activity.timeline(BOB, request_id) is None
    watch.bench.seerr.say("r1", RequestStatus.AVAILABLE)
    await watch.bench.poll()
    done = await watch.timeline(request_id)
    assert done.now is None
    assert [one.title for one in done.steps][-1] == "available"
    assert all(one.state is D for one in done.steps)


async def test_nobody_is_asked_while_nothing_is_on_its_way(watch: Watch) -> None:
    await watch.bench.ask(ANN)
    await watch.look()
    assert watch.arr.asked == []


async def test_a_service_that_is_down_keeps_its_last_word(watch: Watch) -> None:
    request_id = await sent(watch.bench)
    other = watch.services.add("sonarr", "two")
    watch.arr.says = {"searched": StageReport(D), "downloading": StageReport(A, progress=0.2)}
    await watch.look()
    watch.services.states["radarr"] = InstanceState.RETRYING
    other.says = {"imported": StageReport(W, message="Soon.")}
    await watch.look()
    found = await watch.timeline(request_id)
    assert {one.stage: one.progress for one in found.steps if one.stage} == {
        "searched": None,
        "downloading": 0.2,
        "imported": None,
    }
    (silent,) = found.silent
    assert (silent.title, silent.since_at, silent.reason) == ("Radarr", 1000.0, "It does not answer.")
    assert (await watch.timeline(request_id, ANN)).silent[0].reason == "", "why is for admins"
    assert silent.answered_at is not None
    assert abs(silent.answered_at - watch.bench.floor.clock.now()) < 60
    await watch.look()
    assert (await watch.timeline(request_id)).silent == found.silent, "since when does not move"
    del watch.services.states["radarr"]
    await watch.look()
    assert list((await watch.timeline(request_id)).silent) == []


async def test_nonsense_counts_as_silence(watch: Watch) -> None:
    request_id = await sent(watch.bench)
    good = StageReport(A, progress=0.5)
    nonsense = [None, ["what?"], "<html>", {request_id: "no report"}, RuntimeError("a bug"), ValueError("x")]
    for answer in nonsense:
        watch.arr.says = {"searched": StageReport(D), "downloading": good}
        await watch.look()
        assert list((await watch.timeline(request_id)).silent) == []
        watch.arr.says = {"searched": answer, "downloading": good}
        await watch.look()
        found = await watch.timeline(request_id)
        assert [(one.stage, one.state) for one in found.steps if one.stage] == [
            ("searched", D),
            ("downloading", A),
        ]
        (silent,) = found.silent
        assert silent.reason, answer


async def test_a_slow_one_holds_up_no_other(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    request_id = await sent(watch.bench)
    slow = watch.services.add("slow", "two")
    slow.late = Late(monkeypatch, 70.0)
    watch.arr.says = {"downloading": StageReport(A, progress=0.1)}
    await watch.look()
    found = await watch.stages(request_id)
    assert found["downloading"].progress == 0.1
    # Its first answer was waited for until the deadline; after that it is not asked twice in one round.
    assert slow.asked[0] == 1
    assert len(slow.asked) <= 2
    (silent,) = [one for one in await _sources(watch) if one[0] == "slow" and one[1] == "imported"]
    assert silent[2] is not None


async def _sources(watch: Watch) -> list[tuple[str, str, float | None]]:
    from medianest_core.domain.activity import rows

    async with watch.bench.floor.db.read() as tx:
        return [(*key, one.failing_since_at) for key, one in (await rows.sources(tx)).items()]


async def test_done_is_kept_where_the_service_forgets(watch: Watch) -> None:
    request_id = await sent(watch.bench)
    watch.arr.says = {"searched": StageReport(D, at=5.0), "downloading": StageReport(A, progress=0.9)}
    await watch.look()
    watch.arr.says = {}
    await watch.look()
    assert list(await watch.stages(request_id)) == ["searched"]
    watch.arr.says = {"searched": StageReport(S, message="Nothing was found.", actions=["again"])}
    await watch.look()
    found = await watch.stages(request_id)
    assert (found["searched"].state, found["searched"].message) == (S, "Nothing was found.")


async def test_services_that_were_removed_are_forgotten(watch: Watch) -> None:
    request_id = await sent(watch.bench)
    watch.arr.says = {"searched": StageReport(S, message="Nothing was found.")}
    await watch.look()
    del watch.services.clients["radarr"]
    assert await watch.stages(request_id) == {}
    await watch.look()
    assert await _sources(watch) == []


async def test_searching_again(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    request_id = await sent(watch.bench)
    watch.arr.says = {"searched": StageReport(S, message="Nothing was found.", actions=["again", "what"])}
    await watch.look()
    (offer,) = (await watch.stages(request_id))["searched"].actions
    assert (offer.name, offer.title) == ("again", "Search again")
    (theirs,) = [one for one in (await watch.timeline(request_id, ANN)).steps if one.stage]
    assert (theirs.message, theirs.actions) == ("Nothing was found.", ()), "it is for admins to do something"
    with pytest.raises(Denied):
        await watch.activity.act(ANN, request_id, "radarr", "searched", "again")
    assert await watch.activity.act(BOB, request_id, "radarr", "searched", "again") is None
    watch.arr.gate = asyncio.Event()
    asked, get = 0, watch.bench.requests.get

    async def counted(*arguments: Any) -> Any:
        nonlocal asked
        found = await get(*arguments)
        asked += 1
        return found

    # From there on both see at once whether the other is at it.
    monkeypatch.setattr(watch.bench.requests, "get", counted)
    both = [
        asyncio.create_task(watch.activity.act(ADMIN, request_id, "radarr", "searched", "again"))
        for _ in range(2)
    ]
    async with asyncio.timeout(30):
        while asked < 2 or not watch.activity.acting:
            await asyncio.sleep(0.01)
    watch.arr.gate.set()
    assert await asyncio.gather(*both) == ["It looks for it again."] * 2
    assert watch.arr.done == [("searched", "The Matrix")], "pressed twice, done once"
    watch.arr.refuses = Rejected("No indexer is set up.")
    with pytest.raises(Rejected):
        await watch.activity.act(ADMIN, request_id, "radarr", "searched", "again")
    watch.services.states["radarr"] = InstanceState.RETRYING
    with pytest.raises(NotReady):
        await watch.activity.act(ADMIN, request_id, "radarr", "searched", "again")
    for wrong in (
        ("radarr", "searched", "sing"),
        ("radarr", "dancing", "again"),
        ("gone", "searched", "again"),
    ):
        with pytest.raises(NotFound):
            await watch.activity.act(ADMIN, request_id, *wrong)
    async with watch.bench.floor.db.read() as tx:
        rows = await audit.latest(tx, action="activity.", target=request_id)
    assert [one.details.get("failed") for one in reversed(rows)] == [
        None,
        "No indexer is set up.",
        "It does not answer.",
    ]
    assert {one.actor for one in rows} == {ADMIN.id}


async def test_it_follows_by_itself_and_only_where_it_leads(watch: Watch) -> None:
    second = FakeServices()
    idle = second.add("radarr")
    other = Activity(
        db=watch.bench.floor.db,
        bus=watch.bench.floor.bus,
        clock=watch.bench.floor.clock,
        instances=second,
        requests=watch.bench.requests,
        stages=second.stages,
        leads=lambda: False,
        every=0.05,
    )
    await watch.activity.start()
    await other.start()
    try:
        watch.arr.says = {"downloading": StageReport(A, progress=0.1)}
        request_id = await sent(watch.bench)
        await watch.bench.eventually(lambda: watch.told())
        watch.arr.says = {"downloading": StageReport(A, progress=0.7)}
        await watch.bench.eventually(lambda: [one.percent for one in watch.told()][-1:] == [70])
        read = await other.timeline(ANN, request_id)
        assert read is not None
        assert read.now is not None
        assert read.now.progress == 0.7
    finally:
        await other.stop()
    assert idle.asked == []


async def test_many_are_asked_for_together(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    from medianest_core.domain.activity import looking

    monkeypatch.setattr(looking, "TOGETHER", 2)
    one = await sent(watch.bench)
    two = await watch.bench.approved(ANN, show(seasons=(1,)))
    three = await watch.bench.approved(ANN, show(seasons=(2,)))
    for name in (two, three):
        await watch.bench.until(name, "processing")
    watch.arr.knows = lambda request: request.id != two
    watch.arr.says = {"downloading": StageReport(A, progress=0.3)}
    await watch.look()
    assert watch.arr.asked == [2, 1] * 3
    page = await watch.activity.in_flight(ANN)
    assert {item.request.id: item.now is not None for item in page.items} == {
        one: True,
        two: False,
        three: True,
    }
