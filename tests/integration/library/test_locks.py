"""Locks, holds that are let go, the history of a title, and why it looks as it does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import func, select, update

from medianest_core.base.clock import SystemClock
from medianest_core.bus.outbox import EventBus
from medianest_core.domain.library.past.history import History, HistoryArgs
from medianest_core.domain.library.past.locking import Locking
from medianest_core.domain.library.past.why import explain
from medianest_core.sdk.errors import NotFound, UserError
from medianest_core.sdk.jobs import JobContext
from medianest_core.sdk.media import MediaRecord
from medianest_core.store.engine import Database
from medianest_core.store.errors import Stale
from medianest_core.store.repos.events import EventRepo
from medianest_core.store.tables.all import core_metadata
from medianest_core.store.tables.library import sync_changes, titles
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


@pytest.fixture
def locking(shelves: Shelves) -> Locking:
    return Locking(shelves.db, EventBus(EventRepo(shelves.db)), SystemClock())


def heat(summary: str, at: float = 1.0, **fields: object) -> MediaRecord:
    return movie("1", "Heat", ids={"imdb": "tt1"}, fields={"summary": summary, **fields}, updated_at=at)


async def values(shelves: Shelves) -> tuple[int, dict[str, Any], dict[Any, str]]:
    [(title, one)] = (await shelves.state()).items()
    return title, one[3], one[4]


async def test_nested_values_are_locked_and_no_sync_touches_them(shelves: Shelves, locking: Locking) -> None:
    said: dict[str, Any] = {
        "captions": {"en": "e1", "de": "d1"},
        "media": {"hdr": "HDR10"},
        "assets": {"poster": "/p1"},
    }
    await shelves.run({"a": [heat("One.", **said)], "b": [heat("Two.", 0.5, captions={"en": "b1"})]})
    title, _, _ = await values(shelves)
    await locking.lock(title, ("captions", "en"), "u1")
    await locking.lock(title, ("media", "hdr"), "u1", value=None)
    await locking.lock(title, ("assets", "poster"), "u1")
    await locking.lock(title, ("tagline",), "u1", value="Mine.")
    changed: dict[str, Any] = {
        "captions": {"en": "e2", "de": "d2"},
        "media": {"hdr": "DV"},
        "assets": {"poster": "/p2"},
    }
    await shelves.run({"a": [heat("Three.", **changed)]})
    _, now, origins = await values(shelves)
    assert now["captions"] == {"en": "e1", "de": "d2"} and now["assets"]["poster"] == "/p1"
    assert "media" not in now and now["tagline"] == "Mine." and now["summary"] == "Three."
    assert origins[("captions", "en")] == "lock" and origins[("captions", "de")] == "a"
    for path in (("captions", "en"), ("media", "hdr"), ("assets", "poster"), ("tagline",)):
        await locking.unlock(title, path, "u1")
    _, now, origins = await values(shelves)
    assert now["captions"]["en"] == "e2" and now["media"] == {"hdr": "DV"} and "tagline" not in now
    assert now["assets"]["poster"] == "/p2" and "lock" not in origins.values()


async def test_locks_win_over_a_rollback(shelves: Shelves, locking: Locking) -> None:
    await shelves.run({"a": [heat("One.", tagline="t1")]})
    run = await shelves.run({"a": [heat("Two.", tagline="t2")]})
    title, _, _ = await values(shelves)
    await locking.lock(title, ("summary",), None)
    report = await shelves.rollback.run(run, None)
    _, now, _ = await values(shelves)
    assert (now["summary"], now["tagline"]) == ("Two.", "t1")
    assert (report.counts["locked"], report.counts["restored"]) == (1, 1)


async def test_what_is_wrong_is_refused(shelves: Shelves, locking: Locking) -> None:
    await shelves.run({"a": [heat("One.", genres=["Drama"], cast=[{"name": "A"}])]})
    title, _, _ = await values(shelves)
    refused: list[tuple[tuple[str, ...], Any]] = [
        (("captions",), "x"),
        (("nonsense",), "x"),
        (("summary", "en"), "x"),
        (("title",), None),
        (("summary",), 5),
        (("summary",), "x" * 30_000),
        (("summary",), ""),
        (("cast",), ["A"]),
        (("year",), "1995"),
        (("genres",), "Drama"),
        ((), "x"),
    ]
    for path, value in refused:
        with pytest.raises(UserError):
            await locking.lock(title, path, None, value=value)
    with pytest.raises(UserError):
        await locking.unlock(title, ("summary",), None)
    with pytest.raises(UserError):
        await locking.release(title, ("summary",), None)
    with pytest.raises(NotFound):
        await locking.lock(99, ("summary",), None)
    await locking.lock(title, ("genres",), None, value=["Crime"], version=0)
    with pytest.raises(Stale):
        await locking.unlock(title, ("genres",), None, version=0)
    _, now, _ = await values(shelves)
    assert now["genres"] == ["Crime"]


async def test_a_hold_is_let_go_by_hand(shelves: Shelves, locking: Locking) -> None:
    await shelves.run({"a": [heat("One.")]})
    await shelves.run({"a": [heat("Two.")]})
    title, _, _ = await values(shelves)
    await shelves.rollback.field_of(title, ["summary"], None)
    explained = await explain(shelves.db, title)
    assert explained is not None
    [summary] = [one for one in explained.fields if one.path == ("summary",)]
    assert summary.why == "held" and summary.hold is not None and summary.value == "One."
    assert [(offer.value, offer.chosen) for offer in summary.offers] == [("Two.", False)]
    await locking.release(title, ("summary",), None)
    assert (await values(shelves))[1]["summary"] == "Two."


async def test_it_is_said_who_offers_what_and_who_wins(shelves: Shelves, locking: Locking) -> None:
    await shelves.run({"a": [heat("One.", 2.0)], "b": [heat("Two.", 1.0, tagline="t", captions={"en": "x"})]})
    title, _, _ = await values(shelves)
    await locking.lock(title, ("title",), "u1", value="Heat (1995)")
    explained = await explain(shelves.db, title)
    assert explained is not None and explained.version == 1
    found = {one.path: one for one in explained.fields}
    summary = found[("summary",)]
    assert summary.why == "priority"
    assert [(one.instance_id, one.value, one.rank, one.chosen) for one in summary.offers] == [
        ("a", "One.", 1, True),
        ("b", "Two.", 2, False),
    ]
    assert found[("tagline",)].why == "only" and found[("captions", "en")].origin == "b"
    name = found[("title",)]
    assert name.why == "lock" and name.lock is not None and name.lock.by == "u1" and len(name.offers) == 2
    assert found[("assets", "poster")].image
    assert await explain(shelves.db, 99) is None


async def test_the_history_says_who_changed_what_in_pages(shelves: Shelves, locking: Locking) -> None:
    history = History(shelves.db, SystemClock())
    runs = [await shelves.run({"a": [heat(f"No. {number}.")]}) for number in range(5)]
    title, _, _ = await values(shelves)
    await locking.lock(title, ("summary",), "u1", value="Mine.")
    page = await history.of_title(title, limit=3)
    assert [(one.after, one.actor, one.source) for one in page.items] == [
        ("Mine.", "u1", "lock"),
        ("No. 4.", None, "a"),
        ("No. 3.", None, "a"),
    ]
    assert page.items[1].run_id == runs[4] and page.items[1].before_from == "a"
    rest = await history.of_title(title, cursor=page.cursor, limit=3)
    assert [one.after for one in rest.items] == ["No. 2.", "No. 1."] and rest.cursor is None
    assert not (await history.of_title(title, path=("tagline",))).items
    with pytest.raises(UserError):
        await history.of_title(title, cursor="x")


async def test_old_changes_are_forgotten_and_young_ones_are_not(shelves: Shelves) -> None:
    clock = SystemClock()
    for number in range(4):
        await shelves.run({"a": [heat(f"No. {number}.")]})
    async with shelves.db.begin() as tx:
        newest = await tx.scalar(select(func.max(sync_changes.c.id)))
        await tx.execute(update(sync_changes).where(sync_changes.c.id == newest).values(at=clock.now()))
    ctx = cast(JobContext, SimpleNamespace(begin=shelves.db.begin, check_cancelled=lambda: None))
    assert await History(shelves.db, clock, keep_days=0)._prune(ctx, HistoryArgs()) == {"removed": 0}
    assert await History(shelves.db, clock)._prune(ctx, HistoryArgs()) == {"removed": 2}
    async with shelves.db.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(sync_changes)) == 1
        assert await tx.scalar(select(func.count()).select_from(titles)) == 1


async def test_a_title_that_no_server_has_can_be_locked_and_unlocked(
    shelves: Shelves, locking: Locking
) -> None:
    await shelves.run({"a": [heat("One.", captions={"de": "d1"})], "b": [movie("9", "Ran")]})
    title = next(one for one, state in (await shelves.state()).items() if state[2] == "Heat")
    gone = await shelves.run({}, [("a", "1")])
    await shelves.rollback.run(gone, None)
    before = (await shelves.docs())[title]
    await locking.lock(title, ("summary",), "u1", value="Mine.")
    await locking.lock(title, ("captions", "de"), "u1", value=None)
    await locking.lock(title, ("title",), "u1", value="Heat (1995)")
    state = (await shelves.state())[title]
    assert (state[2], state[3]["summary"]) == ("Heat (1995)", "Mine.") and "captions" not in state[3]
    assert state[4][("summary",)] == "lock" and state[4][("assets", "poster")] == "a"
    explained = await explain(shelves.db, title)
    assert explained is not None and explained.kept is not None
    assert {one.path for one in explained.fields if one.why == "lock"} == {
        ("summary",),
        ("captions", "de"),
        ("title",),
    }
    for path in (("summary",), ("captions", "de"), ("title",)):
        await locking.unlock(title, path, "u1")
    assert (await shelves.docs())[title] == before, "what stood beneath the locks is back"
    explained = await explain(shelves.db, title)
    assert explained is not None and not any(one.hold for one in explained.fields)
    await locking.lock(title, ("summary",), "u1", value="Mine.")
    await shelves.run({"b": [movie("8", "Heat", ids={"imdb": "tt1"}, fields={"summary": "Theirs."})]})
    assert (await shelves.state())[title][3]["summary"] == "Mine.", "a server has it again: the lock stays"
    await locking.unlock(title, ("summary",), "u1")
    assert (await shelves.state())[title][3]["summary"] == "Theirs."
