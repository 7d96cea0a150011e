"""What Radarr or Sonarr import is synced at once where servers have it, alone, and looked for where they do not have it yet."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, cast

import pytest
from sqlalchemy import select

from medianest_core.domain.library.syncing import finding
from medianest_core.domain.library.syncing.elsewhere import About, about
from medianest_core.domain.library.syncing.finding import FindArgs
from medianest_core.domain.library.syncing.hints import followers
from medianest_core.host.hints import Told
from medianest_core.host.instances import Instances
from medianest_core.sdk.errors import NotReady
from medianest_core.sdk.media import Library, MediaRecord, MediaSource, RawRecord
from medianest_core.store.tables.ledger import jobs
from medianest_core.store.tables.library import titles
from tests.fakes.media import FakeServer, FakeSource, movie
from tests.integration.library.conftest import Shelf


class _Searched(FakeSource):
    """Finds titles by words of their name. bare: what it finds says nothing of ids. A record that is not listed alone is."""

    bare = False

    async def search(self, text: str, limit: int) -> Sequence[RawRecord]:
        server = self._call("search")
        hits = [one for one in server.records.values() if text.casefold() in one.title.casefold()]
        return [RawRecord(one.key, one.kind, "x", partial(_shown, one, self.bare)) for one in hits[:limit]]


def _shown(one: MediaRecord, bare: bool) -> MediaRecord:
    return replace(one, ids={}) if bare else one


def searched(shelf: Shelf, name: str, *, bare: bool = False) -> FakeServer:
    server = FakeServer()
    shelf.servers[name] = server
    source = _Searched(name, server)
    source.bare = bare
    shelf.instances.add(name, MediaSource, source)
    return server


async def hint(shelf: Shelf, topic: str, *keys: str) -> str:
    follow = followers(cast(Instances, shelf.instances), shelf.floor.ledger)[topic]
    async with shelf.floor.db.begin() as tx:
        return await follow(tx, Told("radarr", topic, keys))


async def settled(shelf: Shelf) -> None:
    """Until every run has ended, but for another look at what is gone, which comes ten minutes later."""
    for run in await shelf.library.sync_runs(50):
        job = await shelf.floor.job(run.job_id)
        if job.due_at < job.created_at + 60:
            await shelf.floor.finished(run.job_id)


async def find(shelf: Shelf, *keys: str, look: int = 0) -> Any:
    async with shelf.floor.db.begin() as tx:
        job_id = await shelf.floor.ledger.enqueue(tx, finding.JOB, FindArgs(keys=keys, look=look))
    return (await shelf.floor.finished(job_id)).result


def test_keys_of_services_without_a_library() -> None:
    assert about(["tmdb:603", "imdb:tt1", "title:Heat: again"]) == About(
        frozenset({("tmdb", "603"), ("imdb", "tt1")}), frozenset(), "Heat: again"
    )
    assert about(["tvdb:9/1x2", "tvdb:9"]) == About(frozenset({("tvdb", "9")}), frozenset({(1, 2)}))
    assert about(["7", "/library/7", "", "tmdb:", "9x2"]) == About()


async def test_only_the_title_is_read_on_every_server_that_has_it(shelf: Shelf) -> None:
    for name in ("a", "b", "c"):
        shelf.server(name).put(
            movie("1", "Heat", ids={"tmdb": "9"}), *([movie("2", "Ronin")] if name != "c" else [])
        )
    shelf.servers["c"].records = {"2": movie("2", "Ronin")}
    await shelf.sync()
    for server in shelf.servers.values():
        server.calls.clear()
        if "1" in server.records:
            server.put(movie("1", "Heat", ids={"tmdb": "9"}, fields={"summary": "New."}))
        server.put(movie("2", "Ronin", fields={"summary": "New, too."}))
    assert await hint(shelf, "media.changed", "tmdb:9", "title:Heat") == "library.sync"
    await settled(shelf)
    assert shelf.servers["a"].calls == ["record"] == shelf.servers["b"].calls
    assert shelf.servers["c"].calls == []
    for name, summary in (("heat", "New."), ("ronin", "About Ronin.")):
        detail = await shelf.library.title((await shelf.library.search(name))[0].id)
        assert detail is not None and detail.values["summary"] == summary
    runs = [one.args for one in (await shelf.library.sync_runs())[:2]]
    assert {(one.instance_ids, one.keys, one.recent) for one in runs if one} == {
        (("a",), ("1",), False),
        (("b",), ("1",), False),
    }
    shelf.servers["a"].records.pop("1")
    assert await hint(shelf, "media.removed", "tmdb:9") == "library.sync"
    await settled(shelf)
    assert await hint(shelf, "media.changed", "7") == "" == await hint(shelf, "media.changed", "tmdb:404")


@pytest.mark.parametrize("bare", [False, True])
async def test_a_title_that_is_new_is_found_by_its_ids_and_read_alone(shelf: Shelf, bare: bool) -> None:
    server = searched(shelf, "a", bare=bare)
    server.put(movie("1", "Old"))
    shelf.server("files").put(movie("1", "Old"))
    await shelf.sync()
    server.calls.clear()
    server.put(
        movie("8", "Heat", ids={"tmdb": "9"}),
        movie("9", "Heat", ids={"tmdb": "77"}, year=1972),
        movie("10", "Ronin"),
    )
    assert await hint(shelf, "media.changed", "tmdb:9", "title:Heat") == "library.find"
    assert await find(shelf, "tmdb:9", "title:Heat") == {"found": 1, "lacking": 1}
    await settled(shelf)
    assert await shelf.names() == ["Heat", "Old"] and "records" not in server.calls
    assert await find(shelf, "tmdb:9", "title:Heat", look=1) == {"found": 0, "lacking": 0}


async def test_what_is_not_there_yet_is_looked_for_again_but_not_for_ever(shelf: Shelf) -> None:
    server = searched(shelf, "a")
    server.put(movie("1", "Old"))
    await shelf.sync()
    last = len(finding.AFTER) - 1
    assert await find(shelf, "tmdb:9", "title:Heat", look=last - 1) == {"found": 0, "lacking": 1}
    async with shelf.floor.db.read() as tx:
        rows = await tx.all(select(jobs).where(jobs.c.name == finding.JOB, jobs.c.state == "queued"))
    assert [row["due_at"] - row["created_at"] for row in rows] == [pytest.approx(finding.AFTER[last])]
    server.fail = NotReady("down")
    assert await find(shelf, "tmdb:10", "title:Ronin", look=last) == {"found": 0, "lacking": 1}


async def test_a_long_series_is_looked_for_once(shelf: Shelf) -> None:
    searched(shelf, "a")
    parts = [f"tvdb:9/{n}x{hashlib.sha256(str(n).encode()).hexdigest()}" for n in range(500)]
    for keys in (parts, parts[::-1]):
        assert await hint(shelf, "media.changed", "tvdb:9", "title:Dark", *keys) == "library.find"
    async with shelf.floor.db.read() as tx:
        rows = await tx.all(select(jobs).where(jobs.c.name == finding.JOB))
    assert len(rows) == 1


async def test_an_episode_is_read_with_its_show_and_its_season(shelf: Shelf) -> None:
    server = shelf.server("a")
    server.libraries = [Library("1", "Shows", "show")]
    show = movie("s", "Dark", kind="show", ids={"tvdb": "9"})
    seasons = [movie(f"s{n}", f"Season {n}", kind="season", parent="s", index=n) for n in (1, 2)]
    episodes = [
        movie(f"s{s}e{e}", f"Part {e}", kind="episode", parent=f"s{s}", index=e)
        for s in (1, 2)
        for e in range(1, 5)
    ]
    server.put(show, *seasons, *episodes)
    await shelf.sync()
    server.calls.clear()
    assert await hint(shelf, "media.changed", "tvdb:9", "tvdb:9/1x2", "tvdb:9/2x4") == "library.sync"
    await settled(shelf)
    (run,) = (await shelf.library.sync_runs())[:1]
    assert run.args is not None and run.args.keys == ("s", "s1", "s2", "s1e2", "s2e4")
    assert server.calls == ["record"] * 5
    # One that the server has not seen yet: what holds it is read now, and again a little later.
    assert await hint(shelf, "media.changed", "tvdb:9", "tvdb:9/2x5") == "library.sync, library.find"
    await settled(shelf)
    server.put(movie("s2", "Season 2", kind="season", parent="s", index=2, fields={"leaf_count": 5}))
    server.put(movie("s2e5", "Part 5", kind="episode", parent="s2", index=5, added_at=4e9))
    assert await find(shelf, "tvdb:9", "tvdb:9/2x5") == {"found": 1, "lacking": 1}
    await settled(shelf)
    assert await find(shelf, "tvdb:9", "tvdb:9/2x5") == {"found": 0, "lacking": 0}


async def test_of_a_show_that_went_its_first_record_says_so(shelf: Shelf) -> None:
    server = shelf.server("a")
    server.libraries = [Library("1", "Shows", "show")]
    server.put(
        movie("s", "Dark", kind="show", ids={"tvdb": "9"}),
        movie("s1", "Season 1", kind="season", parent="s", index=1),
        *(movie(f"e{one}", f"Part {one}", kind="episode", parent="s1", index=one) for one in range(5)),
    )
    await shelf.sync()
    server.calls.clear()
    assert await hint(shelf, "media.removed", "tvdb:9", "title:Dark") == "library.sync"
    await settled(shelf)
    assert server.calls == ["record"]


async def test_where_no_episode_is_named_the_whole_show_is_read(shelf: Shelf) -> None:
    """Sonarr tells which files it renamed, but not of which episodes they are."""
    server = shelf.server("a")
    server.libraries = [Library("1", "Shows", "show")]
    server.put(
        movie("s", "Dark", kind="show", ids={"tvdb": "9"}),
        movie("s1", "Season 1", kind="season", parent="s", index=1),
        movie(
            "s1e1", "Part 1", kind="episode", parent="s1", index=1, fields={"files": [{"path": "/old.mkv"}]}
        ),
        movie("t", "Another", kind="show", ids={"tvdb": "10"}),
    )
    await shelf.sync()
    server.calls.clear()
    renamed = {"files": [{"path": "/new.mkv"}]}
    server.put(movie("s1e1", "Part 1", kind="episode", parent="s1", index=1, fields=renamed))
    assert await hint(shelf, "media.changed", "tvdb:9", "title:Dark") == "library.sync"
    await settled(shelf)
    assert server.calls == ["record"] * 3
    async with shelf.floor.db.read() as tx:
        rows = await tx.execute(select(titles.c.id).where(titles.c.kind == "episode"))
        (episode,) = [row[0] for row in rows.all()]
    detail = await shelf.library.title(episode)
    assert detail is not None and detail.values["files"] == renamed["files"]
