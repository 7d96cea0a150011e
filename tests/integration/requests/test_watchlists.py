"""What people put on their list at a service is asked for as they would ask: by the same rules, once, and never against a no."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from medianest_core.domain.requests.entries import Policy
from medianest_core.domain.requests.watchlists import WATCHLISTS_JOB, Watching
from medianest_core.sdk.auth import AuthFlow, AuthProvider, Challenge, Identity, WatchlistTitle
from medianest_core.sdk.errors import AuthFailed, NotReady
from medianest_core.sdk.routes import Viewer
from medianest_core.sdk.settings import Secret
from medianest_core.store.errors import Stale
from medianest_core.store.tables.accounts import identities
from tests.integration.requests.conftest import ADMIN, ANN, BOB, MATRIX, Bench, film

MATRIX_THERE = WatchlistTitle("movie", {"tmdb": "603"}, "The Matrix", 1999)
SHOW_THERE = WatchlistTitle("show", {"tvdb": "81189"}, "Breaking Bad", 2008)


class Lists(AuthProvider[Any, Any]):
    """A service where people have lists. titles: by their token."""

    title = "Lists"
    flows: Sequence[AuthFlow] = ()  # type: ignore[misc]  # a class variable of the base

    def __init__(self) -> None:
        self.titles: dict[str, list[WatchlistTitle]] = {}
        self.fail: Exception | None = None

    async def begin(self, flow: AuthFlow, *, return_url: str) -> Challenge:
        raise NotImplementedError

    async def complete(self, state: Mapping[str, str], form: Mapping[str, str]) -> Identity | None:
        raise NotImplementedError

    async def watchlist(self, subject: str, token: Secret) -> Sequence[WatchlistTitle]:
        if self.fail is not None:
            raise self.fail
        return self.titles.get(token.reveal(), [])


@pytest.fixture
async def lists(bench: Bench) -> Lists:
    """Ann and Bob signed in there; Ann's token is "ann"."""
    found = Lists()
    bench.instances.add("lists", AuthProvider, found)
    async with bench.floor.db.begin() as tx:
        for who, token in ((ANN, "ann"), (BOB, "bob")):
            await tx.execute(
                identities.insert().values(
                    id=who.id,
                    user_id=who.id,
                    provider="fake",
                    subject=who.username,
                    username=who.username,
                    token_sealed=token,
                    created_at=0.0,
                    checked_at=0.0,
                )
            )
    return found


async def read(bench: Bench, who: Viewer = ANN) -> Watching:
    """One round for everyone; returns how it stands with this person then."""
    async with bench.floor.db.begin() as tx:
        job_id = await bench.floor.ledger.enqueue(tx, WATCHLISTS_JOB, {}, unique="all")
    info = await bench.floor.finished(job_id)
    assert info.state == "done", info
    return await bench.requests.watching(who)


def outcomes(found: Watching) -> dict[str, str]:
    return {one.title: one.outcome for one in found.titles}


async def test_only_who_wants_it_is_asked_for_and_each_title_once(bench: Bench, lists: Lists) -> None:
    lists.titles = {"ann": [SHOW_THERE, MATRIX_THERE], "bob": [MATRIX_THERE]}
    before = await bench.requests.watching(ANN)
    assert (before.enabled, before.sources, before.allowed) == (False, ["Lists"], True)
    await read(bench)
    assert not (await bench.requests.list(ADMIN, everyone=True)).items
    await bench.requests.watch(ANN, True, version=before.version)
    await bench.idle()
    found = await read(bench)
    assert outcomes(found) == {"The Matrix": "created", "Breaking Bad": "created"}
    mine = (await bench.requests.list(ANN)).items
    assert {(one.title, one.state, one.origin) for one in mine} == {
        ("The Matrix", "pending", "watchlist"),
        ("Breaking Bad", "pending", "watchlist"),
    }
    assert all(one.user is not None and one.user.id == ANN.id for one in mine)
    assert not (await bench.requests.list(BOB)).items
    with pytest.raises(Stale):
        await bench.requests.watch(ANN, False, version=before.version)
    # Bob joins what Ann has asked for.
    await bench.requests.watch(BOB, True)
    await bench.idle()
    assert outcomes(await bench.requests.watching(BOB)) == {"The Matrix": "joined"}


async def test_a_no_stays_a_no(bench: Bench, lists: Lists) -> None:
    lists.titles = {"ann": [MATRIX_THERE]}
    await bench.requests.watch(ANN, True)
    await bench.idle()
    (made,) = (await bench.requests.list(ANN)).items
    await bench.requests.decline(ADMIN, made.id, "We have seen it.")
    await read(bench)
    await read(bench)
    assert [one.state for one in (await bench.requests.list(ANN)).items] == ["declined"]
    # What was asked for and declined by hand before is remembered too.
    bobs = await bench.ask(BOB, MATRIX)
    await bench.requests.decline(ADMIN, bobs.id, "No.")
    lists.titles["bob"] = [MATRIX_THERE]
    await bench.requests.watch(BOB, True)
    await bench.idle()
    assert outcomes(await bench.requests.watching(BOB)) == {"The Matrix": "declined"}
    assert len((await bench.requests.list(BOB)).items) == 1


async def test_rules_quotas_and_the_blocklist_hold(bench: Bench, lists: Lists) -> None:
    lists.titles = {"ann": [SHOW_THERE, MATRIX_THERE, replace(MATRIX_THERE, ids={"tmdb": "1"}, title="One")]}
    await bench.requests.block("movie", {"tmdb": "603"}, "The Matrix", 1999, "Not here.", ADMIN.id)
    rule = await bench.requests.put_policy(Policy("", "role", "user", kind="show", watchlist=False), ADMIN.id)
    await bench.requests.put_policy(Policy("", "role", "user", kind="movie", quota=0), ADMIN.id)
    await bench.requests.watch(ANN, True)
    await bench.idle()
    found = await bench.requests.watching(ANN)
    assert outcomes(found) == {"The Matrix": "blocked", "Breaking Bad": "denied"}
    assert found.problem, "the quota is used up: that one waits"
    # What a rule refuses is tried again, once the rule is another one.
    await bench.requests.put_policy(replace(rule, watchlist=True), ADMIN.id)
    assert outcomes(await read(bench))["Breaking Bad"] == "created"


async def test_what_is_in_the_library_is_left_alone(bench: Bench, lists: Lists) -> None:
    await bench.has(film())
    lists.titles = {"ann": [replace(MATRIX_THERE, ids={"imdb": "tt0133093"})]}
    await bench.requests.watch(ANN, True)
    await bench.idle()
    assert outcomes(await bench.requests.watching(ANN)) == {"The Matrix": "available"}
    assert not (await bench.requests.list(ADMIN, everyone=True)).items


@pytest.mark.parametrize("error", [AuthFailed("no"), NotReady("It does not answer.")])
async def test_a_list_that_cannot_be_read_is_told_and_read_later(
    bench: Bench, lists: Lists, error: Exception
) -> None:
    lists.titles = {"ann": [MATRIX_THERE]}
    lists.fail = error
    await bench.requests.watch(ANN, True)
    await bench.idle()
    assert (await bench.requests.watching(ANN)).problem
    lists.fail = None
    found = await read(bench)
    assert not found.problem and outcomes(found) == {"The Matrix": "created"}
