"""The pages for changing a request, one's watchlist, the rules, and taking over people."""

from __future__ import annotations

import re
from typing import Any

from tests.integration.requests.test_pages import HTMX, ORIGIN, House, house

__all__ = ["house"]


async def test_a_request_is_changed_until_somebody_decides(house: House) -> None:
    show = {"kind": "show", "ids": {"tvdb": "81189"}, "title": "Breaking Bad", "seasons": [1, 2]}
    made = (await house.ann.client.post("/api/v1/requests", json=show)).json()["request"]
    path = f"/requests/{made['id']}"
    assert f'href="{path}/edit"' in (await house.ann.client.get(path)).text
    page = (await house.ann.client.get(f"{path}/edit")).text
    assert 'value="1, 2"' in page
    wrong = await house.send(house.ann, f"{path}/edit", seasons="one", version="1")
    assert "Write the numbers" in wrong.text
    done = await house.send(house.ann, f"{path}/edit", seasons="3 4", comment="Please", version="1")
    assert (done.status_code, done.headers["location"]) == (303, path)
    after = (await house.root.client.get(f"/api/v1/requests/{made['id']}")).json()
    assert after["request"]["seasons"] == [3, 4] and after["comments"][0]["text"] == "Please"
    assert (await house.bob.client.get(f"{path}/edit")).status_code == 404
    stale = await house.send(house.ann, f"{path}/edit", seasons="1", version="1")
    assert stale.headers["location"] == path
    assert (await house.state(made["id"]))["seasons"] == [3, 4]
    way = await house.root.client.get(f"{path}/way")
    assert way.status_code == 200 and "No service that takes this answers now." in way.text
    assert (await house.ann.client.get(f"{path}/way")).status_code == 403
    await house.send(house.root, f"{path}/decline", reason="No")
    late = await house.ann.client.get(f"{path}/edit")
    assert late.headers["location"] == path


async def test_ones_own_watchlist(house: House) -> None:
    page = (await house.ann.client.get("/requests/watchlist")).text
    assert "There is no list to read" in page
    version = "".join(re.findall(r'name="version" value="(\d+)"', page)[:1])
    await house.send(house.ann, "/requests/watchlist", enabled="true", version=version)
    found = (await house.ann.client.get("/api/v1/requests/watchlist")).json()
    assert found["enabled"] and found["version"] == 1
    assert not (await house.bob.client.get("/api/v1/requests/watchlist")).json()["enabled"]
    late = await house.ann.client.put("/api/v1/requests/watchlist", json={"enabled": False, "version": 0})
    assert late.status_code == 409
    german = await house.ann.client.get("/requests/watchlist", headers={"accept-language": "de"})
    assert "Merkliste" in german.text


async def test_rules_are_seen_and_changed(house: House) -> None:
    page = await house.root.client.get("/admin/requests")
    assert page.status_code == 200
    for words in (
        "Who takes what",
        "Nobody: it waits until a service is set up.",
        "Members",
        "No title is blocked.",
    ):
        assert words in page.text
    rule = {
        "who": "role:user",
        "kind": "movie",
        "variant": "4k",
        "access": "auto",
        "quota": "3",
        "window_days": "30",
    }
    made = await house.send(house.root, "/admin/requests/policies", **rule)
    assert made.status_code == 303, made.text
    assert "3 within 30 days" in (await house.root.client.get("/admin/requests")).text
    twice = await house.send(house.root, "/admin/requests/policies", **rule)
    assert "There is a rule for exactly this already." in twice.text
    (policy,) = [
        one for one in (await house.root.client.get("/api/v1/request-rules/policies")).json() if one["id"]
    ]
    assert policy["watchlist"] is False and policy["auto_approve"]
    await house.send(house.root, f"/admin/requests/policies/{policy['id']}/remove")
    assert "within 30 days" not in (await house.root.client.get("/admin/requests")).text
    assert (await house.ann.client.get("/admin/requests")).status_code == 403
    assert len((await house.root.client.get("/api/v1/request-rules/takers")).json()) >= 4


async def test_how_many_an_hour_is_a_setting(house: House) -> None:
    wrong = await house.send(house.root, "/admin/requests/hourly", requests_per_hour="0", version="0")
    assert wrong.status_code in (200, 422)
    done = await house.send(house.root, "/admin/requests/hourly", requests_per_hour="2", version="0")
    assert done.status_code == 303
    for number in ("1", "2"):
        await house.ask(house.ann, f"Film {number}", number)
    body: dict[str, Any] = {"kind": "movie", "ids": {"tmdb": "3"}, "title": "Film 3"}
    third = await house.ann.client.post("/api/v1/requests", json=body)
    assert third.status_code == 429 and "retry-after" in third.headers


async def test_taking_over_people_without_a_service_that_knows_some(house: House) -> None:
    page = await house.root.client.get("/admin/users/import")
    assert page.status_code == 200 and "No service knows people" in page.text
    assert (await house.ann.client.get("/admin/users/import")).status_code == 403
    nobody = await house.root.client.post("/admin/users/import", data={"from": "x"}, headers=ORIGIN)
    assert nobody.status_code == 303
    assert (await house.root.client.get("/api/v1/people")).json() == {}
    strange = await house.root.client.post(
        "/admin/users/import", data={"from": "x", "person": "1"}, headers=HTMX
    )
    assert strange.status_code in (404, 503)
