"""What people asked for at a backend itself becomes theirs here, once, and nothing of ours comes back as somebody's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import update

from medianest_core.domain.requests.entries import Policy, Request
from medianest_core.sdk.catalog import Catalog, CatalogEntry, CatalogSeason
from medianest_core.sdk.errors import NotReady
from medianest_core.sdk.requests import (
    BackendUser,
    Issue,
    RequestBackend,
    RequestItem,
    RequestState,
    RequestStatus,
)
from medianest_core.store.tables.accounts import identities
from medianest_core.store.tables.requests import requests
from tests.fakes.requests import FakeCatalog, FakeSeerr, FullBackend
from tests.integration.requests.conftest import ADMIN, ANN, BOB, MATRIX, Bench, film

ITEM = RequestItem("movie", {"tmdb": "603"}, "")
NAMED = CatalogEntry("movie", {"tmdb": "603", "imdb": "tt0133093"}, "The Matrix", 1999, image="/m.jpg")
SHOW = CatalogEntry(
    "show",
    {"tmdb": "1396", "tvdb": "81189"},
    "Breaking Bad",
    2008,
    seasons=[CatalogSeason(0, "", 3), CatalogSeason(1, "", 7), CatalogSeason(2, "", 13)],
)


class Recent(FullBackend):
    """Whatever it has was made just now."""

    def __init__(self, instance: str, seerr: FakeSeerr, now: float) -> None:
        super().__init__(instance, seerr)
        self.now = now

    async def list(self, since: float) -> Sequence[RequestState]:
        return [replace(one, created_at=self.now) for one in await super().list(since)]


async def known_there(bench: Bench) -> None:
    """Ann and Bob have accounts at the backend; a third person is unknown here. The catalog knows the titles."""
    async with bench.floor.db.begin() as tx:
        for who, subject in ((ANN, "1"), (BOB, "2")):
            await tx.execute(
                identities.insert().values(
                    id=who.id,
                    user_id=who.id,
                    provider="plex",
                    subject=subject,
                    username=who.username,
                    created_at=0.0,
                    checked_at=0.0,
                )
            )
    bench.seerr.people = [
        BackendUser("11", "Ann there", identities={"plex": "1"}),
        BackendUser("12", "Bob there", identities={"plex": "2"}),
        BackendUser("13", "Carl", identities={"plex": "3"}),
    ]
    bench.instances.add("catalog", Catalog, FakeCatalog(NAMED, SHOW))


async def all_of(bench: Bench) -> list[Request]:
    return list((await bench.requests.list(ADMIN, everyone=True)).items)


async def test_a_request_made_there_becomes_that_persons_and_is_followed(bench: Bench) -> None:
    await known_there(bench)
    reference = bench.seerr.made_there(ITEM, "11")
    await bench.poll()
    (found,) = (await bench.requests.list(ANN)).items
    assert (found.title, found.year, found.state, found.origin) == (
        "The Matrix",
        1999,
        "processing",
        "backend",
    )
    assert found.reference == reference and found.user is not None and found.user.id == ANN.id
    assert found.ids["imdb"] == "tt0133093"
    assert await bench.steps(found.id) == [("processing", "backend:seerr")]
    bench.seerr.say(reference, RequestStatus.AVAILABLE)
    await bench.poll()
    await bench.poll()
    assert [(one.id, one.state) for one in await all_of(bench)] == [(found.id, "available")]
    assert not bench.seerr.effects, "nothing was done there"


async def test_someone_unknown_is_named_and_only_admins_see_it(bench: Bench) -> None:
    await known_there(bench)
    bench.seerr.made_there(ITEM, "13")
    await bench.poll()
    (found,) = await all_of(bench)
    assert found.user is None and found.origin_name == "Carl"
    assert not (await bench.requests.list(ANN)).items


async def test_ours_never_come_back_as_somebodys(bench: Bench) -> None:
    await known_there(bench)
    bench.seerr.after.append(NotReady("no answer"))
    request_id = await bench.approved()
    await bench.eventually(lambda: bench.seerr.effects)
    # It is there, and its reference is not known here yet.
    await bench.poll()
    await bench.until(request_id, "processing")
    await bench.poll()
    assert [one.id for one in await all_of(bench)] == [request_id]
    assert await bench.requests.cancel(ADMIN, request_id) is not None
    await bench.poll()
    await bench.idle()
    await bench.poll()
    assert [(one.id, one.state) for one in await all_of(bench)] == [(request_id, "cancelled")]


async def test_what_an_admin_deleted_does_not_come_back(bench: Bench) -> None:
    await known_there(bench)
    reference = bench.seerr.made_there(ITEM, "11", RequestStatus.AVAILABLE)
    await bench.poll()
    (found,) = await all_of(bench)
    assert await bench.requests.remove(ADMIN, found.id)
    await bench.poll()
    assert not await all_of(bench) and reference in bench.seerr.held


async def test_asking_there_for_what_is_asked_for_here_joins(bench: Bench) -> None:
    await known_there(bench)
    ours = await bench.ask(ANN, MATRIX)
    bench.seerr.made_there(ITEM, "12", RequestStatus.PENDING)
    await bench.poll()
    assert [one.id for one in await all_of(bench)] == [ours.id]
    assert [one.id for one in (await bench.requests.list(BOB)).items] == [ours.id]
    # Ours is withdrawn: theirs stands there still, and is one of its own now.
    await bench.requests.unfollow(BOB, ours.id)
    await bench.requests.cancel(ANN, ours.id)
    await bench.poll()
    assert sorted(one.state for one in await all_of(bench)) == ["cancelled", "pending"]


async def test_a_pending_one_is_decided_here_or_there(bench: Bench) -> None:
    await known_there(bench)
    first = bench.seerr.made_there(ITEM, "11", RequestStatus.PENDING)
    second = bench.seerr.made_there(RequestItem("movie", {"tmdb": "1"}, "One"), "11", RequestStatus.PENDING)
    third = bench.seerr.made_there(RequestItem("movie", {"tmdb": "2"}, "Two"), "11", RequestStatus.PENDING)
    await bench.poll()
    made = {one.reference: one for one in await all_of(bench)}
    assert {one.state for one in made.values()} == {"pending"}
    assert all(one.needs_decision for one in made.values())
    await bench.requests.approve(ADMIN, made[first].id)
    await bench.until(made[first].id, "processing")
    assert bench.seerr.effects == [("approved", first)], "approved there, and not sent anew"
    await bench.requests.decline(ADMIN, made[second].id, "No.")
    await bench.eventually(lambda: bench.seerr.states[second].status is RequestStatus.DECLINED)
    bench.seerr.say(third, RequestStatus.APPROVED)
    await bench.idle()
    await bench.poll()
    assert (await bench.until(made[third].id, "processing")).reference == third
    assert ("approved", "backend:seerr") in await bench.steps(made[third].id)
    assert len(await all_of(bench)) == 3


async def test_one_withdrawn_there_while_it_waits_is_cancelled(bench: Bench) -> None:
    await known_there(bench)
    reference = bench.seerr.made_there(ITEM, "11", RequestStatus.PENDING)
    await bench.poll()
    (found,) = await all_of(bench)
    del bench.seerr.held[reference], bench.seerr.states[reference]
    async with bench.floor.db.begin() as tx:
        await tx.execute(update(requests).values(checked_at=0.0))
    await bench.poll()
    assert (await bench.until(found.id, "cancelled")).reason


async def test_all_seasons_are_the_show(bench: Bench) -> None:
    await known_there(bench)
    ids = {"tmdb": "1396"}
    bench.seerr.made_there(RequestItem("season", ids, "", seasons=(1, 2)), "11")
    await bench.poll()
    (found,) = await all_of(bench)
    assert (found.kind, list(found.seasons), found.title) == ("show", [], "Breaking Bad")


async def test_the_first_look_is_quiet_and_leaves_what_came_to_nothing(bench: Bench) -> None:
    await known_there(bench)
    bench.seerr.made_there(ITEM, "11", RequestStatus.AVAILABLE)
    bench.seerr.made_there(RequestItem("movie", {"tmdb": "1"}, "One"), "11", RequestStatus.DECLINED)
    await bench.poll()
    await bench.floor.bus.drain()
    assert [one.state for one in await all_of(bench)] == ["available"]
    assert not await bench.inbox(ANN)
    bench.seerr.made_there(RequestItem("movie", {"tmdb": "2"}, "Two"), "11", RequestStatus.PENDING)
    await bench.poll()
    await bench.floor.bus.drain()
    assert "request.pending" in await bench.inbox(ADMIN)


async def test_imports_count_for_their_persons_quota(bench: Bench) -> None:
    await known_there(bench)
    await bench.requests.put_policy(Policy("", "role", "user", kind="movie", quota=5), ADMIN.id)
    bench.seerr.made_there(ITEM, "11", RequestStatus.PENDING)
    bench.seerr.made_there(RequestItem("movie", {"tmdb": "1"}, "One"), "13", RequestStatus.PENDING)
    bench.seerr.made_there(RequestItem("movie", {"tmdb": "2"}, "Two"), "11", RequestStatus.PENDING)
    bench.instances.add("seerr", RequestBackend, Recent("seerr", bench.seerr, bench.floor.clock.now()))
    await bench.poll()
    assert len(await all_of(bench)) == 3
    (left,) = [
        one.left for one in await bench.requests.allowances(ANN) if one.kind == "movie" and one.allowed
    ]
    assert left == 3
    # What is declined is given back.
    first = next(one for one in (await bench.requests.list(ANN)).items)
    await bench.requests.decline(ADMIN, first.id)
    (left,) = [
        one.left for one in await bench.requests.allowances(ANN) if one.kind == "movie" and one.allowed
    ]
    assert left == 4


async def test_reports_made_there_are_taken_over_and_solved_there(bench: Bench) -> None:
    await known_there(bench)
    await bench.has(film())
    bench.seerr.reports = [
        Issue(
            "audio",
            "It hums.",
            RequestItem("movie", {"imdb": "tt0133093"}, ""),
            "i9",
            user="11",
            created_at=5.0,
        ),
        Issue("video", "Old.", ITEM, "i8", open=False, created_at=4.0),
    ]
    await bench.poll()
    (found,) = (await bench.requests.issues(ANN)).items
    assert (found.title, found.problem, found.message, found.state) == (
        "The Matrix",
        "audio",
        "It hums.",
        "open",
    )
    assert found.title_id is not None
    await bench.requests.refresh("seerr")
    await bench.idle()
    assert len((await bench.requests.issues(ADMIN, everyone=True)).items) == 1
    bench.seerr.reports[0] = replace(bench.seerr.reports[0], open=False)
    await bench.requests.refresh("seerr")
    await bench.idle()
    after = await bench.requests.issue(ANN, found.id)
    assert after is not None and after.state == "resolved"
