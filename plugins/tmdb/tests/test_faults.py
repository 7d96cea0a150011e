"""Every way in which TMDB can misbehave has its error, and words that an admin understands."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from medianest_core.base.http_factory import HttpFactory
from medianest_core.sdk import (
    AuthFailed,
    InvalidResponse,
    NotReady,
    ProviderError,
    RateLimited,
    TitleKey,
)
from medianest_core.testing.faults import Rule
from medianest_core.testing.simulators import RunningSimulator
from medianest_tmdb.service import check
from medianest_tmdb.simulation.service import Oddity, Options

from .tmdb_kit import FILM, Plugged, plug

Call = Callable[[], Awaitable[Any]]
BRIEF = 0.6
"""Seconds for an answer where a time-out is what should come."""
PATIENT = 60.0
"""Elsewhere, as a busy machine must not turn another fault into one."""

TRANSPORT: list[tuple[dict[str, Any], type[ProviderError], str]] = [
    ({"mode": "down"}, NotReady, "broke"),
    ({"mode": "slow", "seconds": 60}, NotReady, "did not answer in time"),
    ({"mode": "hang"}, NotReady, "did not answer in time"),
    ({"mode": "drip", "seconds": 5}, NotReady, "did not answer in time"),
    ({"mode": "401"}, AuthFailed, "Copy the API Read Access Token again"),
    ({"mode": "429", "seconds": 9}, RateLimited, "slow down"),
    ({"mode": "500"}, NotReady, "answered with error 500"),
    ({"mode": "garbage"}, InvalidResponse, "not JSON"),
    ({"mode": "truncated"}, NotReady, "broke"),
]
ODD: list[tuple[Oddity, type[ProviderError], str]] = [
    ("html", InvalidResponse, "not JSON"),
    ("gateway", NotReady, "answered with error 502"),
    ("forbidden", AuthFailed, "lets us not in"),
    ("huge", InvalidResponse, "larger than"),
]


def calls(tmdb: Plugged) -> dict[str, Call]:
    """Everything that speaks with the service."""
    catalog, film = tmdb.catalog, {"tmdb": FILM.ids["tmdb"]}
    return {
        "check": lambda: check(tmdb.settings, tmdb.client),
        "search": lambda: catalog.search("the"),
        "details": lambda: catalog.details("movie", film),
        "by another id": lambda: catalog.details("movie", {"imdb": FILM.ids["imdb"]}),
        "discover": lambda: catalog.discover("trending"),
        "external ids": lambda: catalog.external_ids("movie", film),
        "report": lambda: tmdb.fields.report([TitleKey("1", "movie", film, FILM.title, FILM.year)]),
        "changes": lambda: anext(aiter(tmdb.fields.changes(0))),
        "snapshot": tmdb.status.snapshot,
    }


async def outcomes(tmdb: Plugged) -> dict[str, Any]:
    """name → result or error, all at once."""
    asked = calls(tmdb)
    found = await asyncio.gather(*(call() for call in asked.values()), return_exceptions=True)
    return dict(zip(asked, found, strict=True))


@pytest.mark.parametrize(
    ("fault", "error", "words"), TRANSPORT, ids=[str(row[0]["mode"]) for row in TRANSPORT]
)
async def test_faults_of_the_transport(
    tmdb: Plugged, fault: dict[str, Any], error: type[ProviderError], words: str
) -> None:
    tmdb.client.timeout = BRIEF if "in time" in words else PATIENT
    tmdb.simulator.faults.set(Rule(**fault))
    for name, found in (await outcomes(tmdb)).items():
        assert isinstance(found, error), (name, found)
        assert words in str(found), name
        assert tmdb.settings.access_token.reveal() not in str(found)


@pytest.mark.parametrize(("oddity", "error", "words"), ODD, ids=[row[0] for row in ODD])
async def test_answers_that_are_none(
    tmdb: Plugged, oddity: Oddity, error: type[ProviderError], words: str
) -> None:
    tmdb.simulator.service.options = Options(odd={"/3": oddity})
    tmdb.client.timeout = PATIENT
    for name, call in calls(tmdb).items():
        with pytest.raises(error, match=words):
            await call()
        assert name


async def test_rows_that_come_twice_stand_once(tmdb: Plugged) -> None:
    tmdb.simulator.service.options = Options(odd={"/3": "duplicates"})
    page = await tmdb.catalog.discover("movies")
    assert len({entry.ids["tmdb"] for entry in page.entries}) == len(page.entries) == 20


async def test_an_empty_answer_is_an_answer(tmdb: Plugged) -> None:
    tmdb.simulator.service.options = Options(odd={"/3": "empty"})
    page = await tmdb.catalog.discover("movies")
    assert (page.entries, page.pages, page.total) == ([], 1, 0)
    assert (await tmdb.catalog.search("salt")).entries == []
    assert [one async for one in tmdb.fields.changes(0)] == []


async def test_pictures_that_are_none(tmdb: Plugged, served: RunningSimulator, factory: HttpFactory) -> None:
    [film] = (await tmdb.catalog.search("meridian heist")).entries
    assert film.image is not None
    for mode, error in (
        ("down", NotReady),
        ("hang", NotReady),
        ("500", NotReady),
        ("garbage", InvalidResponse),
    ):
        tmdb.client.timeout = BRIEF if mode == "hang" else PATIENT
        tmdb.simulator.faults.set(Rule(mode, "/t/p"))  # type: ignore[arg-type]  # all are modes
        with pytest.raises(error):
            await tmdb.catalog.image(film.image, 300, 450)
    tmdb.simulator.faults.clear()
    other = await plug(factory, served, image_url=f"{served.url}/3")
    with pytest.raises((NotReady, InvalidResponse)):
        await other.catalog.image(film.image, 300, 450)


async def test_it_is_left_alone_while_it_wants_to_be(tmdb: Plugged) -> None:
    tmdb.simulator.service.options = Options(per_second=0, retry_after=30)
    with pytest.raises(RateLimited) as refused:
        await tmdb.catalog.search("salt")
    assert refused.value.retry_after == 30
    for text in ("one", "two", "three"):
        with pytest.raises(RateLimited) as refused:
            await tmdb.catalog.search(text)
        assert refused.value.retry_after is not None
        assert 20 < refused.value.retry_after <= 30
    assert len(tmdb.asked("/search")) == 1


async def test_two_instances_side_by_side(
    tmdb: Plugged, served: RunningSimulator, factory: HttpFactory
) -> None:
    other = await plug(factory, served, access_token="wrong")
    found, refused = await asyncio.gather(
        tmdb.catalog.search("meridian heist"), other.catalog.search("meridian heist"), return_exceptions=True
    )
    assert isinstance(refused, AuthFailed)
    assert not isinstance(found, BaseException)
    assert len(found.entries) == 1
