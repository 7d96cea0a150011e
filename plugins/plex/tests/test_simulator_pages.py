"""The pages on which a person approves a sign-in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from medianest_core.testing.simulators import RunningSimulator

HEADERS = {"Accept": "application/json", "X-Plex-Client-Identifier": "tv", "X-Plex-Product": "Media<Nest>"}


@pytest.fixture
async def browser(served: RunningSimulator) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=served.url, trust_env=False, timeout=60) as client:
        yield client


async def new_pin(browser: httpx.AsyncClient, strong: bool) -> dict[str, Any]:
    made = await browser.post("/api/v2/pins", params={"strong": str(strong)}, headers=HEADERS)
    return dict(made.json())


async def token_of(browser: httpx.AsyncClient, pin: dict[str, Any]) -> str | None:
    found = (await browser.get(f"/api/v2/pins/{pin['id']}", headers=HEADERS)).json()["authToken"]
    assert found is None or isinstance(found, str)
    return found


async def test_a_typed_code_is_approved_by_a_button(browser: httpx.AsyncClient) -> None:
    pin = await new_pin(browser, False)
    page = await browser.get("/link", params={"code": pin["code"]})
    assert f'value="{pin["code"]}"' in page.text
    for user in ("owner", "casey", "stranger", "kid"):
        assert f'name="user" value="{user}"' in page.text
    done = await browser.post("/link", data={"code": pin["code"].lower(), "user": "casey"})
    assert done.status_code == 200
    assert "Media&lt;Nest&gt;" in done.text
    assert await token_of(browser, pin)


@pytest.mark.parametrize(
    "form", [{"code": "0000", "user": "casey"}, {"user": "casey"}, {"code": '"><script>', "user": ""}]
)
async def test_a_wrong_code_is_told_so(browser: httpx.AsyncClient, form: dict[str, str]) -> None:
    reply = await browser.post("/link", data=form)
    assert reply.status_code == 422
    assert "not valid" in reply.text
    assert '"><script>' not in reply.text


async def test_strong_codes_are_not_for_typing_and_users_must_exist(browser: httpx.AsyncClient) -> None:
    strong, short = await new_pin(browser, True), await new_pin(browser, False)
    assert (await browser.post("/link", data={"code": strong["code"], "user": "casey"})).status_code == 422
    assert (await browser.post("/link", data={"code": short["code"], "user": "nobody"})).status_code == 422
    assert await token_of(browser, strong) is None
    assert await token_of(browser, short) is None


async def test_the_popup_checks_the_device_and_goes_back(browser: httpx.AsyncClient) -> None:
    assert "/auth/approve.js" in (await browser.get("/auth")).text
    assert "location.hash" in (await browser.get("/auth/approve.js")).text
    pin = await new_pin(browser, True)
    wrong = await browser.get("/auth", params={"code": pin["code"], "clientID": "somebody else"})
    assert wrong.status_code == 422
    values = {"code": pin["code"], "clientID": "tv", "forwardUrl": "http://127.0.0.1:1/back"}
    assert "would like to sign you in" in (await browser.get("/auth", params=values)).text
    back = await browser.post("/auth", data={**values, "user": "jordan"})
    assert (back.status_code, back.headers["location"]) == (303, "http://127.0.0.1:1/back")
    assert await token_of(browser, pin)


async def test_the_popup_without_a_way_back_closes(browser: httpx.AsyncClient) -> None:
    pin = await new_pin(browser, True)
    values = {"code": pin["code"], "clientID": "tv", "forwardUrl": "javascript:alert(1)"}
    done = await browser.post("/auth", data={**values, "user": "owner"})
    assert done.status_code == 200
    assert 'data-close="1"' in done.text
