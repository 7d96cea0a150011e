"""Every way in which a file server can misbehave has its error, and words that an admin understands."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from medianest_core.sdk import MOVIE, AuthFailed, InvalidResponse, NotReady, ProviderError, RateLimited
from medianest_core.testing.faults import Rule
from medianest_manifest.service import check

from .manifest_kit import Plugged

Call = Callable[[], Awaitable[Any]]
FAULTS: list[tuple[dict[str, Any], type[ProviderError], str]] = [
    ({"mode": "down"}, NotReady, "broke"),
    ({"mode": "slow", "seconds": 60}, NotReady, "in time"),
    ({"mode": "hang"}, NotReady, "in time"),
    ({"mode": "drip", "seconds": 0.05}, NotReady, "in time"),
    ({"mode": "401"}, AuthFailed, "refuses the user name"),
    ({"mode": "403"}, AuthFailed, "refuses the user name"),
    ({"mode": "429", "seconds": 9}, RateLimited, "slow down"),
    ({"mode": "500"}, NotReady, "answered with error 500"),
    ({"mode": "garbage"}, InvalidResponse, "no manifest"),
    ({"mode": "html"}, InvalidResponse, "no manifest"),
    ({"mode": "truncated"}, NotReady, "broke"),
    ({"mode": "huge"}, InvalidResponse, "no manifest"),
]
PATIENT = 60.0
WAITS = {"slow": (0.25, 0.4, 0.25), "hang": (0.25, 0.4, 0.25), "drip": (PATIENT, 0.4, 0.4)}
"""`timeout`, `longest` and `small_timeout`: short only where a time-out is what should come. What drips gives signs of life."""


async def _drained(files: Plugged) -> int:
    return len(await files.raw(MOVIE))


@pytest.mark.parametrize(("fault", "error", "words"), FAULTS, ids=[str(one[0]["mode"]) for one in FAULTS])
async def test_every_fault_has_its_error(
    files: Plugged, fault: dict[str, Any], error: type[ProviderError], words: str
) -> None:
    server = files.server
    server.timeout, server.longest, server.small_timeout = WAITS.get(fault["mode"], (PATIENT,) * 3)
    files.simulator.faults.set(Rule(**fault))
    calls: dict[str, Call] = {
        "check": lambda: check(files.settings, files.server),
        "records": lambda: _drained(files),
        "record": lambda: files.media.record("movie/x"),
        "details": lambda: files.media.details(["movie/x"]),
        "link": lambda: files.media.deep_link("movie/x"),
    }
    found = await asyncio.gather(*(call() for call in calls.values()), return_exceptions=True)
    for name, outcome in zip(calls, found, strict=True):
        assert isinstance(outcome, error), (name, outcome)
        assert words in str(outcome), (name, outcome)
        assert files.settings.token is not None and files.settings.token.reveal() not in str(outcome)
    if fault["mode"] not in ("drip", "truncated"):
        with pytest.raises(error):
            await files.status.snapshot()


async def test_a_list_that_was_read_stays_while_the_server_is_away(files: Plugged) -> None:
    raw = (await files.raw(MOVIE))[0]
    link = await files.media.deep_link(raw.key)
    files.simulator.faults.set(Rule("down"))
    assert await files.media.deep_link(raw.key) == link
    assert raw.decode().title, "what was listed can be read at leisure"
    with pytest.raises(NotReady):
        await files.raw(MOVIE)
    files.simulator.faults.clear()
    assert len(await files.raw(MOVIE)) == 15


async def test_a_list_that_breaks_off_is_no_short_list(files: Plugged) -> None:
    before = await files.raw(MOVIE)
    files.simulator.shelf.films["One more (2000)"] = files.simulator._made("One more (2000)")
    files.simulator.faults.set(Rule("truncated", "/media/movies"))
    with pytest.raises(NotReady):
        await files.raw(MOVIE)
    files.simulator.faults.clear()
    assert len(await files.raw(MOVIE)) == len(before) + 1


@pytest.mark.parametrize("mode", ["down", "hang", "500", "html", "garbage"])
async def test_pictures_that_do_not_come(files: Plugged, mode: str) -> None:
    film = next(iter((await files.records(MOVIE)).values()))
    files.simulator.faults.set(Rule(mode, "/files/"))  # type: ignore[arg-type]  # all are modes
    call = files.media.image(film.fields["assets"]["poster"], 1, 1)
    if mode == "garbage":
        assert (await call).media_type == "application/json", "the portal looks for itself what it is"
        return
    with pytest.raises((ProviderError, TimeoutError)):
        async with asyncio.timeout(0.3 if mode == "hang" else PATIENT):
            await call
