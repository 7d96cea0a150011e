"""Every way in which a Seerr can misbehave has its error, and words that an admin understands."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio

import medianest_core.base.http as guarded
from medianest_core.base.http_factory import HttpFactory
from medianest_core.sdk import (
    AuthFailed,
    Delivery,
    InvalidResponse,
    Issue,
    NotFound,
    NotReady,
    ProviderError,
    RateLimited,
    RequestStatus,
)
from medianest_core.testing.faults import Rule
from medianest_core.testing.simulators import RunningSimulator, running
from medianest_overseerr import client
from medianest_overseerr.service import check
from medianest_overseerr.simulator import SeerrSimulator

from .seerr_kit import CASEY, Plugged, item, plug

Call = Callable[[], Awaitable[Any]]

TRANSPORT: list[tuple[dict[str, Any], type[ProviderError], str]] = [
    ({"mode": "down"}, NotReady, "broke"),
    ({"mode": "slow", "seconds": 60}, NotReady, "did not answer in time"),
    ({"mode": "hang"}, NotReady, "did not answer in time"),
    ({"mode": "drip", "seconds": 5}, NotReady, "did not answer in time"),
    ({"mode": "401"}, AuthFailed, "No API key arrived at"),
    ({"mode": "429", "seconds": 9}, RateLimited, "slow down"),
    ({"mode": "500"}, NotReady, "mistake of its own: Internal server error"),
    ({"mode": "garbage"}, InvalidResponse, "not JSON"),
    ({"mode": "truncated"}, NotReady, "broke"),
]


def calls(seerr: Plugged, reference: str) -> dict[str, Call]:
    """Everything that speaks with the service."""
    requests, catalog, film = seerr.requests, seerr.catalog, seerr.film()
    return {
        "check": lambda: check(seerr.settings, seerr.client),
        "submit": lambda: requests.submit(item(seerr.film(5)), CASEY),
        "find": lambda: requests.find(item(film), CASEY),
        "state": lambda: requests.state(reference),
        "cancel": lambda: requests.cancel(reference),
        "list": lambda: requests.list(0),
        "options": lambda: requests.options("movie"),
        "approve": lambda: requests.approve(reference),
        "decline": lambda: requests.decline(reference),
        "report": lambda: requests.report(Issue("audio", "No sound", item(film)), CASEY),
        "issues": requests.issues,
        "resolve": lambda: requests.resolve("1"),
        "users": requests.users,
        "quota": lambda: requests.quota(CASEY),
        "search": lambda: catalog.search("the"),
        "details": lambda: catalog.details("movie", {"tmdb": str(film.tmdb)}),
        "discover": lambda: catalog.discover("trending"),
        "snapshot": seerr.status.snapshot,
        "register": lambda: seerr.webhooks.register("http://portal.test/x"),
        "unregister": lambda: seerr.webhooks.unregister("http://portal.test/x"),
    }


@pytest_asyncio.fixture(loop_scope="session")
async def asked(seerr: Plugged) -> dict[str, Call]:
    """All calls, with a request made before."""
    seerr.world.options.process_seconds = 3600.0
    sent = await seerr.requests.submit(item(seerr.film()), CASEY)
    seerr.simulator.ledger.clear()
    return calls(seerr, sent.reference)


async def outcomes(asked: dict[str, Call]) -> dict[str, Any]:
    """name → result or error, all at once."""
    found = await asyncio.gather(*(call() for call in asked.values()), return_exceptions=True)
    return dict(zip(asked, found, strict=True))


@pytest.mark.parametrize(
    ("fault", "error", "words"), TRANSPORT, ids=[str(row[0]["mode"]) for row in TRANSPORT]
)
async def test_faults_of_the_transport(
    seerr: Plugged,
    asked: dict[str, Call],
    fault: dict[str, Any],
    error: type[ProviderError],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Short only where a time-out is what should come: a busy machine must not turn another fault into one.
    monkeypatch.setattr(guarded, "DEFAULT_TIMEOUT", 0.5 if "in time" in words else 20.0)
    seerr.simulator.faults.set(Rule(**fault))
    key = seerr.settings.api_key.reveal()
    for name, found in (await outcomes(asked)).items():
        if name == "cancel" and found is None and fault["mode"] in ("drip", "truncated"):
            continue  # its answer has no body that could suffer
        assert isinstance(found, error), (name, found)
        assert words in str(found), name
        assert key not in str(found)
        if isinstance(found, RateLimited):
            assert found.retry_after == 9


async def test_a_key_that_was_changed_there(seerr: Plugged, asked: dict[str, Call]) -> None:
    seerr.world.rotate_key()
    assert (await asked.pop("snapshot")()).version == "3.1.0"
    for name, found in (await outcomes(asked)).items():
        assert isinstance(found, AuthFailed), (name, found)
        assert "Copy it again" in str(found)


async def test_a_sign_in_page_instead_of_data(seerr: Plugged, asked: dict[str, Call]) -> None:
    seerr.world.options.answer = "html"
    for name, found in (await outcomes(asked)).items():
        assert isinstance(found, InvalidResponse), (name, found)
        assert "web page" in str(found)


async def test_an_answer_larger_than_any_should_be(
    seerr: Plugged, asked: dict[str, Call], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "MAX_BYTES", 200_000)
    monkeypatch.setattr(guarded, "DEFAULT_TIMEOUT", 20.0)
    seerr.world.options.answer = "huge"
    for name in ("state", "list", "users", "search", "details"):
        with pytest.raises(InvalidResponse, match="larger than"):
            await asked[name]()


async def test_rows_that_come_twice_count_once(seerr: Plugged, asked: dict[str, Call]) -> None:
    honest = await outcomes(
        {name: asked[name] for name in ("list", "users", "search", "discover", "options")}
    )
    seerr.world.options.answer = "double"
    doubled = await outcomes({name: asked[name] for name in ("list", "users")})
    assert doubled["list"] == honest["list"] and doubled["users"] == honest["users"]
    page = await asked["search"]()
    assert [entry.ids for entry in page.entries] == [entry.ids for entry in honest["search"].entries]
    found = await asked["find"]()
    assert found is not None and found.reference == honest["list"][0].reference


EMPTY: dict[str, Any] = {
    "list": [],
    "users": [],
    "issues": [],
    "options": [],
    "check": InvalidResponse,
    "state": InvalidResponse,
    "submit": InvalidResponse,
    "details": InvalidResponse,
    "approve": InvalidResponse,
    "find": InvalidResponse,
}


@pytest.mark.parametrize("answer", ["empty", "nulls"])
async def test_empty_but_valid(seerr: Plugged, asked: dict[str, Call], answer: str) -> None:
    seerr.world.options.answer = answer
    found = await outcomes(asked)
    for name, wanted in EMPTY.items():
        if isinstance(wanted, type):
            assert isinstance(found[name], wanted), (name, found[name])
        elif answer == "empty":
            assert found[name] == wanted, name
    # Nothing is ever an unforeseen error.
    for name, result in found.items():
        assert not isinstance(result, Exception) or isinstance(result, ProviderError), (name, result)


async def test_an_unreadable_answer_is_never_taken_for_no_request(
    seerr: Plugged, asked: dict[str, Call]
) -> None:
    for answer in ("html", "nulls", "empty"):
        seerr.world.options.answer = answer
        with pytest.raises(ProviderError):
            await asked["find"]()


async def test_a_fault_in_the_middle_is_never_a_short_list(
    seerr: Plugged, asked: dict[str, Call], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PAGE", 2)
    pages = seerr.client.pages("/user")
    assert [await anext(pages), await anext(pages)]
    seerr.simulator.faults.set(Rule("500", "/api/v1/user"))
    with pytest.raises(NotReady):
        await anext(pages)


async def test_nothing_is_lost_or_made_by_all_these_faults(seerr: Plugged, asked: dict[str, Call]) -> None:
    for mode in ("down", "429", "500", "401"):
        seerr.simulator.faults.set(Rule(mode))
        await outcomes(asked)
    seerr.simulator.faults.clear()
    assert seerr.simulator.ledger.entries() == []
    found = await asked["find"]()
    assert found is not None and found.status is RequestStatus.APPROVED


async def test_a_wrong_address_and_one_where_nobody_is(
    served: RunningSimulator, factory: HttpFactory, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = await plug(factory, served, url=f"{served.url}/elsewhere")
    with pytest.raises(NotFound, match="no Overseerr or Seerr under it"):
        await check(elsewhere.settings, elsewhere.client)
    async with running(SeerrSimulator(data_dir=tmp_path_factory.mktemp("gone"))) as other:
        gone = await plug(factory, other)
    with pytest.raises(NotReady, match="No connection"):
        await gone.requests.list(0)


@pytest.mark.parametrize("profile", ["seerr"], indirect=True)
async def test_two_side_by_side_and_one_of_them_down(
    seerr: Plugged, factory: HttpFactory, tmp_path_factory: pytest.TempPathFactory
) -> None:
    second = SeerrSimulator(data_dir=tmp_path_factory.mktemp("second"), profile="overseerr", seed=8)
    async with running(second) as served:
        other = await plug(factory, served)
        assert other.settings.api_key != seerr.settings.api_key
        film = seerr.film()
        here, there = await asyncio.gather(
            seerr.requests.submit(item(film), CASEY), other.requests.submit(item(film), CASEY)
        )
        assert len(seerr.made()) == len(other.made()) == 1
        seerr.simulator.faults.set(Rule("down"))
        other.available(there.reference)
        assert (await other.requests.state(there.reference)).status is RequestStatus.AVAILABLE
        assert (await other.catalog.search(film.name)).entries
        assert (await check(other.settings, other.client)).details["Product"] == "Overseerr"
        with pytest.raises(NotReady):
            await seerr.requests.state(here.reference)
        body = b'{"notification_type":"TEST_NOTIFICATION"}'
        secret = other.settings.message_secret()
        assert other.webhooks.verify(Delivery({"authorization": secret}, body))
        assert not seerr.webhooks.verify(Delivery({"authorization": secret}, body))
