"""Requests over the API: asking, deciding, rules, and what answers look like when something is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from medianest_core.web.rest.mount import RestApi

FILM = {"kind": "movie", "ids": {"tmdb": "603"}, "title": "The Matrix", "year": 1999}
API = "/api/v1"


@pytest.fixture
def house(gate: Any) -> Any:
    gate.serve(RestApi(gate.services).routes())
    return gate


async def test_from_wish_to_decision(house: Any) -> None:
    ann, bob = await house.person("Ann"), await house.person("Bob")
    root = await house.person("Root", "admin")
    made = await ann.client.post(f"{API}/requests", json={**FILM, "comment": "Please."})
    assert made.status_code == 201, made.text
    assert made.json()["result"] == "created"
    request = made.json()["request"]
    one = f"{API}/requests/{request['id']}"
    assert (request["state"], request["user"]["name"], request["needs_decision"]) == ("pending", "Ann", True)
    assert (await bob.client.get(one)).status_code == 404
    assert (await bob.client.post(f"{API}/requests", json=FILM)).json()["result"] == "joined"
    assert (await bob.client.get(one)).json()["request"]["participants"] == 2
    assert (await bob.client.post(f"{one}/approve", json={})).status_code == 403

    page = (await root.client.get(f"{API}/requests?everyone=true&undecided=true")).json()
    assert [item["id"] for item in page["items"]] == [request["id"]]
    assert (await root.client.get(f"{API}/requests/counts?everyone=true")).json()["undecided"] == 1
    stale = await root.client.post(f"{one}/decline", json={"reason": "No.", "version": 99})
    assert stale.status_code == 409 and stale.json()["current"]["state"] == "pending"
    declined = await root.client.post(f"{one}/decline", json={"reason": "No.", "version": request["version"]})
    assert (declined.json()["state"], declined.json()["reason"]) == ("declined", "No.")
    late = await root.client.post(f"{one}/approve", json={})
    assert late.status_code == 409 and late.json()["code"] == "refused"
    detail = (await ann.client.get(one)).json()
    assert [step["after"] for step in detail["timeline"]] == ["pending", "declined"]
    assert detail["comments"][0]["text"] == "Please."
    assert (await root.client.delete(one)).status_code == 204
    assert (await ann.client.get(one)).status_code == 404


async def test_what_is_wrong_is_said(house: Any) -> None:
    ann = await house.person("Ann")
    for body, status, code in (
        ({**FILM, "variant": "4k"}, 403, "denied"),
        ({**FILM, "kind": "opera"}, 422, "invalid"),
        ({**FILM, "ids": {}}, 422, "invalid"),
        ({**FILM, "seasons": ["x"]}, 422, ""),
        ({**FILM, "surprise": 1}, 422, ""),
        ({**FILM, "for_user": "someone"}, 403, "denied"),
    ):
        answer = await ann.client.post(f"{API}/requests", json=body)
        assert answer.status_code == status, answer.text
        assert not code or answer.json()["code"] == code
    assert (await ann.client.get(f"{API}/requests?state=lost")).status_code == 422
    assert (await ann.client.get(f"{API}/requests?cursor=x")).status_code == 422


async def test_rules(house: Any) -> None:
    ann, root = await house.person("Ann"), await house.person("Root", "admin")
    rules = f"{API}/request-rules"
    policy = {"subject": "role", "subject_id": "user", "kind": "movie", "quota": 1, "window_days": 30}
    made = await root.client.post(f"{rules}/policies", json=policy)
    assert made.status_code == 201, made.text
    assert (await root.client.post(f"{rules}/policies", json=policy)).status_code == 422, (
        "exactly this is there"
    )
    assert (await ann.client.post(f"{API}/requests", json=FILM)).status_code == 201
    used = await ann.client.post(f"{API}/requests", json={**FILM, "ids": {"tmdb": "604"}})
    assert used.status_code == 429 and int(used.headers["retry-after"]) > 29 * 86_400
    allowances = (await ann.client.get(f"{API}/requests/allowances")).json()
    assert next(one for one in allowances if one["kind"] == "movie")["left"] == 0
    changed = {**policy, "quota": None, "version": made.json()["version"]}
    path = f"{rules}/policies/{made.json()['id']}"
    assert (await root.client.put(path, json=changed)).json()["quota"] is None
    assert (await root.client.put(path, json=changed)).status_code == 409
    assert (await root.client.delete(path)).status_code == 204
    assert (await root.client.delete(path)).status_code == 404
    assert len((await root.client.get(f"{rules}/policies")).json()) == 2, "those that are built in"

    body = {"kind": "movie", "ids": {"tmdb": "9"}, "title": "No", "reason": "Never."}
    block = (await root.client.post(f"{rules}/blocklist", json=body)).json()
    refused = await ann.client.post(f"{API}/requests", json={**FILM, "ids": {"tmdb": "9"}})
    assert refused.status_code == 409 and "Never." in refused.json()["detail"]
    assert [one["id"] for one in (await root.client.get(f"{rules}/blocklist")).json()] == [block["id"]]
    assert (await root.client.delete(f"{rules}/blocklist/{block['id']}")).status_code == 204

    profile = await root.client.post(f"{rules}/profiles", json={"name": "Usual", "kinds": ["movie"]})
    assert profile.status_code == 201
    wrong = {"name": "Nowhere", "instance_id": "nowhere"}
    assert (await root.client.post(f"{rules}/profiles", json=wrong)).status_code == 422
    assert [one["name"] for one in (await ann.client.get(f"{rules}/profiles")).json()] == ["Usual"]
    assert (await ann.client.get(f"{rules}/blocklist")).status_code == 403
    assert (await root.client.get(f"{API}/requests/options?kind=movie")).json() == {}
    log = (await root.client.get(f"{API}/audit?action=requests.")).json()["items"]
    assert {
        "requests.policy",
        "requests.policy_removed",
        "requests.blocked",
        "requests.unblocked",
        "requests.profile",
    } <= {row["action"] for row in log}
