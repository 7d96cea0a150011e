"""Runs of some operations, kinds and titles, and rehearsals: only what was asked for changes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from medianest_core.domain.library.syncing.orders import Order, named_titles
from medianest_core.domain.library.syncing.run_changes import page_of
from medianest_core.domain.library.syncing.runs import SyncArgs
from medianest_core.ledger.states import JobState
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.media import Library as Section
from medianest_core.sdk.media import MediaRecord, MediaSource
from medianest_core.sdk.status import StatusProvider
from medianest_core.store.tables.library import sync_runs
from tests.databases import POSTGRESQL
from tests.fakes.media import FakeSource, movie
from tests.fakes.portal import Writes
from tests.integration.library.conftest import Shelf
from tests.integration.library.test_sync import series

ENGLISH = {"en": {"format": "srt", "title": "English"}}
FRENCH = {"fr": {"format": "srt", "title": "Français"}}


async def title_id(shelf: Shelf, words: str) -> int:
    return (await shelf.library.search(words))[0].id


async def values(shelf: Shelf, title: int) -> dict[str, Any]:
    detail = await shelf.library.title(title)
    assert detail is not None
    return dict(detail.values)


@pytest.mark.parametrize("telling", [False, True])
async def test_one_operation_on_one_title_on_one_server(shelf: Shelf, telling: bool) -> None:
    one, two = shelf.server("a", telling=telling), shelf.server("b")
    one.put(movie("1", "Heat", fields={"captions": {} if telling else ENGLISH}), movie("2", "Other"))
    if telling:
        one.more["1"] = {"captions": ENGLISH, "tagline": "Old"}
    two.put(movie("9", "Heat", fields={"captions": FRENCH}))
    await shelf.sync()
    heat = await title_id(shelf, "heat")
    if telling:
        await shelf.library.details.request_titles({"a": ["1"]})
        while "tagline" not in await values(shelf, heat):
            await asyncio.sleep(0.01)
    before = await values(shelf, heat)
    assert before["captions"] == {**ENGLISH, **FRENCH}
    better = {"en": {"format": "srt", "title": "Better"}}
    one.put(
        movie("1", "Renamed", fields={"summary": "New.", "captions": {} if telling else better}),
        movie("2", "Also renamed"),
    )
    if telling:
        one.more["1"] = {"captions": better, "tagline": "New"}
    two.put(movie("9", "Heat", fields={"captions": {"fr": {"format": "srt", "title": "Neuf"}}}))
    done = await shelf.sync(ops=("captions",), titles=(heat,), instance_ids=("a",))
    assert done.state is JobState.DONE
    assert await values(shelf, heat) == {**before, "captions": {**better, **FRENCH}}
    assert done.result["ops"] == {"a": {"captions": {"movie": 1}}}
    assert done.result["compared"] == {"a": {"captions": 1}}
    again = await shelf.sync(ops=("captions",), titles=(heat,), instance_ids=("a",))
    assert again.result["changed"] == 0
    await shelf.sync()
    assert (await values(shelf, heat))["summary"] == "New.", "the rest comes with the next whole sync"


async def test_each_asset_is_an_operation_of_its_own(shelf: Shelf) -> None:
    server = shelf.server("a")
    server.put(movie("1", "Heat", fields={"assets": {"poster": "/p1", "backdrop": "/b1", "logo": "/l1"}}))
    await shelf.sync()
    heat = await title_id(shelf, "heat")
    server.put(movie("1", "Heat", fields={"assets": {"poster": "/p2", "backdrop": "/b2", "thumb": "/t2"}}))
    await shelf.sync(ops=("posters",), titles=(heat,))
    assert (await values(shelf, heat))["assets"] == {"poster": "/p2", "backdrop": "/b1", "logo": "/l1"}
    await shelf.sync(ops=("logos", "thumbnails"), titles=(heat,))
    assert (await values(shelf, heat))["assets"] == {"poster": "/p2", "backdrop": "/b1", "thumb": "/t2"}


async def test_a_show_its_seasons_and_its_episodes(shelf: Shelf) -> None:
    server = shelf.server("a")
    series(server)
    await shelf.sync()
    show = await title_id(shelf, "expanse")
    detail = await shelf.library.title(show)
    assert detail is not None
    season = detail.seasons[0].id
    episodes = [one.id for one in await shelf.library.episodes(season)]
    server.put(
        MediaRecord("s1", "show", "Show!", "2", 2015, {"tvdb": "280619"}, added_at=1.0),
        MediaRecord("s1.1", "season", "Season!", "2", parent="s1", index=1, added_at=1.0),
        *(
            MediaRecord(
                f"s1.1.{n}", "episode", f"Episode {n}!", "2", parent="s1.1", index=n, added_at=float(n)
            )
            for n in (1, 2, 3)
        ),
    )

    async def names() -> list[str]:
        return [(await values(shelf, one))["title"] for one in (show, season, *episodes)]

    await shelf.sync(ops=("metadata",), titles=(episodes[1],))
    assert await names() == ["The Expanse", "Season 1", "Part 1", "Episode 2!", "Part 3"]
    await shelf.sync(ops=("metadata",), titles=(show,), kinds=("show",))
    assert await names() == ["Show!", "Season 1", "Part 1", "Episode 2!", "Part 3"]
    await shelf.sync(ops=("metadata",), titles=(season,))
    assert await names() == ["Show!", "Season!", "Episode 1!", "Episode 2!", "Episode 3!"]


async def test_kinds_leave_others_alone_and_remove_nothing_of_them(shelf: Shelf) -> None:
    server = shelf.server("a")
    server.put(movie("1", "Heat"), movie("5", "Gone soon"))
    series(server)
    await shelf.sync()
    server.put(movie("1", "Heat", fields={"summary": "New."}))
    del server.records["5"]
    show = await title_id(shelf, "expanse")
    server.put(
        MediaRecord("s1", "show", "The Expanse", "2", 2015, {"tvdb": "280619"}, fields={"summary": "New."})
    )
    for _ in range(3):
        done = await shelf.sync(kinds=("show",))
    assert done.result["kinds"] == {"a": {"show": 1}}
    assert (await values(shelf, show))["summary"] == "New."
    assert (await values(shelf, await title_id(shelf, "heat")))["summary"] != "New."
    assert "Gone soon" in await shelf.names()


async def test_a_contributed_kind_can_be_named(shelf: Shelf) -> None:
    server = shelf.server("a")
    server.libraries = [*server.libraries, Section("3", "Music", "album")]
    server.put(movie("1", "A film"), movie("2", "A record", kind="album", library="3"))
    done = await shelf.sync(kinds=("album",))
    assert await shelf.names() == ["A record"]
    assert done.result["kinds"] == {"a": {"album": 1}}


async def test_a_run_says_that_it_found_nothing_of_what_it_was_asked_for(shelf: Shelf) -> None:
    """Otherwise a name that is mistyped looks like a library where nothing changed."""
    shelf.server("a").put(movie("1", "Heat"))
    shelf.instances.add("radarr", StatusProvider, object())
    await shelf.sync()
    for options, words in (
        ({"kinds": ("moive",)}, "anything of these kinds: moive"),
        ({"kinds": ("episode",), "keys": ("1",)}, "anything of these kinds: episode"),
        ({"instance_ids": ("radarr",)}, "lists no media"),
        ({"instance_ids": ("a", "radarr")}, "lists no media"),
    ):
        run = await shelf.library.runs.of_job((await shelf.sync(**options)).id)
        assert run is not None
        (problem,) = run.problems
        assert words in problem["message"]
    for options in (
        {"kinds": ("movie",)},
        {"kinds": ("movie",), "keys": ("1",)},
        {"kinds": ("show", "movie")},
        {"instance_ids": ("removed",)},
    ):
        run = await shelf.library.runs.of_job((await shelf.sync(**options)).id)
        assert run is not None and run.problems == []


async def named(shelf: Shelf, name: str) -> list[int]:
    async with shelf.floor.db.read() as tx:
        return await named_titles(tx, name)


async def test_what_is_typed_may_be_a_number_and_a_name(shelf: Shelf) -> None:
    shelf.server("a").put(movie("a", "Heat"))
    await shelf.sync()
    (first,) = await named(shelf, "Heat")
    shelf.server("a").put(movie("a", "Heat"), movie("b", str(first)))
    await shelf.sync()
    (second,) = await named(shelf, str(first))
    typed = await shelf.library.orders.typed([str(first), "202401011234", "nine"])
    assert typed == [first, second, "202401011234", "nine"]


async def test_a_rehearsal_writes_what_servers_bring_together_as_a_sync_would(shelf: Shelf) -> None:
    for name in "ab":
        shelf.server(name).put(movie("1", "Heat", fields={"summary": name}))
    run = await shelf.library.runs.of_job((await shelf.sync(dry_run=True)).id)
    assert run is not None
    would = run.counts["would"]
    assert ([one["title"] for one in would["added"]], would["count"]) == (["Heat"], 0)


async def test_runs_of_single_titles_do_not_hide_when_a_server_was_read_whole(shelf: Shelf) -> None:
    shelf.server("a").put(movie("1", "Heat"))
    await shelf.sync()
    runs = shelf.library.runs
    first = await runs.last_complete("a", "1")
    assert first is not None
    async with shelf.floor.db.begin() as tx:
        for number in range(120):
            args = SyncArgs(instance_ids=("a",), keys=("1",)) if number % 2 else SyncArgs(titles=(number,))
            values = {"scope": args.scope, "args": args.model_dump(mode="json"), "started_at": 9e9}
            fixed = {"forced": False, "job_id": "", "state": "done", "created_at": 9e9, "problems": []}
            await tx.execute(sync_runs.insert().values(**values, **fixed, counts={"complete": []}))
    assert await runs.last_complete("a", "1") == first
    assert await runs.complete_at() == {"a": first}


async def test_a_rehearsal_says_what_would_change_and_writes_nothing(shelf: Shelf) -> None:
    server = shelf.server("a")
    server.put(movie("1", "Heat"), movie("2", "Ronin"))
    await shelf.sync()
    heat = await title_id(shelf, "heat")
    before = await shelf.dump()
    server.put(movie("1", "Heat", fields={"summary": "New."}), movie("3", "Collateral"))
    with Writes(shelf.floor.db) as writes:
        done = await shelf.sync(dry_run=True)
    assert await shelf.dump() == before
    assert (done.result["added"], done.result["changed"]) == (1, 1)
    would = done.result["would"]
    assert would["changes"] == [
        {
            "title_id": heat,
            "title": "Heat",
            "path": ["summary"],
            "before": "About Heat.",
            "after": "New.",
            "instance_id": "a",
            "rule": "only",
        }
    ]
    assert [one["title"] for one in would["added"]] == ["Collateral"]
    assert writes.tables["sync_runs"], "the run itself is remembered"
    run = (await shelf.library.sync_runs())[0]
    assert run.args is not None and run.args.dry_run
    assert [one.title for one in (await shelf.library.changes_of(run)).items] == ["Heat"]
    assert (await shelf.sync()).result["changed"] == 1


async def test_orders_name_titles_by_number_key_or_name(shelf: Shelf) -> None:
    server = shelf.server("a")
    server.put(*(movie(str(n), f"Movie {n}") for n in range(1, 5)))
    await shelf.sync()
    number = await title_id(shelf, "movie 1")
    for n in range(1, 6):
        server.put(movie(str(n), f"Movie {n}", fields={"summary": "New."}))
    server.calls.clear()
    order = Order(instances=["A"], titles=[number, "2", "MOVIE 3"], keys=["5"], ops=["metadata"])
    jobs = await shelf.library.orders.request(order, None)
    assert len(jobs) == 2, "what nobody knows yet comes whole"
    for job in jobs:
        assert (await shelf.floor.finished(job)).state is JobState.DONE
    assert server.calls.count("record") == 4 and "records" not in server.calls
    said = {
        name: (await values(shelf, await title_id(shelf, name)))["summary"] for name in await shelf.names()
    }
    assert [name for name, text in said.items() if text == "New."] == [f"Movie {n}" for n in (1, 2, 3, 5)]


@pytest.mark.parametrize(
    "order",
    [
        Order(ops=["sounds"]),
        Order(ops=[]),
        Order(instances=["nowhere"]),
        Order(instances=[]),
        Order(keys=[" "]),
        Order(titles=[]),
        Order(titles=[" "]),
    ],
)
async def test_orders_that_make_no_sense_are_refused(shelf: Shelf, order: Order) -> None:
    shelf.server("a")
    with pytest.raises(UserError):
        await shelf.library.orders.request(order, None)
    assert await shelf.library.sync_runs() == []


class _Unchanging(FakeSource):
    """Cannot say what changed."""

    changes = MediaSource.changes


async def test_news_of_a_source_that_cannot_tell_them_come_by_its_listing(shelf: Shelf) -> None:
    server = shelf.server("a")
    server.put(*(movie(str(n)) for n in range(3)))
    shelf.instances.providers["a"][MediaSource] = _Unchanging("a", server)
    await shelf.sync()
    server.put(movie("9", "New"))
    del server.records["1"]
    for _ in range(3):
        await shelf.sync(recent=True)
    assert sorted(await shelf.names()) == ["Movie 0", "Movie 1", "Movie 2", "New"]


async def test_changes_of_a_run_come_title_by_title_from_one_index(shelf: Shelf, backend: str) -> None:
    server = shelf.server("a")
    server.put(*(movie(str(n), f"Movie {n}", ids={"imdb": f"tt{n}"}) for n in range(8)))
    await shelf.sync()
    server.put(
        *(
            movie(str(n), f"Movie {n}", ids={"imdb": f"tt{n}"}, fields={"summary": "New.", "tagline": "New."})
            for n in range(8)
        )
    )
    await shelf.sync()
    run = (await shelf.library.sync_runs())[0]
    whole = (await shelf.library.changes_of(run)).items
    assert len(whole) == 16 and [one.title_id for one in whole] == sorted(one.title_id for one in whole)
    paged: list[Any] = []
    after: int | None = 0
    while after is not None:
        page = await shelf.library.changes_of(run, after, 3)
        paged += page.items
        after = page.after
    assert paged == list(whole)
    explain = "EXPLAIN" if backend == POSTGRESQL else "EXPLAIN QUERY PLAN"
    async with shelf.floor.db.read() as tx:
        if backend == POSTGRESQL:
            # It would rather read and sort the few rows of a test.
            for way in ("seqscan", "bitmapscan", "sort", "incremental_sort"):
                await tx.execute(text(f"SET LOCAL enable_{way} = off"))
        for start in (0, whole[5].id or 0):
            statement = page_of(run.id, start, 3).compile(
                dialect=shelf.floor.db.engine.dialect, compile_kwargs={"literal_binds": True}
            )
            rows = await tx.execute(text(f"{explain} {str(statement).replace(':', chr(92) + ':')}"))
            plan = " ".join(str(row[-1]) for row in rows)
            assert "ix_sync_changes_run" in plan and "sort" not in plan.lower().replace("sort_title", ""), (
                plan
            )
            assert "TEMP B-TREE" not in plan
