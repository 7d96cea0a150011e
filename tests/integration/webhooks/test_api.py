"""The same over the JSON API: every step of a subscription and of a delivery."""

from __future__ import annotations

from typing import Any

from medianest_core.web.inbound.routes import routes as inbound
from medianest_core.web.rest.mount import RestApi

GOOD = {"x-toy": "right-key"}


async def test_both_ways_by_program(toy_gate: Any) -> None:
    toy_gate.serve([*inbound(), *RestApi(toy_gate.services).routes()])
    api = (await toy_gate.person("admin", role="admin")).client
    base = "/api/v1/webhooks"

    kinds = {one["name"]: one for one in (await api.get(f"{base}/events")).json()}
    assert "request:update" in kinds and "sessions:ended" not in kinds and "job:progress" not in kinds
    assert kinds["request:update"]["fields"]["properties"]["status"]["type"] == "string"

    wanted = {"name": "Lights", "url": "https://hub.home/in?key=word", "events": ["request:update"]}
    made = (await api.post(f"{base}/subscriptions", json=wanted)).json()
    one = f"{base}/subscriptions/{made['subscription']['id']}"
    assert made["secret"].startswith("whsec_") and made["subscription"]["place"] == "https://hub.home:443"
    listed = (await api.get(f"{base}/subscriptions")).text + (await api.get(one)).text
    assert "key=word" not in listed and made["secret"] not in listed
    unknown = await api.post(f"{base}/subscriptions", json={**wanted, "events": ["no:such"]})
    assert unknown.status_code == 422
    change = {"name": "Lamps", "events": ["request:update", "system:alert"], "version": 1}
    assert (await api.patch(one, json=change)).json()["version"] == 2
    assert (await api.patch(one, json=change)).status_code == 409
    assert (await api.post(f"{one}/secret")).json()["secret"] != made["secret"]
    test = (await api.post(f"{one}/test")).json()["id"]
    paused = (await api.put(f"{one}/state", json={"state": "paused"})).json()
    assert (paused["subscription"]["state"], paused["subscription"]["waiting"]) == ("paused", 1)
    assert (await api.put(f"{one}/state", json={"state": "active"})).json()["waiting"] == 1
    assert (await api.put(f"{one}/state", json={"state": "off"})).status_code == 200
    (message,) = (await api.get(f"{one}/messages")).json()["items"]
    assert (message["id"], message["status"], message["event"]) == (test, "dropped", "webhook:test")
    again = await api.post(f"{one}/messages/{test}/replay")
    assert again.status_code == 202 and again.json()["id"] != test
    assert (await api.get(f"{one}/messages", params={"status": "waiting"})).json()["items"][0][
        "replay_of"
    ] == test
    assert (await api.delete(one)).status_code == 204 and (await api.get(one)).status_code == 404

    (receiver,) = (await api.get(f"{base}/receivers")).json()
    assert (receiver["instance_id"], receiver["addressed"]) == (toy_gate.toy, False)
    refused = await api.post(f"{base}/receivers/{toy_gate.toy}/register")
    assert refused.status_code == 422 and "MEDIANEST_PUBLIC_URL" in refused.text
    address = (await api.post(f"/api/v1/services/{toy_gate.toy}/webhook")).json()
    async with toy_gate.client(origin=None) as service:
        await service.post(address["path"], headers=GOOD, json={"topic": "test"})
    (delivery,) = (await api.get(f"{base}/deliveries", params={"status": "received"})).json()["items"]
    detail = (await api.get(f"{base}/deliveries/{delivery['id']}")).json()
    assert '"topic": "test"' in detail["content"]["text"] and detail["delivery"]["kept"]
    replayed = await api.post(f"{base}/deliveries/{delivery['id']}/replay")
    assert replayed.status_code == 202
    first = (await api.get(f"{base}/deliveries", params={"limit": 1})).json()
    assert first["items"][0]["id"] == replayed.json()["id"] and first["next_cursor"]
    rest = await api.get(f"{base}/deliveries", params={"limit": 1, "cursor": first["next_cursor"]})
    assert rest.json()["items"][0]["id"] == delivery["id"]
    assert (await api.get(f"{base}/deliveries/nothing")).status_code == 404
