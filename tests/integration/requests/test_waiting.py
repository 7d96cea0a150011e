"""Requests and withdrawals that wait for a service, for long or for ever; and what a service itself puts an end to."""

from __future__ import annotations

from medianest_core.host.states import InstanceState
from medianest_core.sdk.errors import NotFound, NotReady
from medianest_core.sdk.requests import RequestBackend, RequestItem, RequestStatus
from tests.fakes.requests import FakeSeerr, FullBackend
from tests.integration.requests.conftest import ADMIN, ANN, Bench, show
from tests.integration.requests.test_asking import quota


async def test_what_no_service_takes_waits_in_silence(bench: Bench) -> None:
    bench.seerr.takes = frozenset({"show"})
    request_id = await bench.approved()
    await bench.until(request_id, "held")
    before, told = await bench.steps(request_id), bench.told()
    for _ in range(2):
        assert (await bench.poll()).result["resumed"] == 0
    assert await bench.steps(request_id) == before and bench.told() == told
    bench.seerr.takes = frozenset({"show", "movie"})
    await bench.poll()
    await bench.until(request_id, "processing")


async def test_what_is_refused_each_time_is_offered_less_and_less(bench: Bench) -> None:
    bench.seerr.finds += [NotFound("There is no such title.")] * 9
    request_id = await bench.approved()
    await bench.until(request_id, "held")
    for _ in range(5):
        await bench.poll()
        await bench.idle()
    assert [state for state, _ in await bench.steps(request_id)].count("held") == 2
    # A service that comes back is asked at once.
    bench.seerr.finds.clear()
    await bench.state_of("seerr", InstanceState.READY)
    await bench.until(request_id, "processing")


async def test_nothing_is_withdrawn_from_a_service_that_was_removed(bench: Bench) -> None:
    request_id = await bench.approved()
    await bench.until(request_id, "processing")
    bench.instances.remove("seerr")
    del bench.instances.states["seerr"]
    await bench.requests.cancel(ADMIN, request_id)
    await bench.idle()
    assert bench.seerr.held


async def test_a_withdrawal_that_waits_keeps_no_other_service_from_being_read(bench: Bench) -> None:
    request_id = await bench.approved()
    await bench.until(request_id, "processing")
    bench.seerr.down = NotReady("away")
    await bench.requests.cancel(ANN, request_id)
    await bench.eventually(lambda: "cancel" in bench.seerr.calls)
    other = FakeSeerr()
    other.made_there(RequestItem("movie", {"tmdb": "550"}, "Fight Club"), status=RequestStatus.PENDING)
    bench.instances.add("other", RequestBackend, FullBackend("other", other))
    await bench.poll()
    listed = await bench.requests.list(ADMIN, everyone=True, undecided=True)
    assert [one.title for one in listed.items] == ["Fight Club"]


async def test_what_a_service_declined_takes_nothing_of_the_quota(bench: Bench) -> None:
    await quota(bench, 1)
    request_id = await bench.approved()
    await bench.until(request_id, "processing")
    bench.seerr.say("r1", RequestStatus.DECLINED)
    await bench.poll()
    await bench.until(request_id, "declined")
    await bench.ask(ANN, show())
