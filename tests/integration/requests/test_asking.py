"""Asking for a title: rules, blocklist, library, joining, quota, and what plugins say."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace

import pytest
from sqlalchemy import func, select, update

from medianest_core.domain.requests.entries import Policy, Profile
from medianest_core.domain.requests.errors import Blocked, Denied, QuotaUsed, TooManyRequests
from medianest_core.domain.requests.wishes import Wish
from medianest_core.host.decisions import Reviewed
from medianest_core.sdk.catalog import Catalog, CatalogEntry, CatalogSeason
from medianest_core.sdk.errors import NotReady, UserError
from medianest_core.sdk.pipeline import QuotaMeter
from medianest_core.sdk.requests import RequestItem, ReviewVerdict
from medianest_core.store.tables.requests import request_decisions, request_usage, requests
from tests.fakes.requests import FakeCatalog
from tests.integration.requests.conftest import (
    ADMIN,
    ANN,
    BOB,
    MATRIX,
    Bench,
    episodes,
    film,
    show,
)


def other(number: int) -> Wish:
    return Wish("movie", {"tmdb": str(number)}, f"Film {number}")


async def quota(bench: Bench, limit: float, **values: object) -> Policy:
    policy = replace(Policy("", "role", "user", quota=limit), **values)  # type: ignore[arg-type]  # the test's own values
    return await bench.requests.put_policy(policy, ADMIN.id)


async def test_a_request_waits_for_an_admin_and_both_are_told(bench: Bench) -> None:
    made = await bench.ask(ANN)
    assert (made.state, made.mine, made.participants, made.title) == ("pending", True, 1, "The Matrix")
    assert made.user is not None and made.user.name == "Ann" and made.needs_decision
    await bench.floor.bus.drain()
    assert bench.told(ANN.id) == ["pending"] and bench.told() == ["pending"]
    assert await bench.inbox(ADMIN) == ["request.pending"]
    assert await bench.inbox(ANN) == []


async def test_an_admin_needs_no_approval(bench: Bench) -> None:
    made = await bench.ask(ADMIN)
    await bench.until(made.id, "processing")
    assert (await bench.steps(made.id))[0] == ("approved", "policy")
    assert await bench.inbox(ADMIN) == []


async def test_auto_approval_for_a_person(bench: Bench) -> None:
    await bench.requests.put_policy(Policy("", "user", ANN.id, auto_approve=True), ADMIN.id)
    assert (await bench.ask(ANN)).state in ("approved", "submitting", "processing")
    assert (await bench.ask(BOB, other(5))).state == "pending"


async def test_a_second_person_joins(bench: Bench) -> None:
    made = await bench.ask(ANN)
    done = await bench.requests.submit(BOB, replace(MATRIX, ids={"imdb": "tt0133093"}, title="Matrix"))
    assert done.result == "joined" and done.request is not None and done.request.id == made.id
    assert done.request.participants == 2 and done.request.user is not None
    assert done.request.user.id == ANN.id
    again = await bench.requests.submit(BOB, MATRIX)
    assert again.result == "joined" and again.request is not None and again.request.participants == 2
    detail = await bench.requests.detail(BOB, made.id)
    assert detail is not None and [one.id for one in detail.people] == [BOB.id], "only oneself"
    assert len((await bench.detail(made.id)).people) == 2


async def test_many_who_ask_at_once_make_one_request(bench: Bench) -> None:
    done = await asyncio.gather(
        *(bench.requests.submit(who, MATRIX) for who in (ANN, BOB, ADMIN) for _ in range(3))
    )
    assert Counter(one.result for one in done) == {"created": 1, "joined": 8}
    async with bench.floor.db.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(requests)) == 1
        assert await tx.scalar(select(func.count()).select_from(request_decisions)) >= 1
    assert len({one.request.id for one in done if one.request}) == 1


async def test_another_variant_is_another_request(bench: Bench) -> None:
    await bench.requests.put_policy(Policy("", "role", "user", variant="*"), ADMIN.id)
    one = await bench.ask(ANN)
    two = await bench.ask(BOB, replace(MATRIX, variant="4k"))
    assert one.id != two.id


async def test_only_what_nobody_asked_for_is_asked_for(bench: Bench) -> None:
    one = await bench.ask(ANN, show(seasons=(1, 2)))
    done = await bench.requests.submit(BOB, show(seasons=(2, 3), episodes=((1, 4), (5, 1))))
    assert done.result == "created" and done.request is not None
    assert list(done.request.seasons) == [3] and list(done.request.episodes) == [(5, 1)]
    assert list(done.also) == [one.id]
    third = await bench.requests.submit(BOB, show(seasons=(1, 3)))
    assert third.result == "joined" and third.request is not None
    assert {third.request.id, *third.also} == {one.id, done.request.id}


async def test_a_whole_show_covers_its_seasons(bench: Bench) -> None:
    whole = await bench.ask(ANN, show())
    done = await bench.requests.submit(BOB, show(seasons=(4,)))
    assert done.result == "joined" and done.request is not None and done.request.id == whole.id


async def test_what_the_library_has_is_not_asked_for(bench: Bench) -> None:
    await bench.has(film())
    done = await bench.requests.submit(ANN, MATRIX)
    assert (done.result, done.request) == ("available", None) and done.title_id is not None
    fine = await bench.requests.submit(ADMIN, replace(MATRIX, variant="4k"))
    assert fine.result == "created", "what is there is not that fine"


async def test_what_the_library_has_that_fine_is_not_asked_for(bench: Bench) -> None:
    await bench.has(film(fields={"media": {"height": 2160, "width": 3840}}))
    assert (await bench.requests.submit(ADMIN, replace(MATRIX, variant="4k"))).result == "available"


async def test_seasons_of_the_library_are_counted(bench: Bench) -> None:
    await bench.has(*episodes(1, 3))
    seasons = (CatalogSeason(1, episodes=3), CatalogSeason(2, episodes=9))
    bench.instances.add(
        "catalog",
        Catalog,
        FakeCatalog(
            CatalogEntry("show", {"tvdb": "81189", "tmdb": "1396"}, "Breaking Bad", 2008, seasons=seasons)
        ),
    )
    done = await bench.requests.submit(ANN, show(seasons=(1, 2)))
    assert done.request is not None and list(done.request.seasons) == [2]
    assert (await bench.requests.submit(BOB, show(seasons=(1,)))).result == "available"
    assert (await bench.requests.submit(BOB, show(episodes=((1, 3),)))).result == "available"
    assert (await bench.requests.submit(BOB, show(episodes=((1, 4),)))).result == "created"


async def test_a_catalog_names_the_title_and_all_its_ids(bench: Bench) -> None:
    entry = CatalogEntry("movie", {"tmdb": "603", "imdb": "tt0133093"}, "The Matrix", 1999)
    bench.instances.add("catalog", Catalog, FakeCatalog(entry))
    made = await bench.ask(ANN, Wish("movie", {"tmdb": "603"}, "<b>Anything</b>", 1900))
    assert (made.title, made.year, made.ids) == ("The Matrix", 1999, {"tmdb": "603", "imdb": "tt0133093"})
    joined = await bench.requests.submit(BOB, Wish("movie", {"imdb": "tt0133093"}, "Matrix"))
    assert joined.result == "joined"


async def test_a_catalog_that_fails_stops_nobody(bench: Bench) -> None:
    bench.instances.add("catalog", Catalog, FakeCatalog(fail=NotReady("away")))
    assert (await bench.ask(ANN)).title == "The Matrix"


async def test_what_no_rule_allows_is_refused(bench: Bench) -> None:
    with pytest.raises(Denied):
        await bench.requests.submit(ANN, replace(MATRIX, variant="4k"))
    await bench.requests.put_policy(Policy("", "role", "user", kind="movie", allowed=False), ADMIN.id)
    with pytest.raises(Denied):
        await bench.requests.submit(ANN, MATRIX)
    assert bench.deciders.asked == [], "nobody else was asked"


async def test_a_blocked_title_is_refused_with_the_reason(bench: Bench) -> None:
    block = await bench.requests.block(
        "movie", {"imdb": "tt0133093"}, "The Matrix", 1999, "We own the disc.", ADMIN.id
    )
    with pytest.raises(Blocked, match="We own the disc"):
        await bench.requests.submit(ANN, MATRIX)
    await bench.requests.unblock(block.id, ADMIN.id)
    await bench.ask(ANN)


async def test_the_quota_is_kept_and_given_back(bench: Bench) -> None:
    await quota(bench, 2)
    first = await bench.ask(ANN, other(1))
    await bench.ask(ANN, other(2))
    with pytest.raises(QuotaUsed) as used:
        await bench.requests.submit(ANN, other(3))
    assert used.value.retry_at > bench.floor.clock.now()
    await bench.requests.decline(ADMIN, first.id, "No.")
    await bench.ask(ANN, other(3))
    allowance = next(one for one in await bench.requests.allowances(ANN) if one.kind == "movie")
    assert (allowance.used, allowance.limit, allowance.left) == (2.0, 2.0, 0.0)
    await bench.ask(BOB, other(9))
    seen = next(one for one in await bench.requests.allowances(ADMIN, ANN.id) if one.kind == "movie")
    assert seen == allowance
    hers = await bench.requests.allowances(BOB, ANN.id)
    assert next(one for one in hers if one.kind == "movie").used == 1.0, "one's own, whoever is asked for"
    assert not any(one.allowed for one in await bench.requests.allowances(ADMIN, "nobody"))


async def test_joining_and_asking_for_another_cost_no_quota(bench: Bench) -> None:
    await quota(bench, 0)
    await bench.ask(ADMIN, MATRIX)
    assert (await bench.requests.submit(ANN, MATRIX)).result == "joined"
    made = await bench.ask(ADMIN, replace(other(4), for_user=ANN.id))
    assert made.user is not None and made.user.id == ANN.id
    assert made.created_by is not None and made.created_by.id == ADMIN.id
    assert await bench.requests.get(ANN, made.id) is not None


async def test_seasons_count_and_old_ones_do_not(bench: Bench) -> None:
    await quota(bench, 3, kind="show", window_days=7)
    await bench.ask(ANN, show(seasons=(1, 2)))
    with pytest.raises(QuotaUsed):
        await bench.requests.submit(ANN, show(seasons=(3, 4)))
    await bench.ask(ANN, MATRIX)
    async with bench.floor.db.begin() as tx:
        await tx.execute(update(request_usage).values(at=bench.floor.clock.now() - 8 * 86_400))
    await bench.ask(ANN, show(seasons=(3, 4)))


async def test_two_at_once_do_not_exceed_the_quota(bench: Bench) -> None:
    await quota(bench, 1)
    done = await asyncio.gather(
        *(bench.requests.submit(ANN, other(number)) for number in range(4)), return_exceptions=True
    )
    assert Counter(type(one).__name__ for one in done) == {"Outcome": 1, "QuotaUsed": 3}


async def test_a_contributed_meter_measures(bench: Bench) -> None:
    fails = False

    async def measure(item: RequestItem) -> float:
        if fails:
            raise ValueError("no idea")
        return 30e9

    bench.requests.quotas._contributed = lambda: [QuotaMeter("bytes", "Bytes", "bytes", measure)]
    await quota(bench, 50e9, meter="bytes")
    await bench.ask(ANN, other(1))
    with pytest.raises(QuotaUsed):
        await bench.requests.submit(ANN, other(2))
    fails = True
    with pytest.raises(NotReady):
        await bench.requests.submit(ANN, other(2))


async def test_nobody_asks_for_more_than_so_many_an_hour(bench: Bench) -> None:
    for number in range(20):
        await bench.ask(ANN, other(number))
    with pytest.raises(TooManyRequests) as braked:
        await bench.requests.submit(ANN, other(99))
    assert braked.value.retry_at > bench.floor.clock.now()


@pytest.mark.parametrize(
    ("verdict", "state", "needs"),
    [(ReviewVerdict.HOLD, "held", True), (ReviewVerdict.DECLINE, "declined", False)],
)
async def test_a_plugin_speaks_against_it(
    bench: Bench, verdict: ReviewVerdict, state: str, needs: bool
) -> None:
    bench.deciders.reviewed = Reviewed(verdict, "Too long.", "critic")
    made = await bench.ask(ADMIN)
    assert (made.state, made.reason, made.needs_decision) == (state, "Too long.", needs)
    assert await bench.steps(made.id) == [(state, "hook:critic")]
    if needs:
        await bench.requests.approve(ADMIN, made.id)
        await bench.until(made.id, "processing")
    else:
        assert (await bench.requests.submit(ADMIN, MATRIX)).result == "created", "it may be asked for again"


async def test_asking_for_others_is_for_admins(bench: Bench) -> None:
    with pytest.raises(Denied):
        await bench.requests.submit(ANN, replace(MATRIX, for_user=BOB.id))
    with pytest.raises(UserError):
        await bench.requests.submit(ADMIN, replace(MATRIX, for_user="nobody"))
    with pytest.raises(UserError):
        await bench.requests.submit(ANN, replace(MATRIX, options={"quality": "2"}))


async def test_a_profile_says_where_it_goes_and_how(bench: Bench) -> None:
    usual = await bench.requests.put_profile(
        Profile("", "Usual", ("movie",), instance_id="seerr", options={"quality": "1"}, preferred=True),
        ADMIN.id,
    )
    best = await bench.requests.put_profile(Profile("", "Best", admins_only=True, position=1), ADMIN.id)
    assert [one.name for one in await bench.requests.list_profiles(ANN)] == ["Usual"]
    made = await bench.approved(wish=replace(MATRIX, comment="For Friday."))
    await bench.until(made, "processing")
    assert dict(bench.seerr.held["r1"][0].options) == {"quality": "1"}
    detail = await bench.detail(made)
    assert detail.request.profile_id == usual.id and detail.comments[0].text == "For Friday."
    with pytest.raises(UserError):
        await bench.requests.submit(ANN, replace(other(2), profile_id=best.id))


async def test_wishes_of_a_page_of_titles(bench: Bench) -> None:
    made = await bench.ask(ANN)
    page = [("movie", MATRIX.ids), ("movie", {"tmdb": "1"}), ("season", {"tvdb": "81189"}), ("movie", {})]
    hers = await bench.requests.wanted(ANN, page)
    assert [[(one.state, one.request_id) for one in some] for some in hers] == [
        [("pending", made.id)],
        [],
        [],
        [],
    ]
    assert (await bench.requests.wanted(BOB, page))[0][0].request_id is None, "not whose it is"
    await bench.requests.cancel(ANN, made.id)
    assert (await bench.requests.wanted(BOB, page))[0] == []


async def test_wishes_for_a_great_many_titles_are_looked_up_at_once(bench: Bench) -> None:
    made = await bench.ask(ANN)
    many = [("movie", {"tmdb": str(number), "imdb": f"tt{number:07}"}) for number in range(1200)]
    found = await bench.requests.wanted(ANN, [*many, ("movie", MATRIX.ids)])
    assert [one.request_id for one in found[603]] == [made.id] == [one.request_id for one in found[-1]]
    assert sum(map(len, found)) == 2
