"""Details of titles: read after the listing, never lost, asked for again where they failed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from medianest_core.bus.events import InstanceChanged, LibraryChanged
from medianest_core.domain.library.enriching import details
from medianest_core.domain.library.enriching.details import JOB, TITLE_JOB
from medianest_core.domain.library.reading.titles import TitleDetail
from medianest_core.host.states import InstanceState
from medianest_core.ledger.states import FINISHED, JobInfo, JobState, job_info
from medianest_core.sdk.errors import InvalidResponse, NotReady, RateLimited
from medianest_core.sdk.events import Audience
from medianest_core.sdk.media import MediaRecord
from medianest_core.store.tables.ledger import jobs
from medianest_core.store.tables.library import record_details
from tests.fakes.media import FakeServer, movie
from tests.fakes.portal import Writes
from tests.integration.library.conftest import Shelf

SHORT = ["Ada", "Bea", "Cem"]
FULL = [*SHORT, "Dov", "Eve", "Fay"]


def people(names: list[str]) -> list[dict[str, str]]:
    return [{"name": name, "role": ""} for name in names]


def trimmed(server: FakeServer, *keys: str, **fields: Any) -> None:
    """Films that the server lists with three of six people."""
    for key in keys:
        server.put(movie(key, f"Film {key}", fields={"cast": people(SHORT), **fields}))
        server.more[key] = {"cast": people(FULL), "genres": ["Drama", "War", "Crime"]}


async def all_jobs(shelf: Shelf, name: str = JOB) -> list[JobInfo]:
    async with shelf.floor.db.read() as tx:
        rows = await tx.all(select(jobs).where(jobs.c.name == name).order_by(jobs.c.created_at, jobs.c.id))
    return [job_info(row) for row in rows]


async def settled(shelf: Shelf, name: str = JOB) -> list[JobInfo]:
    """All jobs of the name once they have ended."""
    while True:
        found = await all_jobs(shelf, name)
        if all(job.state in FINISHED for job in found):
            return found
        await asyncio.sleep(0.01)


async def until(shelf: Shelf, wanted: Callable[[JobInfo], bool], name: str = JOB) -> JobInfo:
    while True:
        for job in await all_jobs(shelf, name):
            if wanted(job):
                return job
        await asyncio.sleep(0.01)


async def film(shelf: Shelf, key: str = "1", instance: str = "a") -> TitleDetail:
    """The title, read without asking for what is missing of it."""
    title_id = (await shelf.library.titles_at(instance, [key]))[key]
    found = await shelf.library.titles.detail(title_id)
    assert found is not None
    return found


async def cast(shelf: Shelf, key: str = "1") -> list[str]:
    return [one["name"] for one in (await film(shelf, key)).cast]


async def test_titles_are_complete_after_the_job(shelf: Shelf) -> None:
    server = shelf.server("a", telling=True)
    trimmed(server, *(str(n) for n in range(120)))
    done = await shelf.sync()
    assert done.result["added"] == 120
    (job,) = await settled(shelf)
    assert job.state is JobState.DONE
    assert job.result == {"read": 120, "changed": 120, "away": False}
    assert [len(keys) for keys in server.asked] == [50, 50, 20]
    detail = await film(shelf)
    assert [one["name"] for one in detail.cast] == FULL
    assert detail.row.genres == ("Drama", "War", "Crime")
    assert detail.provenance[("cast",)] == "a"
    assert detail.unread == {}
    assert await shelf.library.changes(detail.row.id) == [], "reading to the end is no change of the title"
    await shelf.floor.bus.drain()
    news = [one for one in shelf.floor.heard if isinstance(one, LibraryChanged)]
    assert sum(one.changed for one in news) == 120


async def test_an_unchanged_library_is_not_asked_again(shelf: Shelf) -> None:
    server = shelf.server("a", telling=True)
    trimmed(server, "1", "2")
    await shelf.sync()
    await settled(shelf)
    before = await shelf.dump()
    server.asked.clear()
    with Writes(shelf.floor.db) as writes:
        await shelf.sync()
    # The dispatcher writes down when schedules come next, half a second after the start.
    assert set(writes.tables) <= {"sync_runs", "jobs", "events", "schedules"}
    assert len(await settled(shelf)) == 1
    async with shelf.floor.db.begin() as tx:
        await shelf.library.details.request(tx, "a")
    await settled(shelf)
    assert server.asked == []
    assert await shelf.dump() == before


async def test_only_what_changed_is_asked_for_and_nothing_is_lost_meanwhile(shelf: Shelf) -> None:
    server = shelf.server("a", telling=True)
    trimmed(server, "1", "2", "3")
    await shelf.sync()
    await settled(shelf)
    server.asked.clear()
    trimmed(server, "2", summary="Better.")
    server.more["2"]["cast"] = people([*FULL, "Gil"])
    # The listing arrives, the details do not.
    details_of = shelf.library.details.request

    async def later(*_: Any) -> bool:
        return True

    shelf.library.details.request = later  # type: ignore[assignment]  # held back for a moment
    await shelf.sync()
    detail = await film(shelf, "2")
    assert detail.values["summary"] == "Better."
    assert [one["name"] for one in detail.cast] == FULL
    assert detail.unread == {"a": ["2"]}
    shelf.library.details.request = details_of  # type: ignore[method-assign]  # and let go
    assert await shelf.library.details.request_missing("a")
    await settled(shelf)
    assert server.asked == [["2"]]
    assert await cast(shelf, "2") == [*FULL, "Gil"]
    changes = await shelf.library.changes(detail.row.id)
    assert [(one.path, one.rule) for one in changes if one.path == ("cast",)] == [(("cast",), "only")]


async def test_sources_without_details_are_left_alone(shelf: Shelf) -> None:
    server = shelf.server("a")
    server.put(movie("1"))
    await shelf.sync()
    detail = await shelf.library.title((await shelf.library.titles_at("a", ["1"]))["1"])
    assert detail is not None
    assert await shelf.library.details.request_missing("a") is False
    assert await all_jobs(shelf) == [] == await all_jobs(shelf, TITLE_JOB)


async def test_a_failed_batch_keeps_the_listing_and_is_asked_again(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(details, "BATCH", 2)
    server = shelf.server("a", telling=True)
    trimmed(server, *"12345")
    refused = {"3"}
    source = shelf.instances.providers["a"]
    api: Any = next(iter(source.values()))
    answer = api.details

    async def sometimes(keys: list[str]) -> list[MediaRecord]:
        if refused & set(keys):
            raise InvalidResponse("not JSON")
        found: list[MediaRecord] = await answer(keys)
        return found

    api.details = sometimes
    await shelf.sync()
    job = await until(shelf, lambda one: one.attempt == 1 and one.state is JobState.QUEUED)
    assert [await cast(shelf, key) for key in "12345"] == [FULL, FULL, SHORT, SHORT, FULL]
    refused.clear()
    server.asked.clear()
    async with shelf.floor.db.begin() as tx:
        await shelf.library.details.request(tx, "a")
    done = await shelf.floor.finished(job.id)
    assert done.state is JobState.DONE
    assert server.asked == [["3", "4"]]
    assert [await cast(shelf, key) for key in "12345"] == [FULL] * 5


async def test_a_server_that_goes_away_is_asked_again_when_it_is_back(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(details, "BATCH", 1)
    await shelf.library.start()
    server = shelf.server("a", telling=True)
    trimmed(server, "1", "2", "3")
    api: Any = next(iter(shelf.instances.providers["a"].values()))
    answer = api.details

    async def away(keys: list[str]) -> list[MediaRecord]:
        if keys != ["1"]:
            shelf.instances.states["a"] = InstanceState.RETRYING
            raise NotReady("It does not answer.")
        found: list[MediaRecord] = await answer(keys)
        return found

    api.details = away
    await shelf.sync()
    (job,) = await settled(shelf)
    assert job.state is JobState.DONE
    assert job.result == {"read": 1, "changed": 1, "away": True}
    assert [await cast(shelf, key) for key in "123"] == [FULL, SHORT, SHORT]
    api.details = answer
    server.asked.clear()
    shelf.instances.states["a"] = InstanceState.READY
    async with shelf.floor.db.begin() as tx:
        await shelf.floor.bus.publish(tx, InstanceChanged(instance_id="a", state="ready"), Audience.admins())
    while await cast(shelf, "3") != FULL:
        await asyncio.sleep(0.01)
    assert server.asked == [["2"], ["3"]], "it went on where it was"


async def test_a_server_that_asks_for_a_pause_gets_one(shelf: Shelf) -> None:
    server = shelf.server("a", telling=True)
    trimmed(server, "1")
    api: Any = next(iter(shelf.instances.providers["a"].values()))

    async def busy(keys: list[str]) -> list[MediaRecord]:
        raise RateLimited("slow down", retry_after=120.0)

    api.details = busy
    await shelf.sync()
    job = await until(shelf, lambda one: one.reason is not None and one.state is JobState.QUEUED)
    assert job.attempt == 0, "it is charged no attempt"
    assert job.due_at > shelf.floor.clock.now() + 60
    assert await cast(shelf) == SHORT


async def test_a_title_that_is_opened_is_asked_for_at_once(shelf: Shelf) -> None:
    server = shelf.server("a", telling=True)
    trimmed(server, "1", "2")

    async def later(*_: Any) -> bool:
        return True

    shelf.library.details.request = later  # type: ignore[assignment]  # the background job never comes
    await shelf.sync()
    title_id = (await film(shelf)).row.id
    shown = await shelf.library.title(title_id)
    assert shown is not None and [one["name"] for one in shown.cast] == SHORT, "the page does not wait"
    for _ in range(3):
        await shelf.library.title(title_id)
    await until(shelf, lambda one: one.state is JobState.DONE, TITLE_JOB)
    assert len(await settled(shelf, TITLE_JOB)) == 1
    assert await cast(shelf) == FULL
    assert await cast(shelf, "2") == SHORT
    assert server.asked == [["1"]]
    await shelf.floor.bus.drain()
    news = [one for one in shelf.floor.heard if isinstance(one, LibraryChanged)]
    assert news[-1].title_ids == [str(title_id)]
    count = len(await all_jobs(shelf, TITLE_JOB))
    await shelf.library.title(title_id)
    await shelf.library.stop()
    assert len(await all_jobs(shelf, TITLE_JOB)) == count


async def test_what_the_server_no_longer_has_is_not_asked_for_ever(shelf: Shelf) -> None:
    server = shelf.server("a", telling=True)
    trimmed(server, "1", "2")
    await shelf.sync()
    await settled(shelf)
    trimmed(server, "1", summary="Other.")
    api: Any = next(iter(shelf.instances.providers["a"].values()))

    async def nothing(keys: list[str]) -> list[MediaRecord]:
        server.asked.append(keys)
        return []

    api.details = nothing
    await shelf.sync()
    await settled(shelf)
    server.asked.clear()
    assert await shelf.library.details.request_missing("a") is False
    assert await cast(shelf) == FULL


async def test_priorities_decide_over_details_too(shelf: Shelf) -> None:
    one, two = shelf.server("a", telling=True), shelf.server("b", telling=True)
    trimmed(one, "1")
    two.put(movie("9", "Film 1", fields={"cast": people(["Zoe"])}))
    two.more["9"] = {"cast": people(["Zoe", "Yan"]), "tagline": "Only b."}
    await shelf.order("*", ["b", "a"])
    await shelf.sync()
    await settled(shelf)
    assert await cast(shelf) == ["Zoe", "Yan"]
    await shelf.order("people", ["a", "b"])
    assert await cast(shelf) == FULL
    shelf.instances.remove("b")
    await shelf.sync()
    detail = await film(shelf)
    assert "tagline" not in detail.values
    async with shelf.floor.db.read() as tx:
        rows = (await tx.execute(select(record_details.c.key))).all()
    assert [row[0] for row in rows] == ["1"], "what a removed server said goes with it"
