"""Asking for films and seasons, and following what becomes of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from medianest_core.base.http_factory import HttpFactory
from medianest_core.sdk import (
    AuthFailed,
    NotReady,
    Rejected,
    RequestItem,
    RequestState,
    RequestStatus,
)
from medianest_core.testing.simulators import RunningSimulator
from medianest_overseerr.simulation import flow
from medianest_overseerr.simulation.constants import MediaStatus, Permission

from .seerr_kit import CASEY, JORDAN, NOBODY, Plugged, item, plug

S = RequestStatus
BOTH = pytest.mark.parametrize("profile", ["seerr", "overseerr"], indirect=True)


async def until(look: Callable[[], Awaitable[RequestState]], status: RequestStatus) -> RequestState:
    """Ask until it is so."""
    async with asyncio.timeout(60):
        while (found := await look()).status is not status:
            await asyncio.sleep(0.01)
    return found


@BOTH
async def test_a_film_from_asking_to_available(seerr: Plugged) -> None:
    film = seerr.film()
    sent = await seerr.requests.submit(item(film), CASEY)
    assert sent.status in (S.APPROVED, S.PROCESSING)
    (made,) = seerr.made()
    assert (made["tmdb"], made["user"], made["by"], made["is4k"]) == (film.tmdb, 2, 1, False)
    found = await until(lambda: seerr.requests.state(sent.reference), S.PROCESSING)
    assert found.message == "" and found.changed_at is not None
    seerr.available(sent.reference)
    assert (await seerr.requests.state(sent.reference)).status is S.AVAILABLE
    assert await seerr.requests.find(item(film), CASEY) is not None
    assert len(seerr.made()) == 1


@BOTH
async def test_seasons_come_one_by_one(seerr: Plugged) -> None:
    series = seerr.series(2)
    sent = await seerr.requests.submit(item(series, 2, 1), "")
    assert seerr.made()[0]["seasons"] == [1, 2]
    await until(lambda: seerr.requests.state(sent.reference), S.PROCESSING)
    seerr.available(sent.reference, [2])
    found = await seerr.requests.state(sent.reference)
    assert found.status is S.PARTIALLY_AVAILABLE
    assert found.seasons == {1: S.PROCESSING, 2: S.AVAILABLE}
    assert await seerr.requests.list(0) == [found]
    seerr.available(sent.reference, [1])
    found = await seerr.requests.state(sent.reference)
    assert (found.status, set(found.seasons.values())) == (S.AVAILABLE, {S.AVAILABLE})


@BOTH
async def test_all_seasons_are_named_without_the_specials(seerr: Plugged) -> None:
    series = seerr.series(3)
    await seerr.requests.submit(item(series), "")
    assert seerr.made()[0]["seasons"] == list(range(1, series.facts.seasons + 1))


@BOTH
async def test_a_second_request_for_the_same_is_the_first_one(seerr: Plugged) -> None:
    film, series = seerr.film(), seerr.series(2)
    first = await seerr.requests.submit(item(film), CASEY)
    assert (await seerr.requests.submit(item(film), JORDAN)).reference == first.reference
    shown = await seerr.requests.submit(item(series, 1, 2), CASEY)
    assert (await seerr.requests.submit(item(series, 2), CASEY)).reference == shown.reference
    assert len(seerr.made()) == 2


async def test_only_the_seasons_that_are_missing_are_asked_for(seerr: Plugged) -> None:
    series = seerr.series(3)
    first = await seerr.requests.submit(item(series, 1), CASEY)
    assert await seerr.requests.find(item(series, 1, 2), CASEY) is None
    second = await seerr.requests.submit(item(series, 1, 2), JORDAN)
    assert [made["seasons"] for made in seerr.made()] == [[1], [2]]
    for user, reference in ((CASEY, first.reference), (JORDAN, second.reference)):
        found = await seerr.requests.find(item(series, 1, 2), user)
        assert found is not None and found.reference == reference


async def test_4k_is_another_thing(seerr: Plugged) -> None:
    film = seerr.film()
    plain = await seerr.requests.submit(item(film), "")
    assert await seerr.requests.find(item(film, variant="4k"), "") is None
    best = await seerr.requests.submit(item(film, variant="4k"), "")
    assert best.reference != plain.reference
    assert [made["is4k"] for made in seerr.made()] == [False, True]
    seerr.available(best.reference)
    assert (await seerr.requests.state(best.reference)).status is S.AVAILABLE
    assert (await seerr.requests.state(plain.reference)).status is not S.AVAILABLE


@pytest.mark.parametrize(
    ("user", "kind", "variant", "words"),
    [
        (NOBODY, "movie", "", "may not ask for films in Overseerr"),
        (NOBODY, "tv", "", "may not ask for series in Overseerr"),
        (CASEY, "movie", "4k", "may not ask for films in 4K"),
        (CASEY, "tv", "4k", "may not ask for series in 4K"),
        ("99", "movie", "", "does not know this person"),
        ("nobody", "movie", "", "does not know this person"),
    ],
)
async def test_what_a_person_may_not(seerr: Plugged, user: str, kind: str, variant: str, words: str) -> None:
    work = seerr.film() if kind == "movie" else seerr.series()
    with pytest.raises(Rejected, match=words):
        await seerr.requests.submit(item(work, variant=variant), user)
    assert seerr.made() == []


async def test_quotas_are_told_in_plain_words(seerr: Plugged) -> None:
    for index in range(2):
        await seerr.requests.submit(item(seerr.film(index)), JORDAN)
    with pytest.raises(Rejected, match="quota for films in Overseerr or Seerr is used up"):
        await seerr.requests.submit(item(seerr.film(2)), JORDAN)
    series = seerr.series(3)
    await seerr.requests.submit(item(series, 1, 2), JORDAN)
    other = next(w for w in seerr.world.titles.all("tv") if w.facts.seasons >= 2 and w != series)
    with pytest.raises(Rejected, match="quota for seasons in Overseerr or Seerr is used up"):
        await seerr.requests.submit(item(other, 1, 2), JORDAN)
    films, seasons = await seerr.requests.quota(JORDAN)
    assert (films.kind, films.used, films.limit, films.window_days) == ("movie", 2, 2, 7)
    assert (seasons.kind, seasons.used, seasons.limit, seasons.window_days) == ("season", 2, 3, 7)
    free, _ = await seerr.requests.quota("")
    assert (free.used, free.limit, free.window_days) == (0, None, None)


async def test_a_title_that_tmdb_does_not_know(seerr: Plugged) -> None:
    unknown = RequestItem("movie", {"tmdb": "1"}, "Nothing")
    with pytest.raises(Rejected, match="does not know this title"):
        await seerr.requests.submit(unknown, "")
    with pytest.raises(Rejected, match="no TMDB id"):
        await seerr.requests.submit(RequestItem("movie", {}, "Nothing"), "")
    assert await seerr.requests.find(unknown, "") is None


async def test_a_blocked_title(seerr: Plugged) -> None:
    film = seerr.film()
    seerr.world.media_of(film).status = MediaStatus.BLOCKLISTED
    with pytest.raises(Rejected, match="blocklist"):
        await seerr.requests.submit(item(film), "")


async def test_other_ids_are_looked_up(seerr: Plugged) -> None:
    series = seerr.series(1)
    by_tvdb = RequestItem("season", {"tvdb": str(series.tvdb)}, series.name, seasons=(1,))
    sent = await seerr.requests.submit(by_tvdb, "")
    assert seerr.made()[0]["tmdb"] == series.tmdb
    found = await seerr.requests.find(by_tvdb, "")
    assert found is not None and found.reference == sent.reference


async def test_there_a_persons_own_rights_can_decide(served: RunningSimulator, factory: HttpFactory) -> None:
    seerr = await plug(factory, served, approve_there=True)
    sent = await seerr.requests.submit(item(seerr.film()), CASEY)
    assert (sent.status, sent.message) == (S.PENDING, "It waits for approval in Overseerr or Seerr.")
    assert seerr.made()[0]["by"] == 2
    assert (await seerr.requests.submit(item(seerr.film(1)), JORDAN)).status is S.APPROVED
    with pytest.raises(Rejected, match="does not know this person"):
        await seerr.requests.submit(item(seerr.film(2)), "99")
    seerr.world.rotate_key()
    with pytest.raises(AuthFailed):
        await seerr.requests.submit(item(seerr.film(2)), CASEY)


@BOTH
async def test_approving_and_declining(served: RunningSimulator, factory: HttpFactory) -> None:
    seerr = await plug(factory, served, approve_there=True)
    sent = [await seerr.requests.submit(item(seerr.film(index)), CASEY) for index in range(2)]
    assert (await seerr.requests.approve(sent[0].reference)).status in (S.APPROVED, S.PROCESSING)
    await seerr.requests.approve(sent[0].reference)
    assert len(seerr.simulator.ledger.entries("request.approved")) == 1
    declined = await seerr.requests.decline(sent[1].reference)
    assert (declined.status, declined.message) == (S.DECLINED, "It was declined in Overseerr or Seerr.")
    await seerr.requests.decline(sent[1].reference)
    assert len(seerr.simulator.ledger.entries("request.declined")) == 1
    assert await seerr.requests.find(item(seerr.film(1)), CASEY) is None
    assert (await seerr.requests.approve("4711")).status is S.GONE


async def test_withdrawing(seerr: Plugged) -> None:
    sent = await seerr.requests.submit(item(seerr.film()), CASEY)
    await seerr.requests.cancel(sent.reference)
    await seerr.requests.cancel(sent.reference)
    await seerr.requests.cancel("not one of its own")
    assert len(seerr.simulator.ledger.entries("request.deleted")) == 1
    found = await seerr.requests.state(sent.reference)
    assert found.status is S.GONE and "deleted this request" in found.message
    assert await seerr.requests.find(item(seerr.film()), CASEY) is None


async def test_a_wrong_address_is_not_taken_for_a_deleted_request(
    served: RunningSimulator, factory: HttpFactory
) -> None:
    from medianest_core.sdk import NotFound

    elsewhere = await plug(factory, served, url=f"{served.url}/elsewhere")
    with pytest.raises(NotFound, match="no Overseerr or Seerr under it"):
        await elsewhere.requests.state("1")
    with pytest.raises(NotFound):
        await elsewhere.requests.cancel("1")


async def test_what_radarr_refused_and_what_was_deleted_since(seerr: Plugged) -> None:
    sent = await seerr.requests.submit(item(seerr.film()), "")
    flow.fail(seerr.world, seerr.world.requests[int(sent.reference)])
    failed = await seerr.requests.state(sent.reference)
    assert failed.status is S.FAILED and "Radarr or Sonarr" in failed.message
    again = await seerr.requests.submit(item(seerr.film()), "")
    assert again.reference == sent.reference and again.status in (S.APPROVED, S.PROCESSING)
    assert len(seerr.made()) == 1
    other = await seerr.requests.submit(item(seerr.film(1)), "")
    seerr.available(other.reference)
    flow.remove(seerr.world, seerr.world.requests[int(other.reference)].media)
    gone = await seerr.requests.state(other.reference)
    assert gone.status is S.GONE and "deleted" in gone.message
    assert await seerr.requests.find(item(seerr.film(1)), "") is None
    again = await seerr.requests.submit(item(seerr.film(1)), "")
    assert again.reference != other.reference


async def test_without_radarr_it_stays_approved_and_says_why(seerr: Plugged) -> None:
    seerr.world.options.servers = False
    sent = await seerr.requests.submit(item(seerr.film()), "")
    found = await seerr.requests.state(sent.reference)
    assert found.status is S.APPROVED and "has not taken it over yet" in found.message
    assert await seerr.requests.options("movie") == []


async def test_profile_folder_and_tags(seerr: Plugged) -> None:
    profile, folder, tags = await seerr.requests.options("movie")
    assert [choice.title for choice in profile.choices] == ["HD-1080p", "HD - 720p/1080p"]
    assert (profile.default, folder.default, tags.default) == ("0:4", "0:/data/movies", None)
    assert tags.many and [choice.value for choice in tags.choices] == ["0:1", "0:2"]
    (best, *_) = await seerr.requests.options("movie", "4k")
    assert [choice.title for choice in best.choices] == ["Ultra-HD"]
    assert [option.default for option in await seerr.requests.options("show")][:2] == ["0:4", "0:/data/tv"]
    chosen = {"profile": "0:6", "folder": "0:/data/movies-kids", "tags": "0:1,0:2"}
    sent = await seerr.requests.submit(item(seerr.film(), **chosen), "")
    row = seerr.world.requests[int(sent.reference)]
    assert (row.server, row.profile, row.folder, row.tags) == (0, 6, "/data/movies-kids", [1, 2])


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"profile": "0:4", "folder": "1:/data"}, "same server"),
        ({"profile": "4"}, "not known any more"),
        ({"profile": "0:best"}, "not known any more"),
        ({"tags": "x:1"}, "not known any more"),
    ],
)
async def test_options_that_do_not_fit(seerr: Plugged, chosen: dict[str, str], words: str) -> None:
    with pytest.raises(Rejected, match=words):
        await seerr.requests.submit(item(seerr.film(), **chosen), "")
    assert seerr.made() == []


@BOTH
async def test_the_list_of_what_changed_since(seerr: Plugged) -> None:
    now = [1_700_000_000.0]
    seerr.world.clock = lambda: now[0]
    seerr.world.options.servers = False
    old = await seerr.requests.submit(item(seerr.film()), CASEY)
    now[0] += 1000
    new = await seerr.requests.submit(item(seerr.film(1)), CASEY)
    assert [one.reference for one in await seerr.requests.list(0)] == [new.reference, old.reference]
    assert [one.reference for one in await seerr.requests.list(now[0])] == [new.reference]
    now[0] += 1000
    # Overseerr leaves the request's own time as it is.
    seerr.available(old.reference)
    (changed,) = await seerr.requests.list(now[0])
    assert (changed.reference, changed.status) == (old.reference, S.AVAILABLE)


async def test_many_requests_are_read_page_by_page(seerr: Plugged, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("medianest_overseerr.client.PAGE", 3)
    sent = [await seerr.requests.submit(item(seerr.film(index)), "") for index in range(8)]
    found = await seerr.requests.list(0)
    assert {one.reference for one in found} == {one.reference for one in sent}
    assert len(await seerr.requests.users()) == 4


async def test_people_are_known_by_their_plex_id(seerr: Plugged) -> None:
    people = {person.name: person for person in await seerr.requests.users()}
    assert people["casey"].identities == {"plex": "1000002"}
    assert (people["casey"].id, people["casey"].email) == (CASEY, "casey@example.test")
    assert people["Lena Local"].identities == {}


@pytest.mark.parametrize("kind", ["movie", "tv"])
@BOTH
async def test_a_lost_reply_is_found_and_nothing_is_made_twice(seerr: Plugged, kind: str) -> None:
    work = seerr.film() if kind == "movie" else seerr.series(2)
    wanted = item(work) if kind == "movie" else item(work, 1, 2)
    assert await seerr.requests.find(wanted, CASEY) is None
    seerr.world.options.lost_replies = 1
    with pytest.raises(NotReady):
        await seerr.requests.submit(wanted, CASEY)
    found = await seerr.requests.find(wanted, CASEY)
    assert found is not None and found.status in (S.APPROVED, S.PROCESSING)
    assert (await seerr.requests.submit(wanted, CASEY)).reference == found.reference
    assert len(seerr.made()) == 1


async def test_it_is_found_while_tmdb_is_away(seerr: Plugged) -> None:
    film, series = seerr.film(), seerr.series(2)
    sent = await seerr.requests.submit(item(film), CASEY)
    shown = await seerr.requests.submit(item(series, 1), CASEY)
    seerr.world.options.tmdb_down = True
    found = await seerr.requests.find(item(film), CASEY)
    assert found is not None and found.reference == sent.reference
    found = await seerr.requests.find(item(series, 1), CASEY)
    assert found is not None and found.reference == shown.reference
    with pytest.raises(NotReady):
        await seerr.requests.find(item(series), CASEY)
    with pytest.raises(NotReady):
        await seerr.requests.submit(item(seerr.film(1)), CASEY)
    assert await seerr.requests.find(item(seerr.film(1)), CASEY) is None


async def test_rights_of_the_key(seerr: Plugged) -> None:
    seerr.world.owner.permissions = int(Permission.REQUEST)
    with pytest.raises(Rejected, match="on behalf of others"):
        await seerr.requests.submit(item(seerr.film()), CASEY)


@BOTH
async def test_lists_say_what_each_is_for_and_whose_it_is(seerr: Plugged) -> None:
    film, series = seerr.film(), seerr.series(2)
    fine = await seerr.requests.submit(item(film, variant="4k"), "")
    seasons = await seerr.requests.submit(item(series, 1, 2), JORDAN)
    found = {one.reference: one for one in await seerr.requests.list(0)}
    first, second = found[fine.reference], found[seasons.reference]
    assert first.item is not None and second.item is not None
    assert (first.item.kind, first.item.ids["tmdb"], first.item.variant) == ("movie", str(film.tmdb), "4k")
    assert (second.item.kind, tuple(second.item.seasons), second.item.variant) == ("season", (1, 2), "")
    assert (first.user, second.user, second.user_name) == ("1", JORDAN, "jordan")
    assert first.created_at is not None and second.created_at is not None
