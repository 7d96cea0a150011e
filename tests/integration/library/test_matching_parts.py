"""Seasons and episodes joined and taken off by hand, over real syncs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from medianest_core.sdk.errors import UserError
from medianest_core.sdk.media import Library as Section
from medianest_core.sdk.media import MediaRecord
from tests.fakes.media import FakeServer
from tests.integration.library.conftest import Shelf
from tests.integration.library.test_matching import holders

Shape = dict[str, list[str]]


def shows(server: FakeServer, seasons: dict[int, list[str]], key: str = "s") -> None:
    """A show with the names of its episodes by season; keys are "s.1.2"."""
    server.libraries = [Section("2", "Shows", "show")]
    server.put(MediaRecord(key, "show", "Dark", "2", 2017, {"tvdb": "9"}, added_at=1.0))
    for number, names in seasons.items():
        home = f"{key}.{number}"
        server.put(
            MediaRecord(home, "season", f"Season {number}", "2", parent=key, index=number, added_at=1.0),
            *(
                MediaRecord(
                    f"{home}.{n}",
                    "episode",
                    name,
                    "2",
                    parent=home,
                    index=n,
                    fields={"summary": f"{n} {name}"},
                )
                for n, name in enumerate(names, start=1)
            ),
        )


async def shape(shelf: Shelf) -> Shape:
    """ "1x2" → which records are that episode."""
    show = await shelf.library.title((await shelf.library.search("dark"))[0].id)
    assert show is not None
    return {
        f"{season.index}x{one.index} {one.title}": sorted(
            f"{at.instance_id}/{at.key}" for at in one.availability
        )
        for season in show.seasons
        for one in await shelf.library.episodes(season.id)
    }


async def episode(shelf: Shelf, key: str) -> int:
    return (await shelf.library.titles_at(key[0], [key[2:]]))[key[2:]]


async def numbers(shelf: Shelf) -> dict[str, dict[str, int]]:
    """The title of each record."""
    return {
        name: await shelf.library.titles_at(name, list(server.records))
        for name, server in shelf.servers.items()
    }


async def resynced(shelf: Shelf) -> Shape:
    """What stands whether sources are read again in one order or the other, forced or not."""
    before = await shape(shelf)
    for options in ({"force": True}, {"instance_ids": ("b",), "force": True}, {}):
        await shelf.sync(**options)
        assert await shape(shelf) == before
    return before


async def test_an_episode_that_is_another_is_taken_off_and_joined_with_the_right_one(shelf: Shelf) -> None:
    shows(shelf.server("a"), {1: ["Secrets", "Lies", "Past"]})
    shows(shelf.server("b"), {1: ["Secrets", "Past", "Lies"]})
    await shelf.sync()
    matching = shelf.library.matching
    lies, past = await episode(shelf, "a/s.1.2"), await episode(shelf, "a/s.1.3")
    plain = await shape(shelf)
    odd = await matching.split(lies, "b", "s.1.2", "u1")
    assert odd != lies
    assert (await resynced(shelf))["1x2 Past"] == ["b/s.1.2"]
    await matching.split(past, "b", "s.1.3", "u1")
    await matching.join([past, odd], "u1")
    await matching.join([lies, await episode(shelf, "b/s.1.3")], "u1")
    assert await resynced(shelf) == {
        "1x1 Secrets": ["a/s.1.1", "b/s.1.1"],
        "1x2 Lies": ["a/s.1.2", "b/s.1.3"],
        "1x3 Past": ["a/s.1.3", "b/s.1.2"],
    }
    assert await episode(shelf, "b/s.1.2") == past and await matching.living(odd) == past
    names = [list(one.titles) for one in await matching.decisions()]
    assert ["Dark · 1 · 3 Past", "Dark · 1 · 2 Past"] in names
    while decisions := await matching.decisions():
        await matching.take_back(decisions[0].id, "u1")
    assert await resynced(shelf) == plain


async def test_an_episode_of_another_season_becomes_part_of_this_one(shelf: Shelf) -> None:
    shows(shelf.server("a"), {1: ["Secrets", "Lies"]})
    shows(shelf.server("b"), {0: ["Lies, too"], 1: ["Secrets"]})
    await shelf.sync()
    lies, special = await episode(shelf, "a/s.1.2"), await episode(shelf, "b/s.0.1")
    assert await shelf.library.matching.join([lies, special], None) == lies
    found = await resynced(shelf)
    assert found == {"1x1 Secrets": ["a/s.1.1", "b/s.1.1"], "1x2 Lies": ["a/s.1.2", "b/s.0.1"]}
    # The record that leads is gone: the other stands again where its own server has it, once it is read again.
    del shelf.servers["a"].records["s.1.2"]
    await shelf.sync()
    await shelf.sync()
    await shelf.sync(force=True)
    assert (await shape(shelf))["0x1 Lies, too"] == ["b/s.0.1"]
    shows(shelf.servers["a"], {1: ["Secrets", "Lies"]})
    await shelf.sync()
    assert await resynced(shelf) == found, "what was said still holds"
    (decision,) = await shelf.library.matching.decisions()
    await shelf.library.matching.take_back(decision.id, None)
    assert (await resynced(shelf))["0x1 Lies, too"] == ["b/s.0.1"]


async def test_seasons_are_joined_with_all_that_is_in_them(shelf: Shelf) -> None:
    shows(shelf.server("a"), {1: ["Secrets", "Lies"]})
    shows(shelf.server("b"), {2017: ["Secrets", "Lies", "Past"]})
    await shelf.sync()
    first, year = [
        (await shelf.library.titles_at(one, [key]))[key] for one, key in (("a", "s.1"), ("b", "s.2017"))
    ]
    apart, ids = await shape(shelf), await numbers(shelf)
    await shelf.library.matching.join([first, year], None)
    assert await holders(shelf, first) == {("a", "s.1"), ("b", "s.2017")}
    joined = {
        "1x1 Secrets": ["a/s.1.1", "b/s.2017.1"],
        "1x2 Lies": ["a/s.1.2", "b/s.2017.2"],
        "1x3 Past": ["b/s.2017.3"],
    }
    assert await resynced(shelf) == joined
    (decision,) = await shelf.library.matching.decisions()
    await shelf.library.matching.take_back(decision.id, None)
    assert (await resynced(shelf), await numbers(shelf)) == (apart, ids)
    await shelf.library.matching.join([first, year], None)
    assert await resynced(shelf) == joined
    other = await shelf.library.matching.split(first, "b", "s.2017", None)
    assert (await shelf.library.titles_at("b", ["s.2017"]))["s.2017"] == other
    assert (await resynced(shelf)) == {
        "1x1 Secrets": ["a/s.1.1"],
        "1x2 Lies": ["a/s.1.2"],
        "2017x1 Secrets": ["b/s.2017.1"],
        "2017x2 Lies": ["b/s.2017.2"],
        "2017x3 Past": ["b/s.2017.3"],
    }


async def test_parts_of_different_kinds_stay_apart(shelf: Shelf) -> None:
    server = shelf.server("a")
    shows(server, {1: ["Secrets"]})
    await shelf.sync()
    season, part = (await shelf.library.titles_at("a", ["s.1"]))["s.1"], await episode(shelf, "a/s.1.1")
    with pytest.raises(UserError):
        await shelf.library.matching.join([season, part], None)
    with pytest.raises(UserError):
        await shelf.library.matching.split(part, "a", "s.1.1", None)
    server.put(replace(server.records["s.1.1"], title="New"))
    await shelf.sync()
    assert await shape(shelf) == {"1x1 New": ["a/s.1.1"]}


async def test_shows_that_were_joined_come_apart_with_all_they_had(shelf: Shelf) -> None:
    shows(shelf.server("a"), {1: ["Secrets", "Lies"]})
    shows(shelf.server("b"), {1: ["Secrets", "Lies", "Past"]})
    other = shelf.servers["b"].records["s"]
    shelf.servers["b"].put(replace(other, title="Finsternis", ids={"tvdb": "10"}))
    await shelf.sync()
    before = await numbers(shelf)
    both = [before[name]["s"] for name in "ab"]
    await shelf.library.past.locking.lock(before["b"]["s.1.2"], ("title",), None, value="Mine")
    await shelf.library.matching.join(both, None)
    assert (await shape(shelf))["1x2 Mine"] == ["a/s.1.2", "b/s.1.2"], "the lock goes along"
    (decision,) = await shelf.library.matching.decisions()
    await shelf.library.matching.take_back(decision.id, None)
    assert await numbers(shelf) == before
    assert list(await shape(shelf)) == ["1x1 Secrets", "1x2 Lies"]
    locked = await shelf.library.title(before["b"]["s.1.2"])
    assert locked is not None and locked.values["title"] == "Mine"
