"""How fast TMDB is asked, and what is not sent again."""

from __future__ import annotations

import asyncio

import pytest

from medianest_core.sdk import RateLimited
from medianest_tmdb.pace import Pace

from .tmdb_kit import FILM, Plugged


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


async def test_after_a_burst_so_many_a_second() -> None:
    clock = Clock()
    pace = Pace(10.0, 5, timer=clock, sleep=clock.sleep)
    for _ in range(6):
        await pace.turn()
    assert clock.now == 100.0
    for _ in range(20):
        await pace.turn()
    assert clock.now == pytest.approx(102.0)


async def test_who_would_wait_too_long_is_turned_away() -> None:
    clock = Clock()

    async def stands_still(seconds: float) -> None:
        await asyncio.sleep(0)

    pace = Pace(10.0, 1, timer=clock, sleep=stands_still)
    with pytest.raises(RateLimited):
        for _ in range(60):
            await pace.turn()


async def test_a_refusal_closes_the_door_for_as_long_as_was_said() -> None:
    clock = Clock()
    pace = Pace(timer=clock, sleep=clock.sleep)
    assert pace.refused(None).retry_after is None
    with pytest.raises(RateLimited) as early:
        await pace.turn()
    assert early.value.retry_after == 2.0
    assert pace.refused(60).retry_after == 60
    clock.now += 59
    with pytest.raises(RateLimited):
        await pace.turn()
    clock.now += 1
    await pace.turn()


async def test_what_is_known_is_only_asked_whether_it_changed(tmdb: Plugged) -> None:
    ids = {"tmdb": FILM.ids["tmdb"]}
    first = await tmdb.catalog.details("movie", ids)
    assert await tmdb.catalog.details("movie", ids) == first
    assert [(one["conditional"], one["status"]) for one in tmdb.asked("/movie")] == [
        (False, 200),
        (True, 304),
    ]
    work = tmdb.simulator.service.catalogue.works[("movie", int(FILM.ids["tmdb"]))]
    work.german = ("", "")
    work.title = work.title._replace(summary="Another summary.")
    assert (await tmdb.catalog.details("movie", ids)).summary == "Another summary."


async def test_the_token_is_always_asked_for_anew_and_never_in_the_address(tmdb: Plugged) -> None:
    await tmdb.client.authenticate()
    await tmdb.client.authenticate()
    assert [one["key_in_url"] for one in tmdb.asked("/authentication")] == [False, False]
