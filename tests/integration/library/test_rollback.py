"""Rolling back: a field, a title, a run; what is held, and until when."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from medianest_core.domain.library.stored.marks import load_marks
from medianest_core.sdk.errors import NotFound, UserError
from medianest_core.sdk.media import MediaRecord
from medianest_core.store.engine import Database
from medianest_core.store.tables.all import core_metadata
from tests.databases import database_url
from tests.fakes.media import movie
from tests.integration.library.rollbacks import Shelves


@pytest.fixture
async def shelves(tmp_path: Path, backend: str) -> AsyncIterator[Shelves]:
    db = Database(database_url(tmp_path))
    await db.start()
    async with db.engine.begin() as connection:
        await connection.run_sync(core_metadata().create_all)
    yield Shelves(db)
    await db.close()


def heat(summary: str, **fields: object) -> MediaRecord:
    return movie("1", "Heat", ids={"imdb": "tt1"}, fields={"summary": summary, **fields})


async def only(shelves: Shelves) -> int:
    [title] = await shelves.state()
    return title


async def summary(shelves: Shelves) -> str:
    [one] = (await shelves.state()).values()
    return str(one[3].get("summary"))


async def test_a_run_is_rolled_back_and_held_until_the_source_changes(shelves: Shelves) -> None:
    await shelves.run({"a": [heat("Good.", captions={"en": "e1", "de": "d1"})]})
    before = await shelves.state()
    bad = {"a": [heat("Bad.", captions={"en": "e2"}, tagline="New")]}
    run = await shelves.run(bad)
    assert await shelves.state() != before
    report = await shelves.rollback.run(run, "u1")
    assert await shelves.state() == before
    assert report.counts["restored"] == 4 and not report.counts["later"]
    await shelves.run(bad)
    assert await shelves.state() == before, "it is held against what was rolled back"
    await shelves.run({"a": [heat("Better.", captions={"en": "e2"}, tagline="New")]})
    [state] = (await shelves.state()).values()
    assert state[3]["summary"] == "Better." and state[3]["captions"] == {"en": "e1", "de": "d1"}
    title = await only(shelves)
    async with shelves.db.read() as tx:
        marks = (await load_marks(tx, [title]))[title]
    assert set(marks.holds) == {("captions", "de"), ("captions", "en"), ("tagline",)}, "one hold has ended"
    await shelves.run(bad)
    assert await summary(shelves) == "Bad.", "it said something else in between"


async def test_a_rollback_is_a_run_that_can_be_rolled_back(shelves: Shelves) -> None:
    await shelves.run({"a": [heat("Good.")]})
    before = await shelves.docs()
    run = await shelves.run({"a": [heat("Bad.", tagline="New")]})
    after = await shelves.docs()
    report = await shelves.rollback.run(run, None)
    assert report.run is not None and await shelves.docs() == before, "to the byte"
    await shelves.rollback.run(report.run, None)
    assert await shelves.docs() == after
    async with shelves.db.read() as tx:
        assert not (await load_marks(tx, list(after)))[await only(shelves)].holds


async def test_what_changed_again_later_stays(shelves: Shelves) -> None:
    await shelves.run({"a": [heat("One.", tagline="t1")]})
    run = await shelves.run({"a": [heat("Two.", tagline="t2")]})
    await shelves.run({"a": [heat("Three.", tagline="t2")]})
    report = await shelves.rollback.run(run, None)
    [state] = (await shelves.state()).values()
    assert (state[3]["summary"], state[3]["tagline"]) == ("Three.", "t1")
    assert report.counts["later"] == 1


async def test_a_title_goes_back_to_before_a_run(shelves: Shelves) -> None:
    await shelves.run({"a": [heat("One.")]})
    before = await shelves.docs()
    run = await shelves.run({"a": [heat("Two.", tagline="t")]})
    await shelves.run({"a": [heat("Three.")], "b": [heat("Other.", studio="S")]})
    report = await shelves.rollback.title(await only(shelves), "u1", run=run)
    [state] = (await shelves.state()).values()
    assert state[3]["summary"] == "One." and "tagline" not in state[3] and "studio" not in state[3]
    assert report.counts["restored"] == 2, "the tagline had gone by itself"
    assert before.keys() == (await shelves.docs()).keys()
    with pytest.raises(NotFound):
        await shelves.rollback.title(99, None, run=run)
    with pytest.raises(UserError):
        await shelves.rollback.title(await only(shelves), None)


async def test_a_field_goes_back_and_a_trial_writes_nothing(shelves: Shelves) -> None:
    await shelves.run({"a": [heat("One.", captions={"en": "1"})]})
    await shelves.run({"a": [heat("Two.", captions={"en": "2"})]})
    title, there = await only(shelves), await shelves.docs()
    tried = await shelves.rollback.field_of(title, ["captions", "en"], None, dry_run=True)
    assert [(one.path, one.before, one.after, one.outcome) for one in tried.rows] == [
        (("captions", "en"), "2", "1", "restored")
    ]
    assert tried.run is None and await shelves.docs() == there
    await shelves.rollback.field_of(title, ["captions", "en"], None)
    [state] = (await shelves.state()).values()
    assert state[3]["captions"] == {"en": "1"} and state[3]["summary"] == "Two."
    with pytest.raises(NotFound):
        await shelves.rollback.field_of(title, ["studio"], None)


async def test_titles_that_a_run_added_are_withheld_until_a_server_says_otherwise(shelves: Shelves) -> None:
    await shelves.run({"a": [movie("1", "Heat")]})
    before = await shelves.docs()
    run = await shelves.run({"a": [movie("2", "Junk"), movie("3", "Trash")]})
    report = await shelves.rollback.run(run, None)
    assert report.counts["withheld"] == 2 and await shelves.docs() == before
    await shelves.run({"a": [movie("2", "Junk")]})
    assert await shelves.docs() == before, "the server says the same"
    await shelves.run({"a": [movie("2", "Jungle")], "b": [movie("7", "Trash")]})
    assert sorted(one[2] for one in (await shelves.state()).values()) == ["Heat", "Jungle", "Trash"]


async def test_titles_come_back_when_their_withholding_is_rolled_back(shelves: Shelves) -> None:
    run = await shelves.run({"a": [movie("1", "Heat"), movie("2", "Ran")]})
    before = await shelves.state()
    report = await shelves.rollback.run(run, None)
    assert await shelves.state() == {} and report.run is not None
    again = await shelves.rollback.run(report.run, None)
    assert again.counts["revived"] == 2
    assert await shelves.state() == before


async def test_removed_titles_come_back_without_a_place_and_join_what_servers_list(shelves: Shelves) -> None:
    show = movie("s", "Show", kind="show", ids={"tvdb": "9"}, fields={"tagline": "Kept"})
    season = movie("s1", "Season 1", kind="season", parent="s", index=1)
    await shelves.run({"a": [show, season]})
    before = await shelves.state()
    run = await shelves.run({}, [("a", "s"), ("a", "s1")])
    assert await shelves.state() == {}
    report = await shelves.rollback.run(run, None)
    assert report.counts["revived"] == 2 and await shelves.state() == before
    await shelves.run({"b": [movie("x", "Elsewhere")]})
    assert before.keys() < (await shelves.state()).keys(), "a title that no server has stays"
    await shelves.run(
        {
            "b": [
                movie("t", "Show", kind="show", ids={"tvdb": "9"}),
                movie("t1", "Season 1", kind="season", parent="t", index=1),
            ]
        }
    )
    state = await shelves.state()
    assert before.keys() < state.keys() and len(state) == 3, "the same titles, now with a place"
    [tagline] = [one[3].get("tagline") for title, one in state.items() if one[0] == "show"]
    assert tagline is None


async def test_a_removed_title_that_a_server_lists_again_stays_as_it_is(shelves: Shelves) -> None:
    await shelves.run({"a": [heat("One.")]})
    run = await shelves.run({}, [("a", "1")])
    await shelves.run({"b": [heat("Two.")]})
    report = await shelves.rollback.run(run, None)
    assert report.counts["gone"] == 1 and await summary(shelves) == "Two."


async def test_values_that_moved_to_another_source_move_back(shelves: Shelves) -> None:
    await shelves.run({"a": [heat("Same.")]})
    before = await shelves.state()
    newer = heat("Same.", studio="B")
    run = await shelves.run({"b": [replace(newer, updated_at=2_000_000_000.0)]})
    assert await shelves.state() != before
    await shelves.rollback.run(run, None)
    assert await shelves.state() == before
