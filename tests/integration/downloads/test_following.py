"""Subscriptions: what is new in a channel is downloaded once, for the person who subscribed, as they wished."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import delete, func, select, update

from medianest_core.base.clock import Clock
from medianest_core.domain.accounts.errors import Missing
from medianest_core.domain.downloads.entries import Download
from medianest_core.domain.downloads.filters import DAY, Wanted
from medianest_core.domain.downloads.following import (
    DUE,
    DueArgs,
    Following,
    KeepArgs,
    LookArgs,
    Subscription,
)
from medianest_core.ledger.enqueue import Ledger
from medianest_core.sdk.downloads import Inspection, Limits
from medianest_core.sdk.errors import NotReady, UserError
from medianest_core.sdk.routes import Viewer
from medianest_core.store.errors import Stale
from medianest_core.store.tables.downloads import download_archive, download_subscriptions
from medianest_core.store.tables.library import titles
from tests.fakes.downloads import found
from tests.integration.downloads.conftest import ANN, BOB, Bench

URL = "https://video.example/@someone"


class Context:
    """All that the jobs ask of it."""

    def check_cancelled(self) -> None:
        return


class Ahead(Clock):
    """The real time and so many seconds."""

    seconds = 0.0

    def now(self) -> float:
        return time.time() + self.seconds


class Nobody:
    """A ledger whose jobs nobody runs: the tests look themselves, when they want."""

    async def enqueue(self, *args: object, **kwargs: object) -> str:
        return ""


class Channel:
    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.clock = Ahead()
        submission = bench.downloads._submission
        submission._clock = self.clock
        bench.downloads._keeping._clock = self.clock
        self.following = Following(
            bench.floor.db,
            cast(Ledger, Nobody()),
            submission,
            bench.downloads._keeping,
            self.clock,
        )
        self.videos: list[Any] = []
        self.gains("old")

    def gains(self, *keys: str, **values: Any) -> None:
        """New videos stand first."""
        self.videos = [*(found(key, **values) for key in keys), *self.videos]
        self.bench.site.playlist(URL, "Someone's videos", *self.videos, kind="channel")

    async def look(self, one: Subscription, *, later: float = 0.0) -> dict[str, int]:
        self.clock.seconds += later
        return await self.following._look(Context(), LookArgs(subscription_id=one.id))  # type: ignore[arg-type]

    async def fetched(self, viewer: Viewer = ANN) -> None:
        """Wait until nothing is on its way."""
        for download in await self.downloads(viewer):
            await self.bench.ended(viewer, download.id)

    async def keep(self, **args: Any) -> int:
        """The round between looks. Returns how many videos went."""
        return (await self.following._keep(Context(), KeepArgs(**args)))["removed"]  # type: ignore[arg-type]

    def files(self) -> list[str]:
        """Keys of the videos on the disk."""
        return sorted(path.stem.rpartition("[")[2].strip("]") for path in self.bench.root.rglob("*.mp4"))

    async def downloads(self, viewer: Viewer = ANN) -> list[Download]:
        page = await self.bench.downloads.list(viewer)
        return list(page.items)

    async def keys(self, viewer: Viewer = ANN) -> list[str]:
        return sorted(
            [key for one in await self.downloads(viewer) for key in await self.bench.items(viewer, one.id)]
        )


@pytest.fixture
def channel(bench: Bench) -> Channel:
    return Channel(bench)


async def test_what_is_new_is_fetched_once(bench: Bench, channel: Channel) -> None:
    one = await channel.following.add(ANN, Wanted(url=URL))
    assert (one.name, one.kind, one.error) == ("Someone's videos", "channel", "")
    assert await channel.look(one) == {"new": 0, "removed": 0}
    assert await channel.keys() == [], "what was there before is not asked for"
    channel.gains("new")
    assert (await channel.look(one))["new"] == 0, "it is not due yet"
    assert (await channel.look(one, later=one.wanted.every))["new"] == 1
    (download,) = await channel.downloads()
    await bench.ended(ANN, download.id)
    for _ in range(2):
        assert (await channel.look(one, later=one.wanted.every))["new"] == 0
    assert await channel.keys() == ["new"] and await channel.keys(BOB) == []
    shown = await channel.following.get(ANN, one.id)
    assert shown.newest_at is not None and shown.last_at is not None and shown.newest_at < shown.last_at


async def test_a_look_that_dies_after_submitting_submits_nothing_twice(
    bench: Bench, channel: Channel
) -> None:
    one = await channel.following.add(ANN, Wanted(url=URL, earlier=True))
    assert await channel.following._fetch(ANN, one) == 1
    assert await channel.following._fetch(ANN, one) == 0
    assert await channel.keys() == ["old"]


async def test_two_looks_at_the_same_time_submit_once(bench: Bench, channel: Channel) -> None:
    """Both read what is known before either has written: as when somebody looks while the portal does."""
    one = await channel.following.add(ANN, Wanted(url=URL, earlier=True))
    known, both = channel.following._known, asyncio.Barrier(2)

    async def together(one: Subscription, found: Inspection) -> set[str]:
        keys = await known(one, found)
        await both.wait()
        return keys

    channel.following._known = together  # type: ignore[method-assign]
    assert sorted(await asyncio.gather(*(channel.following._fetch(ANN, one) for _ in range(2)))) == [0, 1]
    assert await channel.keys() == ["old"] and len(await channel.downloads()) == 1


async def test_used_up_submissions_put_it_off_until_there_is_one(bench: Bench, channel: Channel) -> None:
    bench.site.limits = Limits(submissions_per_hour=1)
    one = await channel.following.add(ANN, Wanted(url=URL, earlier=True))
    await channel.look(one)
    channel.gains("new")
    soon = channel.clock.now() + 3600
    await channel.following.look_now(ANN, one.id)
    assert await channel.look(one) == {"new": 0}
    shown = await channel.following.get(ANN, one.id)
    assert shown.due_at is not None and shown.due_at <= soon + 1 and "downloads an hour" in shown.error
    assert (await channel.look(one, later=3601))["new"] == 1
    assert (await channel.following.get(ANN, one.id)).error == ""


async def test_a_channel_that_cannot_be_read_is_said_and_asked_less_and_less(
    bench: Bench, channel: Channel
) -> None:
    one = await channel.following.add(ANN, Wanted(url=URL))
    del bench.site.playlists[URL]
    waits = []
    for _ in range(3):
        await channel.following.look_now(ANN, one.id)
        await channel.look(one)
        shown = await channel.following.get(ANN, one.id)
        assert shown.error == "Nothing is there." and shown.due_at is not None
        waits.append(shown.due_at - channel.clock.now())
    assert waits[0] < waits[1] < waits[2]
    channel.gains("new")
    assert (await channel.look(one, later=waits[-1]))["new"] == 1
    assert (await channel.following.get(ANN, one.id)).error == ""


async def test_paused_means_paused_and_nothing_is_lost(bench: Bench, channel: Channel) -> None:
    one = await channel.following.add(ANN, Wanted(url=URL))
    await channel.following.pause(ANN, one.id, True, one.version)
    channel.gains("new")
    assert await channel.look(one, later=one.wanted.every * 3) == {"new": 0}
    assert await channel.following._due(Context(), DueArgs()) == {"due": 0}  # type: ignore[arg-type]
    with pytest.raises(UserError):
        await channel.following.look_now(ANN, one.id)
    with pytest.raises(Stale):
        await channel.following.pause(ANN, one.id, False, one.version)
    await channel.following.pause(ANN, one.id, False, one.version + 1)
    assert (await channel.look(one))["new"] == 1


async def test_only_so_many_are_kept_and_none_comes_back(bench: Bench, channel: Channel) -> None:
    one = await channel.following.add(ANN, Wanted(url=URL, keep=1))
    removed = 0
    for key in ("first", "second"):
        channel.gains(key)
        done = await channel.look(one, later=one.wanted.every)
        assert done["new"] == 1
        removed += done["removed"]
        await channel.fetched()
    removed += (await channel.look(one, later=one.wanted.every))["removed"]
    assert removed == 1
    assert await channel.keys() == ["second"]
    assert (await channel.look(one, later=one.wanted.every)) == {"new": 0, "removed": 0}
    assert [path.name for path in bench.root.rglob("*.mp4") if "first" in path.name] == []


async def test_of_one_submission_only_the_older_videos_go(bench: Bench, channel: Channel) -> None:
    """The newest by date stay, though they came together and the site lists them the other way round."""
    now = time.time()
    channel.videos = [found(key, published_at=now - age * DAY) for key, age in (("c", 9), ("b", 5), ("a", 1))]
    channel.gains()
    one = await channel.following.add(ANN, Wanted(url=URL, earlier=True))
    assert (await channel.look(one))["new"] == 3
    await channel.fetched()
    assert channel.files() == ["a", "b", "c"]
    two = dataclasses.replace(one.wanted, keep=2)
    assert await channel.following.beyond(ANN, one.id, two) == ["Video c"]
    days = dataclasses.replace(one.wanted, keep_days=3)
    assert await channel.following.beyond(ANN, one.id, days) == ["Video b", "Video c"]
    with pytest.raises(Missing):
        await channel.following.beyond(BOB, one.id, two)
    with pytest.raises(UserError):
        await channel.following.beyond(ANN, one.id, dataclasses.replace(one.wanted, keep=0))
    assert channel.files() == ["a", "b", "c"], "asking removes nothing"

    await channel.following.change(ANN, one.id, two, one.version)
    assert await channel.keep(subscription_id=one.id) == 1
    assert channel.files() == await channel.keys() == ["a", "b"]
    (download,) = await channel.downloads()
    assert (download.status, dict(download.counts)) == ("done", {"done": 2})
    await channel.following.change(ANN, one.id, days, one.version + 1)
    assert await channel.keep() == 1
    assert channel.files() == ["a"]
    # Days pass without anything new.
    channel.clock.seconds += 3 * DAY
    assert await channel.keep() == 1
    assert channel.files() == [] == await channel.downloads(), (
        "of a download of which nothing is left, nothing is shown"
    )
    assert (await channel.look(one, later=one.wanted.every))["new"] == 0, "nothing comes back"
    assert [path for path in bench.root.rglob("*") if path.is_file()] == []


async def test_older_videos_do_not_push_out_newer_ones(bench: Bench, channel: Channel) -> None:
    """A site without dates: the order of the channel tells, also of what comes in several submissions."""
    channel.videos = [found(f"v{number:02}") for number in range(60)]
    channel.gains()
    one = await channel.following.add(ANN, Wanted(url=URL, earlier=True, keep=30))
    assert [(await channel.look(one, later=one.wanted.every))["new"] for _ in range(3)] == [25, 5, 0]
    await channel.fetched()
    wanted = dataclasses.replace(one.wanted, keep=26)
    going = await channel.following.beyond(ANN, one.id, wanted)
    assert going == ["Video v26", "Video v27", "Video v28", "Video v29"]
    channel.gains("new")
    assert (await channel.look(one, later=one.wanted.every))["new"] == 1
    await channel.fetched()
    await channel.keep()
    assert channel.files() == ["new", *(f"v{number:02}" for number in range(29))]


async def test_a_date_that_only_the_download_tells_counts(bench: Bench, channel: Channel) -> None:
    bench.site.facts = {"old": {"published": "20200131"}}
    one = await channel.following.add(ANN, Wanted(url=URL, earlier=True, keep_days=30))
    assert (await channel.look(one))["new"] == 1
    await channel.fetched()
    await channel.keep()
    assert channel.files() == []


async def test_what_others_asked_for_too_and_what_is_on_its_way_stays(bench: Bench, channel: Channel) -> None:
    now = time.time()
    channel.videos = [found(key, published_at=now - age * DAY) for age, key in enumerate("abcd")]
    channel.gains()
    one = await channel.following.add(ANN, Wanted(url=URL, earlier=True))
    assert (await channel.look(one))["new"] == 4
    await channel.fetched()
    # Ann asked for "b" herself, and has the same file; Bob has his own.
    bench.site.playlist("https://video.example/v", "B", found("b"), kind="video")
    for viewer in (ANN, BOB):
        await bench.ended(viewer, await bench.downloads.submit(viewer, "https://video.example/v"))
    # "c" is fetched anew just now, into another folder.
    bench.site.gates["c"] = asyncio.Event()
    bench.site.playlist("https://video.example/c", "C", found("c"), kind="video")
    async with bench.floor.db.begin() as tx:
        await tx.execute(delete(download_archive).where(download_archive.c.key == "c"))
    again = await bench.downloads.submit(ANN, "https://video.example/c")
    await bench.until(lambda download: download.counts.get("running") == 1, ANN, again)
    wanted = dataclasses.replace(one.wanted, keep=1)
    assert await channel.following.beyond(ANN, one.id, wanted) == ["Video d"]
    await channel.following.change(ANN, one.id, wanted, one.version)
    assert await channel.keep() == 1
    assert channel.files() == ["a", "b", "b", "c"]
    bench.site.gates["c"].set()
    await bench.ended(ANN, again)
    assert await channel.keep() == 1 and channel.files() == ["a", "b", "b", "c"], "the one that she asked for"
    for download in await channel.downloads():
        if download.url == "https://video.example/v":
            assert await bench.downloads.remove(ANN, download.id)
    assert await channel.keep() == 1
    assert channel.files() == ["a", "b", "c"] and await channel.keys(BOB) == ["b"]


async def test_a_submission_that_goes_on_loses_nothing(bench: Bench, channel: Channel) -> None:
    channel.videos = [found(key, published_at=100.0 - age) for age, key in enumerate("abc")]
    channel.gains()
    bench.site.gates["c"] = asyncio.Event()
    one = await channel.following.add(ANN, Wanted(url=URL, earlier=True))
    assert (await channel.look(one))["new"] == 3
    (download,) = await channel.downloads()
    await bench.until(lambda one: one.done == 2, ANN, download.id)
    wanted = dataclasses.replace(one.wanted, keep=1)
    await channel.following.change(ANN, one.id, wanted, one.version)
    assert await channel.keep() == 0 and channel.files() == ["a", "b"]
    bench.site.gates["c"].set()
    await bench.ended(ANN, download.id)
    assert await channel.keep() == 2 and channel.files() == ["a"]


async def test_what_goes_leaves_the_library_too(bench: Bench, channel: Channel) -> None:
    bench.scan_files()
    look = bench.server.on_scan

    def look_well(library: str, path: str) -> None:
        assert look is not None
        look(library, path)
        for file, key in list(bench.server.located.items()):
            if not Path(file).is_file():
                del bench.server.located[file]
                del bench.server.records[key]

    bench.server.on_scan = look_well
    channel.videos = [found(key, published_at=100.0 - age) for age, key in enumerate("abc")]
    channel.gains()
    one = await channel.following.add(ANN, Wanted(url=URL, earlier=True))
    assert (await channel.look(one))["new"] == 3
    await channel.fetched()
    folder = next(bench.root.rglob("*.mp4")).parent
    bench.server.on_scan("5", str(folder))
    await bench.floor.finished(await bench.library.request_sync())
    assert len(bench.server.records) == 3 == await _titles(bench)
    await channel.following.change(ANN, one.id, dataclasses.replace(one.wanted, keep=1), one.version)
    bench.server.scans.clear()
    assert await channel.keep() == 2
    assert bench.server.scans == [("5", str(folder))] and len(bench.server.records) == 1

    async with asyncio.timeout(60):
        # It is told at once; the library waits for a second word before it believes that a title is gone.
        while await _titles(bench) != 1:
            await bench.floor.finished(await bench.library.request_sync())


async def _titles(bench: Bench) -> int:
    async with bench.floor.db.read() as tx:
        return int(await tx.scalar(select(func.count()).select_from(titles)) or 0)


async def test_a_server_that_is_away_holds_nothing_up(bench: Bench, channel: Channel) -> None:
    one = await channel.following.add(ANN, Wanted(url=URL, earlier=True, keep_days=1))
    await channel.look(one)
    await channel.fetched()
    bench.server.fail = NotReady("The server is away.")
    channel.clock.seconds += 2 * DAY
    assert await channel.keep() == 1 and channel.files() == []


async def test_what_a_person_removed_does_not_come_back(bench: Bench, channel: Channel) -> None:
    one = await channel.following.add(ANN, Wanted(url=URL, earlier=True))
    await channel.look(one)
    await channel.fetched()
    (download,) = await channel.downloads()
    assert await bench.downloads.remove(ANN, download.id, files=True)
    assert (await channel.look(one, later=one.wanted.every))["new"] == 0


async def test_each_has_their_own(bench: Bench, channel: Channel) -> None:
    one = await channel.following.add(ANN, Wanted(url=URL))
    with pytest.raises(UserError, match="already"):
        await channel.following.add(ANN, Wanted(url=URL))
    await channel.following.add(BOB, Wanted(url=URL))
    for call in (
        channel.following.get(BOB, one.id),
        channel.following.remove(BOB, one.id),
        channel.following.look_now(BOB, one.id),
        channel.following.change(BOB, one.id, one.wanted, 1),
    ):
        with pytest.raises(Missing):
            await call
    await channel.following.remove(ANN, one.id)
    assert await channel.following.list(ANN) == [] and len(await channel.following.list(BOB)) == 1


async def test_a_single_video_is_no_channel(bench: Bench, channel: Channel) -> None:
    bench.site.playlist("https://video.example/v", "One", found("v"), kind="video")
    with pytest.raises(UserError, match="single video"):
        await channel.following.add(ANN, Wanted(url="https://video.example/v"))


async def test_the_schedule_finds_what_is_due(bench: Bench, channel: Channel) -> None:
    """The whole way: the round's job asks for a look, the look submits, the worker fetches."""
    following = bench.downloads.following
    await following.add(ANN, Wanted(url=URL))
    async with asyncio.timeout(60):
        while (await following.list(ANN))[0].last_at is None:
            await asyncio.sleep(0.02)
        channel.gains("new")
        async with bench.floor.db.begin() as tx:
            await tx.execute(update(download_subscriptions).values(due_at=1.0))
            await bench.floor.ledger.enqueue(tx, DUE, DueArgs())
        while not await channel.downloads():
            await asyncio.sleep(0.02)
    assert await channel.keys() == ["new"]
