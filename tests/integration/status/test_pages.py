"""The status page and its API: what each person sees, what admins decide, and what is announced."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, cast

import pytest

from medianest_core.domain.status.recorder import Recorder
from medianest_core.domain.status.service import Status
from medianest_core.host.instance import InstanceInfo
from medianest_core.host.instances import Instances
from medianest_core.sdk.status import Item
from medianest_core.web.portal.app import Portal
from medianest_core.web.rest.mount import RestApi
from tests.fakes.status import FakeHost

ORIGIN = {"origin": "http://portal.test"}


class House:
    def __init__(self, gate: Any, recorder: Recorder, info: InstanceInfo) -> None:
        self.gate = gate
        self.recorder = recorder
        self.info = info
        self.ada: Any
        self.bob: Any

    async def monitor(self, name: str) -> dict[str, Any]:
        found = (await self.ada.client.get("/api/v1/status/monitors", params={"text": name})).json()["items"]
        (one,) = [item for item in found if item["name"] == name]
        return dict(one)


@pytest.fixture
async def house(gate: Any) -> House:
    services, host = gate.services, FakeHost()
    status = Status(db=services.db, bus=services.bus, instances=cast(Instances, host))
    services = gate.services = replace(services, status=status)
    gate.serve([*RestApi(services).routes(), *Portal(services).routes()])
    info = await host.add(services.db, "kuma")
    recorder = Recorder(services.db, services.bus, services.clock)
    await recorder.own([info])
    await recorder.observe(
        info,
        [
            Item("Web", True, "200 - OK", 12.0, "Public", url="http://10.0.0.9/"),
            Item("Mail", False, "connect ECONNREFUSED 10.0.0.5", group="Public"),
            Item("<Router> & co", True, group="Inside"),
        ],
    )
    house = House(gate, recorder, info)
    house.ada, house.bob = await gate.person("Ada", role="admin"), await gate.person("Bob")
    return house


async def test_the_page_shows_groups_bars_and_words_but_insides_only_to_admins(house: House) -> None:
    seen = (await house.bob.client.get("/status")).text
    assert "1 service is down" in seen and "3 of 4 are up" in seen
    assert "Public" in seen and "Inside" in seen and "Services of this portal" in seen
    assert "&lt;Router&gt; &amp; co" in seen and "10.0.0" not in seen
    assert len(re.findall(r'<svg class="past-bars"', seen)) == 4
    assert "Announce something" not in seen
    told = (await house.ada.client.get("/status")).text
    assert "ECONNREFUSED" in told and "Announce something" in told
    only = (await house.bob.client.get("/status?show=trouble&span=month")).text
    assert "Mail" in only and ">Web<" not in only
    assert "Nothing found" in (await house.bob.client.get("/status?q=zebra")).text


async def test_a_monitor_has_a_page(house: House) -> None:
    mail = await house.monitor("Mail")
    seen = (await house.bob.client.get(f"/status/{mail['id']}")).text
    assert "24 hours" in seen and "30 days" in seen and "Outage" in seen and "10.0.0.5" not in seen
    assert "For admins" not in seen
    assert "For admins" in (await house.ada.client.get(f"/status/{mail['id']}")).text
    assert (await house.bob.client.get("/status/424242")).status_code == 404
    assert (await house.bob.client.get("/status/99999999999999999999")).status_code == 404
    row = await house.bob.client.get(f"/status/rows/{mail['id']}", headers={"hx-request": "true"})
    assert row.status_code == 200 and f'id="monitor-{mail["id"]}"' in row.text


async def test_what_is_only_for_admins_is_not_there_for_others(house: House) -> None:
    web = await house.monitor("Web")
    body = {"role": "admin", "needed": True, "version": web["version"]}
    assert (
        await house.bob.client.patch(f"/api/v1/status/monitors/{web['id']}", json=body)
    ).status_code == 403
    changed = await house.ada.client.patch(f"/api/v1/status/monitors/{web['id']}", json=body)
    assert (changed.json()["role"], changed.json()["needed"], changed.json()["version"]) == ("admin", True, 2)
    stale = await house.ada.client.patch(f"/api/v1/status/monitors/{web['id']}", json=body)
    assert stale.status_code == 409
    names = [one["name"] for one in (await house.bob.client.get("/api/v1/status/monitors")).json()["items"]]
    assert "Web" not in names and "Mail" in names
    assert (await house.bob.client.get(f"/api/v1/status/monitors/{web['id']}")).status_code == 404
    gone = await house.bob.client.get(f"/status/rows/{web['id']}", headers={"hx-request": "true"})
    assert (gone.text, gone.headers["hx-reswap"]) == ("", "delete")
    everything = await house.ada.client.put("/api/v1/status/services/kuma/visibility", json={"role": "admin"})
    assert everything.json() == {"count": 4}
    assert (await house.bob.client.get("/api/v1/status/monitors")).json()["items"] == []
    assert (await house.bob.client.get("/api/v1/status/incidents")).json()["items"] == []
    await house.recorder.read_decisions()
    await house.recorder.observe(house.info, [Item("Later", True)])
    assert (await house.monitor("Later"))["role"] == "admin"


async def test_the_form_decides_too_and_tells_of_a_conflict(house: House) -> None:
    web = await house.monitor("Web")
    sent = {"role": "", "needed": ["false", "true"], "version": str(web["version"])}
    saved = await house.ada.client.post(f"/status/{web['id']}", data=sent, headers=ORIGIN)
    assert saved.status_code == 303
    assert (await house.monitor("Web"))["needed"] is True
    again = await house.ada.client.post(
        f"/status/{web['id']}", data={"role": "admin", "needed": "false", "version": "1"}, headers=ORIGIN
    )
    assert again.status_code == 409 and "Someone else changed" in again.text
    all_of_it = await house.ada.client.post(
        f"/status/{(await house.monitor('Kuma'))['id']}/all", data={"role": "admin"}, headers=ORIGIN
    )
    assert all_of_it.status_code == 303
    assert (await house.monitor("Mail"))["role"] == "admin"


async def test_history_has_always_as_many_buckets(house: House) -> None:
    web = await house.monitor("Web")
    detail = (await house.bob.client.get(f"/api/v1/status/monitors/{web['id']}")).json()
    assert {span: len(one["buckets"]) for span, one in detail["history"].items()} == {
        "day": 48,
        "week": 42,
        "month": 30,
    }
    week = await house.bob.client.get(f"/api/v1/status/monitors/{web['id']}/history?span=week")
    assert week.json()["width"] == 14_400


async def test_announcements_are_made_changed_ended_and_removed(house: House) -> None:
    ada, bob = house.ada.client, house.bob.client
    page = await ada.post(
        "/status/announcements/new",
        data={
            "title": "Moving <house>",
            "message": "On Sunday.",
            "tone": "warning",
            "role": "",
            "lasts": "24",
        },
        headers=ORIGIN,
    )
    assert page.status_code == 303
    (one,) = (await bob.get("/api/v1/status/incidents?kind=announcement&open=true")).json()["items"]
    assert one["title"] == "Moving <house>" and one["ended_at"] - one["started_at"] == pytest.approx(86_400)
    await house.gate.services.status.board.read()
    home = (await bob.get("/account")).text
    assert "Moving &lt;house&gt;" in home, "a banner tells of it"
    assert (await bob.get("/status/announcements/new")).status_code == 403
    wrong = await ada.post("/status/announcements/new", data={"title": " "}, headers=ORIGIN)
    assert wrong.status_code == 422 and "Say in a few words" in wrong.text
    made = await ada.post("/api/v1/status/announcements", json={"title": "Second", "role": "admin"})
    assert made.status_code == 201
    assert "Second" not in (await bob.get("/status")).text and "Second" in (await ada.get("/status")).text
    second = made.json()
    path = f"/api/v1/status/announcements/{second['id']}"
    changed = await ada.put(path, json={"title": "Third", "version": second["version"]})
    assert (changed.json()["title"], changed.json()["version"]) == ("Third", 2)
    assert (await ada.put(path, json={"title": "Fourth", "version": 1})).status_code == 409
    assert (await ada.put(path, json={"title": "x", "version": 2, "ends_at": 5.0})).status_code == 422
    assert (await bob.delete(f"{path}?version=2")).status_code == 403
    ended = await ada.post(f"{path}/end", json={"version": 2})
    assert ended.json()["ended_at"] is not None
    assert (await ada.delete(f"{path}?version=3")).status_code == 204
    assert (await ada.delete(f"{path}?version=3")).status_code == 404
    entries = (await ada.get("/api/v1/audit?action=announcement")).json()["items"]
    assert [item["action"].split(".")[1] for item in entries] == [
        "removed", "ended", "changed", "added", "added",
    ]  # fmt: skip


async def test_long_lists_come_in_pages_that_end(house: House) -> None:
    names = [f"Box {number:03}" for number in range(150)]
    await house.recorder.observe(house.info, [Item(name, True, group="Boxes") for name in names])
    seen: list[str] = []
    path = "/status"
    while path:
        text = (await house.bob.client.get(path, headers={"hx-request": "true"} if seen else {})).text
        seen += re.findall(r">(Box \d+)<", text)
        following = re.search(r'hx-get="(/status\?[^"]*cursor=[^"]*)"', text)
        path = following[1].replace("&amp;", "&") if following else ""
    assert seen == names
    listed: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await house.bob.client.get(f"/api/v1/status/monitors?limit=40&text=box{cursor}")).json()
        listed += [one["name"] for one in page["items"]]
        cursor = f"&cursor={page['next_cursor']}" if page["next_cursor"] else None
    assert listed == names
    assert (await house.bob.client.get("/api/v1/status/monitors?cursor=x")).status_code == 422
