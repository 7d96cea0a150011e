"""A request reaches its backend exactly once, whatever dies in between."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import update

from medianest_core.domain.requests.sending import SUBMIT_JOB
from medianest_core.domain.requests.states import NotPossible
from medianest_core.host.states import InstanceState
from medianest_core.jobs.worker import Worker
from medianest_core.sdk.errors import AuthFailed, InvalidResponse, NotReady, RateLimited, Rejected
from medianest_core.sdk.requests import BackendUser, RequestBackend, RequestStatus
from medianest_core.store.tables.accounts import identities
from medianest_core.store.tables.ledger import jobs
from medianest_core.store.tables.requests import requests
from tests.fakes.requests import FakeBackend, FakeSeerr, FullBackend
from tests.integration.requests.conftest import ADMIN, ANN, MATRIX, Bench, show


async def test_an_approved_request_is_sent_once(bench: Bench) -> None:
    request_id = await bench.approved()
    found = await bench.until(request_id, "processing")
    assert (found.instance_id, found.reference) == ("seerr", "r1")
    assert bench.seerr.effects == [("created", "r1")]
    assert bench.seerr.calls[0] == "find", "it looked before it sent"
    assert await bench.steps(request_id) == [
        ("pending", "policy"),
        ("approved", "person"),
        ("submitting", "system"),
        ("processing", "backend:seerr"),
    ]


@pytest.mark.parametrize("error", [NotReady("no answer"), InvalidResponse("half an answer")])
async def test_a_backend_that_dies_before_it_answers_has_one_request(bench: Bench, error: Exception) -> None:
    bench.seerr.after.append(error)
    request_id = await bench.approved()
    await bench.until(request_id, "processing")
    assert bench.seerr.effects == [("created", "r1")]
    assert bench.seerr.calls.count("submit") == 1


async def test_what_arrives_after_the_answer_was_lost_is_found(bench: Bench) -> None:
    bench.seerr.late = True
    bench.seerr.after.append(NotReady("no answer"))
    request_id = await bench.approved()
    await bench.eventually(lambda: bench.seerr.underway)
    bench.seerr.late = False
    bench.seerr.arrive()
    await bench.until(request_id, "processing")
    assert bench.seerr.effects == [("created", "r1")]


async def test_what_surely_never_arrived_is_sent_again(bench: Bench) -> None:
    bench.seerr.before += [NotReady("no connection"), NotReady("no connection")]
    request_id = await bench.approved()
    await bench.until(request_id, "processing")
    assert bench.seerr.effects == [("created", "r1")]
    calls = [one for one in bench.seerr.calls if one in ("find", "submit")]
    assert calls == ["find", "submit"] * 3


async def test_a_backend_that_dies_and_stays_away_holds_the_request(bench: Bench) -> None:
    bench.seerr.after.append(NotReady("no answer"))
    bench.seerr.finds += []

    async def dies() -> None:
        bench.seerr.down = NotReady("It does not answer.")

    bench.seerr.on_submit = dies
    request_id = await bench.approved()
    found = await bench.until(request_id, "held")
    assert found.held_by == "backend" and "does not answer" in found.reason
    assert not found.needs_decision
    bench.seerr.down = bench.seerr.on_submit = None
    await bench.state_of("seerr", InstanceState.READY)
    await bench.until(request_id, "processing")
    assert bench.seerr.effects == [("created", "r1")]


async def test_what_is_there_already_is_adopted(bench: Bench) -> None:
    bench.seerr.create(MATRIX.item(), "")
    request_id = await bench.approved()
    assert (await bench.until(request_id, "processing")).reference == "r1"
    assert "submit" not in bench.seerr.calls


async def test_a_request_that_waits_for_approval_there_is_approved(bench: Bench) -> None:
    bench.seerr.first_status = RequestStatus.PENDING
    request_id = await bench.approved()
    await bench.until(request_id, "processing")
    assert bench.seerr.effects == [("created", "r1"), ("approved", "r1")]


async def test_nobody_is_there_to_take_it(bench: Bench) -> None:
    bench.instances.states["seerr"] = InstanceState.RETRYING
    request_id = await bench.approved()
    found = await bench.until(request_id, "held")
    assert found.reason and bench.seerr.calls == []
    await bench.state_of("seerr", InstanceState.READY)
    await bench.until(request_id, "processing")
    assert bench.seerr.created() == ["r1"]
    assert ("held", "system") in await bench.steps(request_id)


async def test_a_round_of_asking_sends_on_what_waits(bench: Bench) -> None:
    bench.instances.states["seerr"] = InstanceState.RETRYING
    request_id = await bench.approved()
    await bench.until(request_id, "held")
    bench.instances.states["seerr"] = InstanceState.READY
    assert (await bench.poll()).result["resumed"] == 1
    await bench.until(request_id, "processing")


async def test_the_next_backend_is_asked(bench: Bench) -> None:
    other = FakeSeerr()
    bench.instances.add("other", RequestBackend, FullBackend("other", other))
    bench.seerr.before.append(AuthFailed("The key is wrong."))
    request_id = await bench.approved()
    found = await bench.until(request_id, "processing")
    assert found.instance_id == "other" and other.created() == ["r1"]
    assert bench.seerr.effects == []


async def test_a_plugin_chooses_the_backend(bench: Bench) -> None:
    other = FakeSeerr()
    bench.instances.add("other", RequestBackend, FakeBackend("other", other))
    bench.deciders.choice = "other"
    assert (await bench.until(await bench.approved(), "processing")).instance_id == "other"
    assert bench.seerr.calls == []


async def test_an_ambiguous_answer_is_never_cleared_up_elsewhere(bench: Bench) -> None:
    other = FakeSeerr()
    bench.instances.add("other", RequestBackend, FullBackend("other", other))
    bench.seerr.after.append(NotReady("no answer"))
    bench.seerr.finds.clear()
    await bench.until(await bench.approved(), "processing")
    assert bench.seerr.created() == ["r1"] and other.effects == []


async def test_a_refused_key_or_too_many_calls_holds(bench: Bench) -> None:
    for error in (AuthFailed("The key is wrong."), RateLimited("Slow down.", 1.0)):
        bench.seerr.before.append(error)
    request_id = await bench.approved()
    assert "The key is wrong." in (await bench.until(request_id, "held")).reason
    await bench.requests.retry(ADMIN, request_id)
    assert "Slow down." in (await bench.until(request_id, "held")).reason
    await bench.requests.retry(ADMIN, request_id)
    await bench.until(request_id, "processing")
    assert bench.seerr.effects == [("created", "r1")]


async def test_a_no_fails_it_and_it_can_be_tried_again(bench: Bench) -> None:
    bench.seerr.before.append(Rejected("The quota is used up."))
    request_id = await bench.approved()
    assert (await bench.until(request_id, "failed")).reason == "The quota is used up."
    again = await bench.requests.retry(ADMIN, request_id)
    assert again is not None
    await bench.until(request_id, "processing")
    assert bench.seerr.created() == ["r1"]
    await bench.floor.bus.drain()
    assert "request.failed" in await bench.inbox(ANN)


async def test_a_mistake_of_the_plugin_fails_it(bench: Bench) -> None:
    from medianest_core.host.errors import PluginFault

    bench.seerr.after.append(PluginFault("The plugin made a mistake."))
    request_id = await bench.approved()
    await bench.until(request_id, "failed")
    await bench.requests.retry(ADMIN, request_id)
    await bench.until(request_id, "processing")
    assert bench.seerr.created() == ["r1"], "it was there, and was found"


async def test_cancelled_while_it_was_sent_is_withdrawn(bench: Bench) -> None:
    made = await bench.ask(ANN)

    async def cancelled() -> None:
        assert await bench.requests.cancel(ANN, made.id) is not None

    bench.seerr.on_submit = cancelled
    await bench.requests.approve(ADMIN, made.id)
    await bench.eventually(lambda: ("cancelled", "r1") in bench.seerr.effects)
    await bench.idle()
    assert bench.seerr.held == {}
    assert (await bench.until(made.id, "cancelled")).state == "cancelled"


async def test_cancelled_after_the_answer_was_lost_is_withdrawn(bench: Bench) -> None:
    made = await bench.ask(ANN)

    async def cancelled() -> None:
        await bench.requests.cancel(ANN, made.id)

    bench.seerr.on_submit = cancelled
    bench.seerr.late = True
    bench.seerr.after.append(NotReady("no answer"))
    await bench.requests.approve(ADMIN, made.id)
    await bench.eventually(lambda: bench.seerr.underway)
    bench.seerr.arrive()
    await bench.eventually(lambda: bench.seerr.effects == [("created", "r1"), ("cancelled", "r1")])


async def test_withdrawing_waits_for_a_backend_that_is_away(bench: Bench) -> None:
    request_id = await bench.approved()
    await bench.until(request_id, "processing")
    bench.seerr.down = NotReady("away")
    await bench.requests.cancel(ANN, request_id)
    await bench.eventually(lambda: "cancel" in bench.seerr.calls)
    bench.seerr.down = None
    await bench.eventually(lambda: bench.seerr.held == {})


async def test_a_cancelled_request_is_never_sent(bench: Bench) -> None:
    bench.instances.states["seerr"] = InstanceState.RETRYING
    request_id = await bench.approved()
    await bench.until(request_id, "held")
    await bench.requests.cancel(ANN, request_id)
    await bench.state_of("seerr", InstanceState.READY)
    await bench.poll()
    await bench.idle()
    assert bench.seerr.effects == []


async def test_it_is_sent_as_the_person_that_the_backend_knows(bench: Bench) -> None:
    async with bench.floor.db.begin() as tx:
        await tx.execute(
            identities.insert().values(
                id="i1",
                user_id=ANN.id,
                provider="plex",
                subject="42",
                username="ann",
                created_at=0,
                checked_at=0,
            )
        )
    bench.seerr.people = [BackendUser("7", "Ann", identities={"plex": "42"}), BackendUser("8", "Bob")]
    await bench.until(await bench.approved(), "processing")
    assert bench.seerr.held["r1"][1] == "7"


async def test_two_workers_at_once_send_it_once(bench: Bench) -> None:
    request_id = await bench.approved()
    await asyncio.gather(*(bench.poll() for _ in range(3)))
    await bench.until(request_id, "processing")
    await bench.idle()
    assert bench.seerr.created() == ["r1"]


async def test_a_season_goes_to_a_backend_that_only_knows_shows(bench: Bench) -> None:
    bench.seerr.takes = frozenset({"show"})
    await bench.until(await bench.approved(wish=show(seasons=(2, 1))), "processing")
    item, _ = bench.seerr.held["r1"]
    assert (item.kind, list(item.seasons)) == ("show", [1, 2])


async def test_a_worker_that_lost_its_job_writes_nothing(bench: Bench) -> None:
    """It was frozen past its lease while it sent; another one takes over, looks, and finds."""

    async def frozen() -> None:
        bench.seerr.on_submit = None
        async with bench.floor.db.begin() as tx:
            await tx.execute(
                update(jobs)
                .where(jobs.c.name == SUBMIT_JOB, jobs.c.state == "leased")
                .values(state="queued", fence=jobs.c.fence + 1, worker=None, lease_until=None, send_at=0.0)
            )

    bench.seerr.on_submit = frozen
    request_id = await bench.approved()
    await bench.until(request_id, "processing")
    await bench.idle()
    assert bench.seerr.effects == [("created", "r1")]
    steps = [state for state, _ in await bench.steps(request_id)]
    assert steps == ["pending", "approved", "submitting", "processing"]


async def test_a_worker_that_ends_while_it_sends(bench: Bench) -> None:
    bench.seerr.on_submit = asyncio.Event().wait
    request_id = await bench.approved()
    await bench.eventually(lambda: bench.seerr.created())
    await bench.floor.worker.stop()
    bench.seerr.on_submit = None
    worker = Worker(bench.floor.db, bench.floor.ledger, bench.floor.registry, bench.floor.bus)
    await worker.start()
    try:
        await bench.until(request_id, "processing")
    finally:
        await worker.stop()
    assert bench.seerr.effects == [("created", "r1")]


async def test_a_request_whose_job_was_cancelled_is_found_again(bench: Bench) -> None:
    bench.seerr.finds += [NotReady("away")]
    request_id = await bench.approved()
    await bench.until(request_id, "held")
    async with bench.floor.db.begin() as tx:
        await tx.execute(
            update(requests)
            .where(requests.c.id == request_id)
            .values(state="approved", held_by="", changed_at=0.0)
        )
    assert (await bench.poll()).result["resumed"] == 1
    await bench.until(request_id, "processing")


async def test_what_was_asked_for_anew_is_not_tried_again(bench: Bench) -> None:
    bench.seerr.before.append(Rejected("No."))
    request_id = await bench.approved()
    await bench.until(request_id, "failed")
    await bench.ask(ANN)
    with pytest.raises(NotPossible):
        await bench.requests.retry(ADMIN, request_id)
    assert (await bench.until(request_id, "failed")).reason == "No."
