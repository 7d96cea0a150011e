"""Where one is told, over HTTP: the page, its forms and the JSON API; and the link that ends it, for anybody who holds it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from medianest_core.web.portal.app import Portal
from medianest_core.web.rest.mount import RestApi
from tests.integration.notify.conftest import Bench, text_of
from tests.integration.notify.test_mail import arrived, code_in

PAGE = "/account/notifications"
API = "/api/v1/notifications"


@pytest.fixture
async def house(bench: Bench) -> Bench:
    bench.gate.serve([*RestApi(bench.gate.services).routes(), *Portal(bench.gate.services).routes()])
    return bench


async def test_the_page_says_who_can_help_where_nothing_is_set_up(house: Bench) -> None:
    ann, root = await house.gate.person("Ann"), await house.gate.person("Root", role="admin")
    assert "Ask your admin" in (await ann.client.get(PAGE)).text
    assert 'href="/admin/services"' in (await root.client.get(PAGE)).text


async def test_somebody_adds_confirms_and_chooses_without_script(house: Bench) -> None:
    ann, bob = await house.gate.person("Ann"), await house.gate.person("Bob")
    instance = await house.with_mail()

    async def send(path: str, who: Any = ann, **fields: Any) -> Any:
        return await who.client.post(f"{PAGE}{path}", data={"x": "", **fields})

    wrong = await send("/add", instance_id=instance, target="nobody")
    assert wrong.status_code == 422 and "Enter one address such as" in wrong.text
    assert (
        await send("/add", instance_id=instance, target="ann@example.org", label="My mail")
    ).status_code == 303
    await house.until(lambda: arrived(house, 1))
    (channel,) = await house.outside.channels.of(ann.user.id)
    shown = (await ann.client.get(PAGE)).text
    assert (
        "Not confirmed" in shown
        and "My mail" in shown
        and "ann@example.org" not in shown.replace("Example: ann@example.org", "")
    )
    refused = await send(f"/{channel.id}/confirm", code="abc")
    assert refused.status_code == 422 and "not the code" in refused.text
    assert (await send(f"/{channel.id}/confirm", who=bob, code=code_in(house))).status_code == 404
    assert (await send(f"/{channel.id}/confirm", code=code_in(house))).status_code == 303
    shown = (await ann.client.get(PAGE)).text
    assert "What you asked for is here" in shown and "Requests wait for you" not in shown
    assert (await send(f"/{channel.id}/test")).status_code == 303 and len(house.mail.got) == 2

    named = {f"topic:{name}": "1" for name in channel.wanted if name in shown}
    ticked = {f"want:{channel.id}:here": "1", f"digest:{channel.id}": "1"}
    assert (await send("/choices", channel=channel.id, **named, **ticked)).status_code == 303
    (kept,) = await house.outside.channels.of(ann.user.id)
    assert kept.digest and kept.wanted["here"] and not kept.wanted["decided"] and kept.wanted["approvals"]

    bad = await send("/times", quiet_from="22:30", quiet_to="", digest_hour="9", version="0")
    assert bad.status_code == 422 and "need a beginning and an end" in bad.text
    good = await send("/times", quiet_from="22:30", quiet_to="07:00", digest_hour="9", version="0")
    assert good.status_code == 303
    times = await house.outside.choosing.times(ann.user.id)
    assert (times.quiet_from, times.quiet_to, times.digest_hour, times.urgent) == (1350, 420, 9, False)
    await house.tell(ann.user.id)
    shown = (await ann.client.get(PAGE)).text
    assert "Waits" in shown and 'value="22:30"' in shown
    assert (await send(f"/{channel.id}/switch", on="false")).status_code == 303
    assert (await send(f"/{channel.id}/remove", who=bob)).status_code == 404
    assert (await send(f"/{channel.id}/remove")).status_code == 303
    assert await house.outside.channels.of(ann.user.id) == []


async def test_the_api_does_the_same_and_shows_no_address(house: Bench) -> None:
    ann, bob = await house.gate.person("Ann"), await house.gate.person("Bob")
    instance = await house.with_mail()
    made = await ann.client.post(
        f"{API}/channels", json={"instance_id": instance, "target": "secret.person@example.org"}
    )
    assert made.status_code == 201 and made.json()["waits"]
    path = f"{API}/channels/{made.json()['id']}"
    await house.until(lambda: arrived(house, 1))
    assert (await bob.client.post(f"{path}/confirm", json={"code": code_in(house)})).status_code == 404
    assert (await ann.client.post(f"{path}/confirm", json={"code": code_in(house)})).json()["waits"] is False
    changed = await ann.client.patch(path, json={"wanted": {"here": False}, "digest": True})
    assert changed.json()["digest"] and changed.json()["wanted"]["here"] is False
    told = (await ann.client.get(f"{API}/channels")).json()
    assert [one["name"] for one in told["topics"]][:2] == ["here", "decided"]
    assert told["kinds"][0]["confirms"] and told["links"]
    assert (await ann.client.put(f"{API}/times", json={"quiet_from": 0, "quiet_to": 1440})).status_code == 422
    times = await ann.client.put(f"{API}/times", json={"quiet_from": 60, "quiet_to": 120, "version": 0})
    assert times.json()["version"] == 1
    assert (await ann.client.put(f"{API}/times", json={"version": 0})).status_code == 409
    await house.tell(ann.user.id, "request.declined")
    (entry,) = (await ann.client.get(f"{API}/deliveries")).json()["items"]
    assert entry["state"] == "waiting" and entry["digest"]
    assert (await bob.client.get(f"{API}/deliveries")).json()["items"] == []
    assert (await bob.client.post(f"{API}/deliveries/{entry['id']}/again")).status_code == 404
    assert (await ann.client.post(f"{API}/deliveries/{entry['id']}/again")).status_code == 422
    assert "secret.person" not in json.dumps([told, entry, changed.json()])
    assert (await ann.client.delete(path)).status_code == 204


async def test_the_link_asks_first_and_works_for_mail_programs(house: Bench) -> None:
    ann = await house.gate.person("Ann")
    instance = await house.with_mail()
    channel = await house.outside.channels.add(ann.user.id, instance, "ann@example.org")
    await house.until(lambda: arrived(house, 1))
    await house.outside.channels.confirm(ann.user.id, channel.id, code_in(house))
    await house.outside.channels.test(ann.user.id, channel.id, "en")
    found = re.search(r"/unsubscribe/[\w.-]+", text_of(house.mail.got[-1][1]))
    assert found is not None
    async with house.gate.client(origin=None) as anybody:
        assert (await anybody.get("/unsubscribe/nonsense")).status_code == 404
        assert (await anybody.post("/unsubscribe/nonsense")).status_code == 404
        asked = await anybody.get(found[0])
        assert asked.status_code == 200 and "an…@example.org" in asked.text and "ann@" not in asked.text
        assert (await house.outside.channels.one(ann.user.id, channel.id)).enabled
        done = await anybody.post(found[0], data={"List-Unsubscribe": "One-Click"})
        assert done.status_code == 200 and "No more notifications" in done.text
    assert not (await house.outside.channels.one(ann.user.id, channel.id)).enabled
