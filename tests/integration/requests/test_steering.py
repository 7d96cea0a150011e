"""What people do with requests, and what they may not."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from medianest_core.bus.events import RequestUpdate
from medianest_core.domain.requests.errors import Denied
from medianest_core.domain.requests.issues import Complaint
from medianest_core.domain.requests.service import Requests
from medianest_core.domain.requests.states import NotPossible
from medianest_core.domain.requests.wishes import Wish
from medianest_core.sdk.errors import NotReady, UserError
from medianest_core.sdk.requests import Issue, RequestOption, RequestStatus
from medianest_core.sdk.routes import Viewer
from medianest_core.store.errors import Stale
from medianest_core.store.tables.system import audit
from tests.fakes.requests import FullBackend
from tests.integration.requests.conftest import ADMIN, ANN, BOB, MATRIX, Bench, film

Act = Callable[[Requests, Viewer, str], Awaitable[Any]]
ACTS: dict[str, Act] = {
    "get": lambda r, v, i: r.get(v, i),
    "detail": lambda r, v, i: r.detail(v, i),
    "cancel": lambda r, v, i: r.cancel(v, i),
    "follow": lambda r, v, i: r.follow(v, i),
    "unfollow": lambda r, v, i: r.unfollow(v, i),
    "comment": lambda r, v, i: r.comment(v, i, "Hello"),
    "remove_comment": lambda r, v, i: r.remove_comment(v, i, "c"),
}
FOR_ADMINS: dict[str, Act] = {
    "approve": lambda r, v, i: r.approve(v, i),
    "decline": lambda r, v, i: r.decline(v, i, "no"),
    "retry": lambda r, v, i: r.retry(v, i),
    "remove": lambda r, v, i: r.remove(v, i),
    "follow for others": lambda r, v, i: r.follow(v, i, BOB.id),
}


async def test_what_is_someone_elses_does_not_exist(bench: Bench) -> None:
    made = await bench.ask(ANN)
    for name, act in ACTS.items():
        assert not await act(bench.requests, BOB, made.id), name
    assert (await bench.requests.list(BOB, everyone=True)).items == []
    assert (await bench.requests.list(BOB, user_id=ANN.id)).items == []
    assert (await bench.requests.counts(BOB, everyone=True))["pending"] == 0
    assert (await bench.requests.get(ANN, made.id)) == made, "and nothing happened to it"


async def test_what_is_for_admins(bench: Bench) -> None:
    made = await bench.ask(ANN)
    for name, act in FOR_ADMINS.items():
        with pytest.raises(Denied):
            await act(bench.requests, ANN, made.id)
        if name != "retry":
            assert not await act(bench.requests, ADMIN, "no-such-request"), name


async def test_declined_with_a_reason(bench: Bench) -> None:
    made = await bench.ask(ANN)
    found = await bench.requests.decline(ADMIN, made.id, " We have the book. ", version=made.version)
    assert found is not None and (found.state, found.reason) == ("declined", "We have the book.")
    await bench.floor.bus.drain()
    inbox = (await bench.notify.inbox(ANN.id)).items
    assert [(one.kind, one.body) for one in inbox] == [("request.declined", "We have the book.")]
    with pytest.raises(NotPossible):
        await bench.requests.approve(ADMIN, made.id)
    timeline = (await bench.detail(made.id)).timeline
    assert timeline[-1].by is not None and timeline[-1].by.name == "Root"
    async with bench.floor.db.read() as tx:
        rows = await tx.all(select(audit.c.action, audit.c.actor))
    assert [(row["action"], row["actor"]) for row in rows] == [("requests.declined", ADMIN.id)]


async def test_a_stale_version_is_refused_and_twice_the_same_is_not(bench: Bench) -> None:
    made = await bench.ask(ANN)
    with pytest.raises(Stale) as stale:
        await bench.requests.approve(ADMIN, made.id, version=made.version - 1)
    assert stale.value.current["state"] == "pending"
    one = await bench.requests.approve(ADMIN, made.id, version=made.version)
    two = await bench.requests.approve(ADMIN, made.id)
    assert one is not None and two is not None
    async with bench.floor.db.read() as tx:
        assert len(await tx.all(select(audit.c.action))) == 1, "it was done once"
    await bench.until(made.id, "processing")
    await bench.idle()
    assert bench.seerr.created() == ["r1"]
    assert [after for after, _ in await bench.steps(made.id)].count("approved") == 1


async def test_approved_with_other_options(bench: Bench) -> None:
    made = await bench.ask(ANN)
    options = await bench.requests.options("movie")
    assert [one.name for one in options["seerr"]] == ["quality"]
    assert isinstance(options["seerr"][0], RequestOption)
    bench.seerr.down = NotReady("away")
    assert await bench.requests.options("movie") == {"seerr": ()}
    bench.seerr.down = None
    await bench.requests.approve(ADMIN, made.id, instance_id="seerr", options={"quality": "2"})
    await bench.until(made.id, "processing")
    assert dict(bench.seerr.held["r1"][0].options) == {"quality": "2"}


async def test_whoever_leaves_hands_it_on(bench: Bench) -> None:
    made = await bench.ask(ANN)
    await bench.requests.submit(BOB, MATRIX)
    assert await bench.requests.cancel(ANN, made.id) is None, "it is no longer hers"
    found = await bench.requests.get(BOB, made.id)
    assert found is not None and found.state == "pending" and found.participants == 1
    assert found.user is not None and found.user.id == BOB.id
    with pytest.raises(NotPossible):
        await bench.requests.unfollow(BOB, made.id)
    last = await bench.requests.cancel(BOB, made.id, "Seen it.")
    assert last is not None and (last.state, last.reason) == ("cancelled", "Seen it.")


async def test_someone_who_only_follows_cannot_cancel(bench: Bench) -> None:
    made = await bench.ask(ANN)
    await bench.requests.follow(ADMIN, made.id, BOB.id)
    assert await bench.requests.cancel(BOB, made.id) is None
    found = await bench.requests.get(ANN, made.id)
    assert found is not None and found.state == "pending" and found.participants == 1
    with pytest.raises(UserError):
        await bench.requests.follow(ADMIN, made.id, "nobody")


async def test_an_admin_cancels_for_all_and_removes(bench: Bench) -> None:
    request_id = await bench.approved()
    await bench.until(request_id, "processing")
    await bench.requests.submit(BOB, MATRIX)
    assert await bench.requests.remove(ADMIN, request_id) is True
    assert await bench.requests.get(ADMIN, request_id) is None
    await bench.eventually(lambda: bench.seerr.held == {})
    await bench.floor.bus.drain()
    assert bench.told(BOB.id)[-1] == "cancelled"


async def test_a_thread(bench: Bench) -> None:
    made = await bench.ask(ANN)
    assert await bench.requests.comment(ANN, made.id, "  The long version, please. ") is not None
    detail = await bench.requests.comment(ADMIN, made.id, "Of course.")
    assert detail is not None
    assert [(one.by.name if one.by else "", one.text) for one in detail.comments] == [
        ("Ann", "The long version, please."),
        ("Root", "Of course."),
    ]
    with pytest.raises(UserError):
        await bench.requests.comment(ANN, made.id, " ")
    await bench.floor.bus.drain()
    assert await bench.inbox(ANN) == ["request.comment"]
    assert not await bench.requests.remove_comment(ANN, made.id, detail.comments[1].id)
    assert await bench.requests.remove_comment(ANN, made.id, detail.comments[0].id)
    assert await bench.requests.remove_comment(ADMIN, made.id, detail.comments[1].id)


async def test_a_person_who_is_gone_leaves_their_request(bench: Bench) -> None:
    request_id = await bench.approved()
    await bench.until(request_id, "processing")
    async with bench.floor.db.begin() as tx:
        await tx.execute(text("DELETE FROM users WHERE id = :id"), {"id": ANN.id})
    detail = await bench.detail(request_id)
    assert detail.request.user is None and detail.people == [] and detail.request.state == "processing"
    assert (await bench.requests.list(ADMIN, everyone=True)).items[0].id == request_id


async def test_pages_and_counts(bench: Bench) -> None:
    made = [
        await bench.ask(ANN, Wish("movie", {"tmdb": str(number)}, f"Film {number}")) for number in range(7)
    ]
    await bench.requests.decline(ADMIN, made[0].id)
    await bench.ask(BOB, Wish("show", {"tvdb": "5"}, "A show"))
    for viewer, everyone, wanted in ((ANN, False, 7), (ADMIN, True, 8)):
        seen: list[str] = []
        cursor: str | None = None
        while True:
            page = await bench.requests.list(viewer, everyone=everyone, limit=3, cursor=cursor)
            seen += [one.id for one in page.items]
            if (cursor := page.next_cursor) is None:
                break
        assert len(seen) == len(set(seen)) == wanted
        assert seen[-1] == made[0].id
    counts = await bench.requests.counts(ADMIN, everyone=True)
    assert (counts["pending"], counts["declined"], counts["undecided"]) == (7, 1, 7)
    undecided = await bench.requests.list(ADMIN, everyone=True, undecided=True, kinds=["show"])
    assert [one.title for one in undecided.items] == ["A show"]
    assert [one.title for one in (await bench.requests.list(ADMIN, user_id=BOB.id)).items] == ["A show"]
    declined = await bench.requests.list(ANN, states=["declined"])
    assert [one.id for one in declined.items] == [made[0].id]
    for wrong in ({"cursor": "x"}, {"states": ["lost"]}):
        with pytest.raises(UserError):
            await bench.requests.list(ANN, **wrong)


STEPS: dict[str, Act] = {
    "approve": lambda r, v, i: r.approve(v, i),
    "decline": lambda r, v, i: r.decline(v, i, "no"),
    "cancel": lambda r, v, i: r.cancel(v, i),
    "retry": lambda r, v, i: r.retry(v, i),
}
WORDS = {
    "available": RequestStatus.AVAILABLE,
    "partial": RequestStatus.PARTIALLY_AVAILABLE,
    "failed": RequestStatus.FAILED,
    "gone": RequestStatus.GONE,
}
_numbers = itertools.count(1000)


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(st.sampled_from([*STEPS, *WORDS]), min_size=1, max_size=5))
async def test_each_change_makes_exactly_one_decision(bench: Bench, moves: list[str]) -> None:
    """Whatever people and services do in whatever order: the timeline is one walk, and ends where the request is."""
    wish = Wish("movie", {"tmdb": str(next(_numbers))}, "Any")
    made = await bench.ask(ANN if len(moves) % 2 else ADMIN, wish)
    for move in moves:
        await bench.idle()
        if move in STEPS:
            with contextlib.suppress(NotPossible):
                await STEPS[move](bench.requests, ADMIN, made.id)
            continue
        now = await bench.requests.get(ADMIN, made.id)
        if now is not None and now.reference in bench.seerr.states:
            bench.seerr.say(now.reference, WORDS[move])
            await bench.poll()
    await bench.idle()
    await bench.floor.bus.drain()
    found = await bench.detail(made.id)
    timeline = found.timeline
    assert timeline[0].before == "" and timeline[-1].after == found.request.state
    for one, following in itertools.pairwise(timeline):
        assert one.after == following.before and following.before != following.after
    heard = [
        one
        for one in bench.floor.heard
        if isinstance(one, RequestUpdate) and one.request_id == made.id and not one.user_id
    ]
    changes = [one.status for one in heard if one.status != one.previous]
    assert changes == [one.after for one in timeline]


async def test_a_report_about_a_title(bench: Bench) -> None:
    complaint = Complaint("movie", MATRIX.ids, "The Matrix", "audio", "Only in Czech.")
    with pytest.raises(UserError):
        await bench.requests.report(ANN, complaint)
    request_id = await bench.approved()
    await bench.until(request_id, "processing")
    await bench.has(film())
    await bench.until(request_id, "available")
    made = await bench.requests.report(ANN, complaint)
    assert (made.state, made.request_id) == ("open", request_id)
    await bench.eventually(lambda: ("reported", "i1") in bench.seerr.effects)
    await bench.idle()
    assert await bench.requests.issue(BOB, made.id) is None
    about = made.title_id
    assert about is not None
    assert await bench.requests.reports_about(BOB, about) == []
    assert [one.id for one in await bench.requests.reports_about(ANN, about)] == [made.id]
    own = await bench.requests.report(ADMIN, complaint)
    assert [one.id for one in await bench.requests.reports_about(ADMIN, about)] == [own.id, made.id]
    await bench.requests.resolve(ADMIN, own.id)
    assert await bench.requests.reports_about(ADMIN, about + 1) == []
    assert (await bench.requests.issues(BOB, everyone=True)).items == []
    with pytest.raises(Denied):
        await bench.requests.resolve(ANN, made.id, "I say so")
    with pytest.raises(Stale):
        await bench.requests.resolve(ADMIN, made.id, version=made.version + 7)
    done = await bench.requests.resolve(ADMIN, made.id, "Replaced.", version=made.version)
    assert done is not None and (done.state, done.answer) == ("resolved", "Replaced.")
    assert await bench.requests.reports_about(ANN, about) == []
    await bench.eventually(lambda: ("resolved", "i1") in bench.seerr.effects)
    await bench.floor.bus.drain()
    assert (await bench.inbox(ANN))[0] == "issue.resolved"
    assert "issue.open" in await bench.inbox(ADMIN)
    again = await bench.requests.resolve(ANN, made.id, again=True)
    assert again is not None and again.state == "open"
    assert [one.id for one in (await bench.requests.issues(ADMIN, everyone=True, state="open")).items] == [
        made.id
    ]


async def test_a_report_whose_answer_was_lost_is_made_once(bench: Bench) -> None:
    request_id = await bench.approved()
    await bench.until(request_id, "processing")
    await bench.has(film())
    await bench.until(request_id, "available")
    bench.seerr.after.append(NotReady("no answer"))
    await bench.requests.report(ANN, Complaint("movie", MATRIX.ids, "The Matrix", "video", "Green."))

    async def asked_again() -> bool:
        await bench.now()
        return bench.seerr.calls.count("issues") == 2

    await bench.eventually(asked_again)
    await bench.idle()
    assert [one for one in bench.seerr.effects if one[0] == "reported"] == [("reported", "i1")]


async def test_a_report_that_is_settled_while_it_is_passed_on_is_settled_there_too(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    request_id = await bench.approved()
    await bench.until(request_id, "processing")
    await bench.has(film())
    await bench.until(request_id, "available")
    passed_on = FullBackend.report
    made: list[Any] = []

    async def slow(self: FullBackend, issue: Issue, user: str) -> str:
        reference = await passed_on(self, issue, user)
        async with asyncio.timeout(20):
            while not made:
                await asyncio.sleep(0.01)
        await bench.requests.resolve(ADMIN, made[0].id)
        return reference

    monkeypatch.setattr(FullBackend, "report", slow)
    made.append(
        await bench.requests.report(ANN, Complaint("movie", MATRIX.ids, "The Matrix", "video", "Green."))
    )
    await bench.eventually(lambda: ("resolved", "i1") in bench.seerr.effects)


async def test_of_two_who_settle_a_report_at_the_same_time_one_does(bench: Bench) -> None:
    await bench.has(film())
    made = await bench.requests.report(ANN, Complaint("movie", MATRIX.ids, "The Matrix", "video", "Green."))
    settled = (bench.requests.resolve(ADMIN, made.id, f"By {name}.") for name in "abcdef")
    await asyncio.gather(*settled)
    found = await bench.requests.issue(ADMIN, made.id)
    assert found is not None and found.version == made.version + 1
