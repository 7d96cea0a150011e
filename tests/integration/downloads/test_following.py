"""Subscriptions: what is new in a channel is downloaded once, for the person who subscribed, as they wished."""

from __future__ import annotations

import asyncio
import time
from typing import Any, cast

import pytest
from sqlalchemy import update

from medianest_core.base.clock import Clock
from medianest_core.domain.accounts.errors import Missing
from medianest_core.domain.downloads.entries import Download
from medianest_core.domain.downloads.filters import Wanted
from medianest_core.domain.downloads.following import DUE, DueArgs, Following, LookArgs, Subscription
from medianest_core.ledger.enqueue import Ledger
from medianest_core.sdk.downloads import Limits
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.routes import Viewer
from medianest_core.store.errors import Stale
from medianest_core.store.tables.downloads import download_subscriptions
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
        self.following = Following(
            bench.floor.db,
            cast(Ledger, Nobody()),
            submission,
            bench.downloads._take_away,
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
    for key in ("first", "second"):
        channel.gains(key)
        assert (await channel.look(one, later=one.wanted.every))["new"] == 1
        for download in await channel.downloads():
            await bench.ended(ANN, download.id)
    assert (await channel.look(one, later=one.wanted.every)) == {"new": 0, "removed": 1}
    assert await channel.keys() == ["second"]
    assert (await channel.look(one, later=one.wanted.every)) == {"new": 0, "removed": 0}
    assert [path.name for path in bench.root.rglob("*.mp4") if "first" in path.name] == []


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
