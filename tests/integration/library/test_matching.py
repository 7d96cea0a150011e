"""Titles joined and records taken off by hand, over real syncs."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from sqlalchemy import select

from medianest_core.domain.library.reading.query import LibraryQuery
from medianest_core.domain.library.syncing.orders import Order
from medianest_core.domain.library.syncing.scope import SyncArgs
from medianest_core.sdk.errors import NotFound, UserError
from medianest_core.store.tables.library import title_locks
from medianest_core.store.tables.requests import request_issues
from tests.fakes.media import movie
from tests.integration.library.conftest import Shelf


async def ids(shelf: Shelf) -> dict[str, int]:
    page = await shelf.library.list_titles(LibraryQuery(limit=100))
    return {one.title: one.id for one in page.items}


async def holders(shelf: Shelf, title_id: int) -> set[tuple[str, str]]:
    detail = await shelf.library.title(title_id)
    assert detail is not None
    return {(one.instance_id, one.key) for one in detail.availability}


async def complaint(shelf: Shelf, title_id: int) -> str:
    """Something of another domain that names a title."""
    values: dict[str, Any] = {
        "id": str(uuid.uuid4()),
        "title_id": title_id,
        "kind": "movie",
        "ids": {},
        "title": "x",
        "seasons": [],
        "episodes": [],
        "problem": "video",
        "message": "",
        "state": "open",
        "created_at": 1.0,
        "changed_at": 1.0,
    }
    known = {column.name for column in request_issues.columns}
    async with shelf.floor.db.begin() as tx:
        row = {name: value for name, value in values.items() if name in known}
        await tx.execute(request_issues.insert().values(**row))
    return str(values["id"])


async def named(shelf: Shelf, issue: str) -> int | None:
    async with shelf.floor.db.read() as tx:
        found = await tx.scalar(select(request_issues.c.title_id).where(request_issues.c.id == issue))
    return None if found is None else int(found)


async def lock(shelf: Shelf, title_id: int, name: str, value: str) -> None:
    async with shelf.floor.db.begin() as tx:
        await tx.execute(title_locks.insert().values(title_id=title_id, locks=[[[name], value]], version=1))


async def two_names(shelf: Shelf) -> tuple[int, int]:
    """One film that two servers call differently, with ids that disagree."""
    shelf.server("a").put(movie("1", "Alien", ids={"imdb": "tt1"}), movie("2", "Heat"))
    shelf.server("b").put(movie("9", "Das unheimliche Wesen", ids={"imdb": "tt2"}))
    await shelf.sync()
    found = await ids(shelf)
    return found["Alien"], found["Das unheimliche Wesen"]


async def test_joined_titles_stay_one_through_every_later_sync(shelf: Shelf) -> None:
    alien, other = await two_names(shelf)
    await lock(shelf, other, "tagline", "Locked.")
    issue = await complaint(shelf, other)
    assert await shelf.library.matching.join([other, alien], None) == other
    assert await holders(shelf, other) == {("a", "1"), ("b", "9")}
    assert await shelf.library.title(alien) is None
    assert await shelf.library.matching.living(alien) == other
    for _ in range(2):
        await shelf.sync(force=True)
        assert await holders(shelf, other) == {("a", "1"), ("b", "9")}
    await shelf.library.orders.request(Order(titles=[alien]), None)
    assert (await shelf.library.sync_runs())[0].args == SyncArgs(titles=(other,)), "an old number leads on"
    shelf.servers["a"].records.pop("1")
    shelf.servers["a"].put(movie("1", "Alien again", ids={"imdb": "tt3"}))
    await shelf.sync()
    assert await holders(shelf, other) == {("a", "1"), ("b", "9")}
    detail = await shelf.library.title(other)
    assert detail is not None and detail.values["tagline"] == "Locked."
    assert await named(shelf, issue) == other


async def test_a_join_that_is_taken_back_gives_back_everything(shelf: Shelf) -> None:
    alien, other = await two_names(shelf)
    await lock(shelf, other, "tagline", "Locked.")
    issue = await complaint(shelf, other)
    await shelf.library.matching.join([alien, other], None)
    assert await named(shelf, issue) == alien
    joined = await shelf.library.title(alien)
    assert joined is not None and joined.values["tagline"] == "Locked."
    [decision] = await shelf.library.matching.decisions()
    assert (decision.verdict, list(decision.titles)) == (
        "same",
        ["Alien (2000)", "Das unheimliche Wesen (2000)"],
    )
    await shelf.library.matching.take_back(decision.id, None)
    assert await holders(shelf, alien) == {("a", "1")}
    assert await holders(shelf, other) == {("b", "9")}
    assert await named(shelf, issue) == other
    back, left = await shelf.library.title(other), await shelf.library.title(alien)
    assert back is not None and back.values["tagline"] == "Locked."
    assert left is not None and "tagline" not in left.values
    assert await shelf.library.matching.living(other) is None
    assert await shelf.library.matching.decisions() == []
    with pytest.raises(NotFound):
        await shelf.library.matching.take_back(decision.id, None)


async def test_a_record_taken_off_stays_off_whatever_its_ids_say(shelf: Shelf) -> None:
    shelf.server("a").put(movie("1", "Alien", ids={"imdb": "tt1"}))
    shelf.server("b").put(movie("9", "Alien", ids={"imdb": "tt1"}))
    await shelf.sync()
    title = (await ids(shelf))["Alien"]
    odd = await shelf.library.matching.split(title, "b", "9", None)
    assert odd != title
    assert await holders(shelf, title) == {("a", "1")}
    assert await holders(shelf, odd) == {("b", "9")}
    shelf.server("c").put(movie("5", "Alien", ids={"imdb": "tt1"}))
    await shelf.sync(force=True)
    assert await holders(shelf, title) == {("a", "1"), ("c", "5")}
    assert await holders(shelf, odd) == {("b", "9")}
    [decision] = await shelf.library.matching.decisions()
    await shelf.library.matching.take_back(decision.id, None)
    [whole] = (await ids(shelf)).values()
    assert await holders(shelf, whole) == {("a", "1"), ("b", "9"), ("c", "5")}
    assert await shelf.library.matching.living(odd if whole == title else title) == whole


async def test_what_was_said_last_of_two_records_counts(shelf: Shelf) -> None:
    alien, other = await two_names(shelf)
    await shelf.library.matching.join([alien, other], None)
    odd = await shelf.library.matching.split(alien, "b", "9", None)
    assert odd != alien
    await shelf.sync(force=True)
    assert await holders(shelf, alien) == {("a", "1")}
    await shelf.library.matching.join([alien, odd], None)
    assert await holders(shelf, alien) == {("a", "1"), ("b", "9")}


async def test_what_cannot_be_one_is_refused(shelf: Shelf) -> None:
    shelf.server("a").put(movie("1", "Alien"), movie("2", "Alien", kind="show"))
    await shelf.sync()
    page = await shelf.library.list_titles(LibraryQuery(limit=100))
    both = [one.id for one in page.items]
    with pytest.raises(UserError):
        await shelf.library.matching.join(both, None)
    with pytest.raises(UserError):
        await shelf.library.matching.join(both[:1], None)
    with pytest.raises(NotFound):
        await shelf.library.matching.join([both[0], 4711], None)
    with pytest.raises(UserError):
        await shelf.library.matching.split(both[0], *next(iter(await holders(shelf, both[0]))), None)
    with pytest.raises(NotFound):
        await shelf.library.matching.split(both[0], "a", "none", None)


async def test_locks_follow_when_a_sync_finds_that_two_are_one(shelf: Shelf) -> None:
    shelf.server("a").put(movie("1", "Alien", ids={"imdb": "tt1"}))
    shelf.server("b").put(movie("9", "Das unheimliche Wesen", ids={"tmdb": "5"}))
    await shelf.sync()
    found = await ids(shelf)
    gone = max(found.values())
    await lock(shelf, gone, "tagline", "Locked.")
    issue = await complaint(shelf, gone)
    shelf.server("c").put(movie("4", "Alien", ids={"imdb": "tt1", "tmdb": "5"}))
    await shelf.sync()
    [left] = (await ids(shelf)).values()
    assert left != gone
    detail = await shelf.library.title(left)
    assert detail is not None and detail.values["tagline"] == "Locked."
    assert await named(shelf, issue) == left
