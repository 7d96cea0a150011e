"""What became of requests: by the backend's word, by hints, and by what the library shows."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import update

from medianest_core.sdk.catalog import Catalog, CatalogEntry, CatalogSeason
from medianest_core.sdk.errors import NotReady
from medianest_core.sdk.requests import RequestBackend, RequestStatus
from medianest_core.store.tables.requests import request_ids, requests
from tests.fakes.media import movie
from tests.fakes.requests import FakeBackend, FakeCatalog, FakeSeerr
from tests.integration.requests.conftest import ADMIN, ANN, BOB, MATRIX, Bench, episodes, film, show


async def on_its_way(bench: Bench, **values: object) -> str:
    request_id = await bench.approved(**values)  # type: ignore[arg-type]  # the test's own values
    await bench.until(request_id, "processing")
    return request_id


async def test_the_classic_story(bench: Bench) -> None:
    request_id = await on_its_way(bench)
    await bench.requests.submit(BOB, MATRIX)
    bench.seerr.say("r1", RequestStatus.AVAILABLE)
    await bench.poll()
    found = await bench.until(request_id, "available")
    assert found.finished_at is not None and found.title_id is None
    await bench.floor.bus.drain()
    assert await bench.inbox(ANN) == ["request.available", "request.approved"]
    assert await bench.inbox(BOB) == ["request.available"]
    assert bench.told(ANN.id) == ["pending", "approved", "submitting", "processing", "available"]
    assert bench.told() == ["pending", "approved", "submitting", "processing", "available"]
    assert (await bench.detail(request_id)).timeline[-1].rule == "backend:seerr"


async def test_the_servers_are_asked_for_what_the_backend_calls_available(bench: Bench) -> None:
    await bench.has(movie("9", "Something else"))
    request_id = await on_its_way(bench)
    bench.server.put(film(added_at=bench.floor.clock.now()))
    bench.seerr.say("r1", RequestStatus.AVAILABLE)
    await bench.poll()
    done = await bench.requests.submit(BOB, MATRIX)
    assert done.result == "available", "also before the library shows it"

    async def linked() -> bool:
        found = await bench.requests.get(ANN, request_id)
        return found is not None and found.title_id is not None

    await bench.eventually(linked)
    assert [state for state, _ in await bench.steps(request_id)].count("available") == 1


@pytest.mark.parametrize("full", [True, False])
async def test_a_hint_is_followed_by_a_look(bench: Bench, full: bool) -> None:
    if not full:
        bench.instances.add("seerr", RequestBackend, FakeBackend("seerr", bench.seerr))
    request_id = await on_its_way(bench)
    bench.seerr.say("r1", RequestStatus.FAILED, message="No disk.")
    await bench.floor.finished(await bench.requests.refresh("seerr", ["r1"]))
    found = await bench.until(request_id, "failed")
    assert found.reason == "No disk."
    await bench.floor.bus.drain()
    assert (await bench.inbox(ANN))[0] == "request.failed"


@pytest.mark.parametrize(
    ("status", "state", "reason"),
    [
        (RequestStatus.DECLINED, "declined", "It was declined at Seerr."),
        (RequestStatus.FAILED, "failed", "Seerr could not do it."),
        (RequestStatus.GONE, "failed", "Someone deleted it at Seerr."),
        (RequestStatus.PENDING, "processing", "Seerr waits for an approval of its own."),
        (RequestStatus.PARTIALLY_AVAILABLE, "partially_available", ""),
    ],
)
async def test_each_word_of_a_backend(bench: Bench, status: RequestStatus, state: str, reason: str) -> None:
    request_id = await on_its_way(bench)
    bench.seerr.say("r1", status)
    await bench.poll()
    found = await bench.requests.get(ANN, request_id)
    assert found is not None and (found.state, found.reason) == (state, reason)


async def test_the_library_needs_no_backend_to_show_that_it_is_here(bench: Bench) -> None:
    request_id = await on_its_way(bench)
    bench.seerr.down = NotReady("away")
    await bench.has(film())
    assert (await bench.until(request_id, "available")).title_id is not None


async def test_a_request_that_was_deleted_there_once_it_was_here_is_available(bench: Bench) -> None:
    await bench.has(film())
    request_id = (await bench.ask(ADMIN, replace(MATRIX, ids={"tmdb": "603"}))).id
    await bench.until(request_id, "processing")
    async with bench.floor.db.begin() as tx:
        await tx.execute(
            request_ids.insert().values(
                request_id=request_id, provider="imdb", value="tt0133093", root_kind="movie"
            )
        )
        await tx.execute(update(requests).values(ids=dict(MATRIX.ids)))
    bench.seerr.say("r1", RequestStatus.GONE)
    await bench.poll()
    assert (await bench.until(request_id, "available", "failed")).state == "available"


async def test_the_library_makes_requests_available_in_any_state(bench: Bench) -> None:
    pending = await bench.ask(ANN)
    await bench.has(film())
    found = await bench.until(pending.id, "available")
    assert found.title_id is not None
    assert await bench.steps(pending.id) == [("pending", "policy"), ("available", "library")]
    await bench.floor.bus.drain()
    assert await bench.inbox(ANN) == ["request.available"]
    unread = await bench.notify.inbox(ADMIN.id, unread_only=True)
    assert unread.items == [], "nobody has to approve it any more"


async def test_a_show_comes_season_by_season(bench: Bench) -> None:
    entry = CatalogEntry(
        "show",
        {"tvdb": "81189"},
        "Breaking Bad",
        2008,
        seasons=[CatalogSeason(1, episodes=2), CatalogSeason(2, episodes=2)],
    )
    bench.instances.add("catalog", Catalog, FakeCatalog(entry))
    request_id = await on_its_way(bench, wish=show(seasons=(1, 2)))
    await bench.has(*episodes(1, 1))
    await bench.until(request_id, "partially_available")
    await bench.poll()
    assert (await bench.until(request_id, "partially_available")).state == "partially_available", (
        "not taken back"
    )
    await bench.has(*episodes(1, 2), *episodes(2, 2))
    assert (await bench.until(request_id, "available")).title_id is not None
    await bench.floor.bus.drain()
    assert await bench.inbox(ANN) == ["request.available", "request.partial", "request.approved"]


async def test_without_a_catalog_only_the_backend_knows_when_a_season_is_complete(bench: Bench) -> None:
    request_id = await on_its_way(bench, wish=show(seasons=(1,)))
    await bench.has(*episodes(1, 9))
    await bench.until(request_id, "partially_available")
    bench.seerr.say("r1", RequestStatus.AVAILABLE, seasons={1: RequestStatus.AVAILABLE})
    await bench.poll()
    assert dict((await bench.until(request_id, "available")).parts) == {"1": "available"}


async def test_one_backend_away_holds_up_nobody_elses_requests(bench: Bench) -> None:
    other = FakeSeerr(takes=frozenset({"show", "season"}))
    bench.instances.add("other", RequestBackend, FakeBackend("other", other))
    bench.seerr.takes = frozenset({"movie"})
    film_id = await on_its_way(bench)
    show_id = await on_its_way(bench, wish=show(seasons=(1,)))
    bench.seerr.down = NotReady("away")
    other.say("r1", RequestStatus.AVAILABLE)
    await bench.poll()
    await bench.until(show_id, "available")
    found = await bench.requests.get(ANN, film_id)
    assert found is not None and found.state == "processing", "nothing is known, so nothing changes"


async def test_nothing_new_writes_nothing(bench: Bench) -> None:
    request_id = await on_its_way(bench)
    before = await bench.detail(request_id)
    await bench.poll()
    await bench.poll()
    after = await bench.detail(request_id)
    assert (after.request.version, len(after.timeline)) == (before.request.version, len(before.timeline))
