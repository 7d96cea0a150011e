"""The sync against servers in memory: what is written, what is kept, and what is never lost."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from sqlalchemy import func, select, text

from medianest_core.bus.events import LibraryChanged, SystemAlert
from medianest_core.domain.library.merge import Priorities
from medianest_core.domain.library.reading.query import LibraryQuery
from medianest_core.domain.library.records import encode
from medianest_core.domain.library.stored.sources import numbers
from medianest_core.domain.library.syncing.runs import SyncArgs
from medianest_core.domain.library.syncing.work import Work, write
from medianest_core.domain.library.writing.finalize import Batch
from medianest_core.domain.library.writing.membership import Incoming
from medianest_core.host.states import InstanceState
from medianest_core.ledger.states import JobState
from medianest_core.sdk.errors import NotReady
from medianest_core.sdk.media import Library as Section
from medianest_core.sdk.media import MediaRecord
from medianest_core.store.tables.library import sync_changes
from medianest_core.store.transaction import alone
from tests.fakes.media import FakeServer, movie
from tests.fakes.portal import Writes
from tests.integration.library.conftest import Shelf


def series(server: FakeServer, key: str = "s1", episodes: int = 3, library: str = "2") -> None:
    server.libraries = [*server.libraries, Section(library, "Shows", "show", ("/media/shows",))]
    server.put(
        MediaRecord(key, "show", "The Expanse", library, 2015, {"tvdb": "280619"}, added_at=1.0),
        MediaRecord(f"{key}.1", "season", "Season 1", library, parent=key, index=1, added_at=1.0),
        *(
            MediaRecord(
                f"{key}.1.{n}", "episode", f"Part {n}", library, parent=f"{key}.1", index=n, added_at=float(n)
            )
            for n in range(1, episodes + 1)
        ),
    )


async def test_first_sync_lists_everything(shelf: Shelf) -> None:
    server = shelf.server("a")
    server.put(*(movie(str(n), f"Movie {n:03}") for n in range(250)))
    series(server)
    done = await shelf.sync()
    assert done.state is JobState.DONE
    assert (done.result["added"], done.result["changed"], done.result["removed"]) == (255, 0, 0)
    page = await shelf.library.list_titles(LibraryQuery(limit=100))
    assert page.total == 251
    names = [one.title for one in page.items]
    for _ in range(2):
        page = await shelf.library.list_titles(LibraryQuery(limit=100, cursor=page.next_cursor))
        names += [one.title for one in page.items]
    assert page.next_cursor is None
    assert names == ["The Expanse", *(f"Movie {n:03}" for n in range(250))]
    show = (await shelf.library.search("expanse"))[0]
    detail = await shelf.library.title(show.id)
    assert detail is not None
    assert [(one.index, one.episodes) for one in detail.seasons] == [(1, 3)]
    assert [one.title for one in await shelf.library.episodes(detail.seasons[0].id)] == [
        "Part 1",
        "Part 2",
        "Part 3",
    ]


async def test_second_sync_writes_nothing_but_its_run(shelf: Shelf) -> None:
    server = shelf.server("a")
    server.put(*(movie(str(n)) for n in range(120)))
    series(server)
    await shelf.sync()
    await shelf.floor.bus.drain()
    before = await shelf.dump()
    decoded = server.decoded
    shelf.floor.heard.clear()
    with Writes(shelf.floor.db) as writes:
        await shelf.sync()
    await shelf.floor.bus.drain()
    assert server.decoded == decoded
    assert await shelf.dump() == before
    # The dispatcher writes down when schedules come next, half a second after the start.
    assert set(writes.tables) <= {"sync_runs", "jobs", "events", "schedules"}
    assert not [one for one in shelf.floor.heard if isinstance(one, LibraryChanged)]


async def test_a_changed_record_changes_one_title_and_says_so(shelf: Shelf) -> None:
    server = shelf.server("a")
    server.put(*(movie(str(n), f"Movie {n}") for n in range(20)))
    await shelf.sync()
    server.put(movie("7", "Movie 7", fields={"summary": "Better."}))
    done = await shelf.sync()
    assert (done.result["added"], done.result["changed"]) == (0, 1)
    title = (await shelf.library.search("movie 7"))[0]
    changes = await shelf.library.changes(title.id)
    assert [(one.path, one.before, one.after, one.instance_id, one.rule) for one in changes] == [
        (("summary",), "About Movie 7.", "Better.", "a", "only")
    ]


async def test_two_servers_share_a_title_and_keep_their_own(shelf: Shelf) -> None:
    one, two = shelf.server("a"), shelf.server("b")
    one.put(movie("1", "Heat", ids={"imdb": "tt0113277"}, year=1995), movie("2", "Only here"))
    two.put(
        movie("9", "HEAT!", ids={"imdb": "tt0113277", "tmdb": "949"}, year=1996), movie("8", "Only there")
    )
    await shelf.sync()
    assert len(await shelf.names()) == 3
    heat = (await shelf.library.search("heat"))[0]
    assert heat.instance_ids == ("a", "b")
    detail = await shelf.library.title(heat.id)
    assert detail is not None
    assert [(one.instance_id, one.key) for one in detail.availability] == [("a", "1"), ("b", "9")]
    assert detail.ids == {"imdb": "tt0113277", "tmdb": "949"}
    page = await shelf.library.list_titles(LibraryQuery(instance_ids=("b",)))
    assert page.total == 2


async def test_what_several_servers_bring_at_once_is_put_together_once(shelf: Shelf) -> None:
    def brought(instance: str) -> Work:
        record = movie("1", "Arrival", fields={"summary": f"As {instance} tells it."})
        return Work(instance, [Incoming(instance, record, "d", encode(record))])

    async with shelf.floor.db.begin() as tx:
        await alone(tx, "library")
        batch = Batch(1, Priorities({"*": {"b": 0}}), await numbers(tx, ["a", "b"]), 1.0)
        applied = await write(tx, batch, [brought("a"), brought("b")])
        assert await tx.scalar(select(func.count()).select_from(sync_changes)) == 0
    assert (applied.added, applied.changed) == (1, 0)
    (title,) = (await shelf.library.list_titles(LibraryQuery(limit=10))).items
    detail = await shelf.library.title(title.id)
    assert detail is not None
    assert detail.values["summary"] == "As b tells it."
    assert {one.instance_id for one in detail.availability} == {"a", "b"}


async def test_the_library_does_not_depend_on_which_server_came_first(shelf: Shelf, tmp_path: object) -> None:
    one, two = shelf.server("a"), shelf.server("b")
    one.put(movie("1", "Solaris", year=1972), movie("2", "Stalker", ids={"imdb": "tt0079944"}, year=1979))
    two.put(movie("1", "Solaris", year=1972, ids={"imdb": "tt0069293"}), movie("2", "Stalker", year=1979))
    await shelf.sync(instance_ids=("a",))
    await shelf.sync(instance_ids=("b",))
    forward = (await shelf.dump())["docs"]
    async with shelf.floor.db.begin() as tx:
        for table in ("records", "record_data", "titles", "title_docs", "title_ids"):
            await tx.execute(text(f"DELETE FROM {table}"))
    await shelf.sync(instance_ids=("b",))
    await shelf.sync(instance_ids=("a",))
    assert (await shelf.dump())["docs"] == forward


async def test_priorities_decide_and_removing_a_server_yields_the_next_value(shelf: Shelf) -> None:
    one, two = shelf.server("a"), shelf.server("b")
    one.put(movie("1", "Heat", fields={"summary": "From a.", "studio": "Only a"}))
    two.put(movie("9", "Heat", fields={"summary": "From b.", "tagline": "Only b"}))
    await shelf.order("*", ["b", "a"])
    await shelf.sync()
    heat = (await shelf.library.search("heat"))[0]

    async def summary() -> tuple[str, str | None]:
        detail = await shelf.library.title(heat.id)
        assert detail is not None
        return detail.values["summary"], detail.provenance.get(("summary",))

    assert await summary() == ("From b.", "b")
    await shelf.order("text", ["a", "b"])
    assert await summary() == ("From a.", "a")
    one.put(movie("1", "Heat", fields={"summary": None, "studio": "Only a"}))
    await shelf.sync()
    assert await summary() == ("From b.", "b"), "null does not overwrite"
    shelf.instances.remove("b")
    await shelf.sync()
    detail = await shelf.library.title(heat.id)
    assert detail is not None
    assert "tagline" not in detail.values and detail.values["studio"] == "Only a"
    assert await shelf.names() == ["Heat"]


async def test_a_title_goes_after_two_complete_listings_without_it(shelf: Shelf) -> None:
    server = shelf.server("a")
    server.put(*(movie(str(n)) for n in range(30)))
    await shelf.sync()
    del server.records["3"]
    await shelf.sync()
    assert "Movie 3" in await shelf.names()
    removed = await shelf.sync(force=True)
    assert removed.result["removed"] == 1
    assert "Movie 3" not in await shelf.names()


async def test_a_title_that_comes_back_starts_over(shelf: Shelf) -> None:
    server = shelf.server("a")
    server.put(*(movie(str(n)) for n in range(5)))
    await shelf.sync()
    lost = server.records.pop("3")
    await shelf.sync(force=True)
    server.put(lost)
    await shelf.sync()
    del server.records["3"]
    await shelf.sync(force=True)
    assert "Movie 3" in await shelf.names()


async def test_failed_or_partial_listings_remove_nothing(shelf: Shelf) -> None:
    server = shelf.server("a")
    server.put(*(movie(str(n)) for n in range(300)))
    await shelf.sync()
    full = dict(server.records)
    faults: list[dict[str, object]] = [
        {"fail": NotReady("down")},
        {"fail_after": 100},
        {"claims": 301},
        {"records": {}},
        {"libraries": []},
    ]
    for fault in faults:
        for name, value in fault.items():
            setattr(server, name, value)
        for _ in range(3):
            await attempt(shelf)
        assert len(await shelf.names()) == 200, fault
        page = await shelf.library.list_titles(LibraryQuery())
        assert page.total == 300, fault
        server.fail, server.fail_after, server.claims = None, None, None
        server.records, server.libraries = dict(full), FakeServer().libraries
        await shelf.sync(force=True)


async def attempt(shelf: Shelf) -> None:
    """One run, whatever comes of it; a job that would try again later is cancelled."""
    job_id = await shelf.library.request_sync(force=True)
    while not (job := await shelf.floor.job(job_id)).attempt or job.state is JobState.LEASED:
        await asyncio.sleep(0.005)
    async with shelf.floor.db.begin() as tx:
        await shelf.floor.ledger.cancel(tx, job_id)


async def test_too_many_absences_are_held_for_the_admin(shelf: Shelf) -> None:
    server = shelf.server("a")
    server.put(*(movie(str(n)) for n in range(200)))
    await shelf.sync()
    for n in range(80):
        del server.records[str(n)]
    for _ in range(3):
        await shelf.sync(force=True)
    page = await shelf.library.list_titles(LibraryQuery())
    assert page.total == 200
    section = (await shelf.library.sections("a"))[0]
    assert section.held == 80
    await shelf.floor.bus.drain()
    alerts = [one for one in shelf.floor.heard if isinstance(one, SystemAlert)]
    assert len(alerts) == 1 and alerts[0].active
    await shelf.floor.finished(await shelf.library.absences.remove("a", "1", None))
    page = await shelf.library.list_titles(LibraryQuery())
    assert page.total == 120
    assert (await shelf.library.sections("a"))[0].held == 0


async def test_one_dead_server_does_not_stop_the_others(shelf: Shelf) -> None:
    one, two, three = shelf.server("a"), shelf.server("b"), shelf.server("c")
    one.fail = NotReady("down")
    two.put(movie("1", "Alive"))
    three.put(movie("1", "Never reached"))
    shelf.instances.states["c"] = InstanceState.RETRYING
    done = await shelf.sync()
    assert done.state is JobState.DONE
    assert await shelf.names() == ["Alive"]
    run = (await shelf.library.sync_runs())[0]
    assert {problem["instance_id"] for problem in run.problems} == {"a", "c"}
    assert run.counts["complete"] == ["b/1"]


async def test_a_record_that_cannot_be_read_spoils_no_other(shelf: Shelf) -> None:
    server = shelf.server("a")
    server.put(movie("1", "Good"), movie("2", "Bad", fields={"summary": object()}))
    done = await shelf.sync()
    assert done.state is JobState.DONE
    assert await shelf.names() == ["Good"]
    assert "1 records cannot be read" in str((await shelf.library.sync_runs())[-1].problems)


async def test_requests_of_one_scope_join_and_a_forced_one_follows(shelf: Shelf) -> None:
    server = shelf.server("a")
    server.put(movie("1"))
    server.gate = asyncio.Event()
    first = await shelf.library.request_sync()
    while "records" not in server.calls:
        await asyncio.sleep(0.005)
    assert await shelf.library.request_sync() == first
    forced = await shelf.library.request_sync(force=True)
    assert forced != first
    assert await shelf.library.request_sync(force=True) == forced
    server.gate.set()
    assert (await shelf.floor.finished(first)).state is JobState.DONE
    assert (await shelf.floor.finished(forced)).state is JobState.DONE
    assert server.calls.count("records") == 2


async def test_single_keys_are_read_again_alone(shelf: Shelf) -> None:
    server = shelf.server("a")
    server.put(*(movie(str(n)) for n in range(10)))
    series(server)
    await shelf.sync()
    server.calls.clear()
    server.put(
        movie("4", "Renamed"),
        movie("5", "Not asked for"),
        MediaRecord("s2.1.1", "episode", "Pilot", "2", parent="s2.1", index=1),
        MediaRecord("s2.1", "season", "Season 1", "2", parent="s2", index=1),
        MediaRecord("s2", "show", "Dark", "2", 2017),
    )
    await shelf.floor.finished(await shelf.library.request_titles("a", ["4", "s2.1.1"]))
    assert "records" not in server.calls
    names = await shelf.names()
    assert "Renamed" in names and "Movie 5" in names and "Dark" in names
    dark = (await shelf.library.search("dark"))[0]
    detail = await shelf.library.title(dark.id)
    assert detail is not None
    assert [one.title for one in await shelf.library.episodes(detail.seasons[0].id)] == ["Pilot"]


async def test_what_changed_lately_is_asked_for(shelf: Shelf) -> None:
    server = shelf.server("a")
    server.put(movie("1"))
    await shelf.sync()
    server.calls.clear()
    server.put(movie("2", "Brand new", added_at=shelf.floor.clock.now()))
    await shelf.floor.finished(await shelf.library.request_titles("a", None))
    assert "Brand new" in await shelf.names()
    assert "records" not in server.calls


async def test_episodes_follow_when_two_shows_turn_out_to_be_one(shelf: Shelf) -> None:
    one, two = shelf.server("a"), shelf.server("b")
    series(one, "x")
    series(two, "y", episodes=5)
    two.put(replace(two.records["y"], title="Expanse, The (2015)", ids={}))
    await shelf.sync()
    assert (await shelf.library.list_titles(LibraryQuery(kinds=("show",)))).total == 2
    two.put(replace(two.records["y"], title="Expanse, The (2015)", ids={"tvdb": "280619"}))
    await shelf.sync()
    page = await shelf.library.list_titles(LibraryQuery(kinds=("show",)))
    assert page.total == 1
    detail = await shelf.library.title(page.items[0].id)
    assert detail is not None
    assert [(season.index, season.episodes) for season in detail.seasons] == [(1, 5)]
    async with shelf.floor.db.read() as tx:
        assert await tx.scalar(text("SELECT count(*) FROM titles WHERE level > 0")) == 6
    two.put(replace(two.records["y"], title="Something else", ids={}))
    await shelf.sync()
    page = await shelf.library.list_titles(LibraryQuery(kinds=("show",)))
    assert sorted(one.title for one in page.items) == ["Something else", "The Expanse"]
    counts = [
        sum(season.episodes for season in found.seasons)
        for one in page.items
        if (found := await shelf.library.title(one.id))
    ]
    assert sorted(counts) == [3, 5]


async def test_progress_names_each_server(shelf: Shelf) -> None:
    server = shelf.server("a")
    server.put(*(movie(str(n)) for n in range(50)))
    job_id = await shelf.library.runs.request(SyncArgs())
    await shelf.floor.finished(job_id)
    run = (await shelf.library.sync_runs())[0]
    assert run.counts["instances"]["a"] == {"done": 50, "changed": 50, "unchanged": 0, "state": "done"}
