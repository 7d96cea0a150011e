"""Who takes a request where nobody chooses."""

from __future__ import annotations

from medianest_core.domain.requests.entries import Profile
from medianest_core.host.states import InstanceState
from medianest_core.sdk.requests import RequestBackend
from tests.fakes.requests import FakeBackend, FakeSeerr
from tests.integration.requests.conftest import ADMIN, ANN, MATRIX, Bench, show


async def fetcher(bench: Bench, name: str = "fetcher", *kinds: str) -> FakeSeerr:
    """A service that knows titles and no people; it was set up first."""
    found = FakeSeerr(takes=frozenset(kinds or {"movie", "show", "season", "episode"}))
    bench.instances.providers = {name: {}, **bench.instances.providers}
    bench.instances.add(name, RequestBackend, FakeBackend(name, found))
    return found


async def test_who_knows_people_takes_it_before_who_only_fetches(bench: Bench) -> None:
    behind = await fetcher(bench)
    request_id = await bench.approved()
    assert (await bench.until(request_id, "processing")).instance_id == "seerr"
    assert not behind.created()


async def test_it_waits_for_that_one_rather_than_going_round_it(bench: Bench) -> None:
    behind = await fetcher(bench)
    await bench.state_of("seerr", InstanceState.RETRYING)
    request_id = await bench.approved()
    held = await bench.until(request_id, "held")
    assert "Seerr" in held.reason and held.held_by == "backend"
    await bench.state_of("seerr", InstanceState.READY)
    assert (await bench.until(request_id, "processing")).instance_id == "seerr"
    assert not behind.created() and len(bench.seerr.created()) == 1


async def test_what_it_does_not_take_goes_to_who_does(bench: Bench) -> None:
    behind = await fetcher(bench)
    bench.seerr.takes = frozenset({"movie", "show", "season"})
    made = await bench.ask(ANN, show(episodes=((1, 2),)))
    await bench.requests.approve(ADMIN, made.id)
    assert (await bench.until(made.id, "processing")).instance_id == "fetcher"
    assert behind.created()


async def test_a_plugin_and_a_profile_come_before_that(bench: Bench) -> None:
    await fetcher(bench)
    bench.deciders.choice = "fetcher"
    first = await bench.approved()
    assert (await bench.until(first, "processing")).instance_id == "fetcher"
    bench.deciders.choice = None
    profile = Profile("", "Straight", kinds=("show",), instance_id="fetcher", preferred=True)
    await bench.requests.put_profile(profile, ADMIN.id)
    second = await bench.approved(ANN, show())
    assert (await bench.until(second, "processing")).instance_id == "fetcher"
    rows = {(one.kind, one.variant): one for one in await bench.requests.takers()}
    assert (rows["show", ""].by, rows["show", ""].profile) == ("profile", "Straight")
    assert [one[0] for one in rows["movie", ""].services] == ["seerr"] and rows["movie", ""].by == "people"


async def test_those_that_only_fetch_stand_in_for_each_other(bench: Bench) -> None:
    bench.instances.remove("seerr")
    first, second = await fetcher(bench, "one"), await fetcher(bench, "two")
    await bench.state_of("two", InstanceState.RETRYING)
    request_id = await bench.approved(ANN, MATRIX)
    assert (await bench.until(request_id, "processing")).instance_id == "one"
    assert first.created() and not second.created()
    rows = {(one.kind, one.variant): one for one in await bench.requests.takers()}
    assert rows["movie", ""].by == "order"
    assert [(one[0], one[2]) for one in rows["movie", ""].services] == [("two", False), ("one", True)]
