"""Two admins at the same thing: the second one is told, sees both values and decides; doing the same twice is no error."""

from __future__ import annotations

import re
from typing import Any

import pytest

from medianest_core.domain.accounts.models import Status
from medianest_core.web.portal.app import Portal
from medianest_core.web.rest.mount import RestApi

HTML = {"accept": "text/html"}


@pytest.fixture
def house(toy_gate: Any) -> Any:
    routes = [*RestApi(toy_gate.services).routes(), *Portal(toy_gate.services).routes()]
    toy_gate.serve(routes)
    return toy_gate


def shown_version(page: str, path: str) -> str:
    """The version that the button leading to `path` carries."""
    found = re.search(rf'action="{re.escape(path)}".*?name="version" value="(\d+)"', page, re.DOTALL)
    assert found is not None, path
    return found[1]


async def test_approving_twice_is_news_not_an_error(house: Any) -> None:
    ada, bob = await house.person("Ada", "admin"), await house.person("Bob", "admin")
    pat = await house.person("Pat", status=Status.PENDING)
    page = (await bob.client.get("/admin/users", headers=HTML)).text
    path = f"/admin/users/{pat.user.id}/approve"
    sent = {"version": shown_version(page, path)}
    first = await ada.client.post(path, data=sent, headers=HTML)
    assert first.status_code == 303
    second = await bob.client.post(path, data=sent, headers=HTML)
    assert second.status_code == 303
    told = (await bob.client.get("/admin/users", headers=HTML)).text
    assert "They are in already. Ada changed this " in told
    log = (await ada.client.get("/api/v1/audit?action=user.approved")).json()["items"]
    assert [row["actor"] for row in log] == [ada.user.id], "it was done once"


async def test_a_stale_suspension_asks_and_can_be_done_all_the_same(house: Any) -> None:
    ada, bob = await house.person("Ada", "admin"), await house.person("Bob", "admin")
    pat = await house.person("Pat")
    path = f"/admin/users/{pat.user.id}"
    sent = {"version": shown_version((await bob.client.get(path, headers=HTML)).text, f"{path}/suspend")}
    role = {"role": "admin", "version": str(pat.user.version)}
    assert (await ada.client.post(path, data=role, headers=HTML)).status_code == 303
    refused = await bob.client.post(f"{path}/suspend", data=sent, headers=HTML)
    assert refused.status_code == 409
    assert "Ada changed this " in refused.text
    assert "Suspend" in refused.text and "Admin" in refused.text, "both what was wanted and what is"
    assert (await house.services.accounts.users.get(pat.user.id)).status is Status.ACTIVE
    again = {"version": shown_version(refused.text, f"{path}/suspend")}
    assert (await bob.client.post(f"{path}/suspend", data=again, headers=HTML)).status_code == 303
    assert (await house.services.accounts.users.get(pat.user.id)).status is Status.SUSPENDED
    gone = await bob.client.post(f"{path}/remove", data=again, headers=HTML)
    assert gone.status_code == 409 and "Delete account" in gone.text
    last = {"version": shown_version(gone.text, f"{path}/remove")}
    assert (await bob.client.post(f"{path}/remove", data=last, headers=HTML)).status_code == 303


async def test_services_are_switched_and_removed_only_as_they_were_seen(house: Any) -> None:
    ada, bob = await house.person("Ada", "admin"), await house.person("Bob", "admin")
    instances, path = house.services.host.instances, f"/admin/services/{house.toy}"
    page = (await bob.client.get(path, headers=HTML)).text
    off = {"version": shown_version(page, f"{path}/disable")}
    await instances.update(house.toy, {"word": "changed"}, instances.info(house.toy).version, ada.user.id)
    for verb in ("disable", "remove"):
        refused = await bob.client.post(f"{path}/{verb}", data=off, headers=HTML)
        assert refused.status_code == 409, verb
        assert "Ada changed this " in refused.text and "changed" in refused.text
        assert "right-key" not in refused.text
    assert instances.info(house.toy).enabled
    api = await bob.client.delete(f"/api/v1/services/{house.toy}", params=off)
    assert api.status_code == 409 and api.json()["current"]["enabled"] is True
    assert "right-key" not in api.text
    late = await bob.client.put(
        f"/api/v1/services/{house.toy}/enabled", json={"enabled": False, "version": int(off["version"])}
    )
    assert (late.status_code, late.json()["code"]) == (409, "stale")
    again = {"version": shown_version(refused.text, f"{path}/remove")}
    assert (await bob.client.post(f"{path}/remove", data=again, headers=HTML)).status_code == 303
    assert instances.all() == []


async def test_plugins_are_switched_only_as_they_were_seen(house: Any) -> None:
    ada, bob = await house.person("Ada", "admin"), await house.person("Bob", "admin")
    host, path = house.services.host, "/admin/plugins/toy"
    off = {"version": shown_version((await bob.client.get(path, headers=HTML)).text, f"{path}/disable")}
    await host.set_enabled("toy", False, ada.user.id)
    await host.set_enabled("toy", True, ada.user.id)
    refused = await bob.client.post(f"{path}/disable", data=off, headers=HTML)
    assert refused.status_code == 409 and "Ada changed this " in refused.text
    assert host.registry.plugin("toy").state.running
    again = {"version": shown_version(refused.text, f"{path}/disable")}
    assert (await bob.client.post(f"{path}/disable", data=again, headers=HTML)).status_code == 303
    assert not host.registry.plugin("toy").enabled
    same = await bob.client.post(f"{path}/disable", data=off, headers=HTML)
    assert same.status_code == 303, "it is off already: nothing to decide"


async def test_a_plugin_that_is_not_there_is_no_page(house: Any) -> None:
    ada = await house.person("Ada", "admin")
    page = await ada.client.get("/admin/plugins/nothing", headers=HTML)
    assert page.status_code == 404 and "No such plugin is installed." in page.text
    for what in ("enable", "disable", "retry"):
        refused = await ada.client.post(f"/admin/plugins/nothing/{what}", data={"version": "0"}, headers=HTML)
        assert refused.status_code == 404 and "No plugin called nothing is installed." in refused.text


async def test_an_account_changed_meanwhile_is_a_problem_with_its_present_values(house: Any) -> None:
    ada = await house.person("Ada", "admin")
    pat = await house.person("Pat")
    path, version = f"/api/v1/users/{pat.user.id}", pat.user.version
    assert (await ada.client.patch(path, json={"status": "suspended"})).status_code == 422
    first = await ada.client.patch(path, json={"display_name": "Patricia", "version": version})
    assert first.json()["version"] == version + 1
    stale = await ada.client.patch(path, json={"status": "suspended", "version": version})
    assert stale.status_code == 409
    assert stale.headers["content-type"] == "application/problem+json"
    assert stale.json()["current"]["display_name"] == "Patricia"
    assert (await ada.client.delete(path, params={"version": version})).status_code == 409
    same = await ada.client.patch(path, json={"status": "active", "version": version})
    assert same.status_code == 200, "what is so already needs no decision"


async def test_of_several_changes_to_an_account_all_are_made_or_none(house: Any) -> None:
    ada = await house.person("Ada", "admin")
    path, version = f"/api/v1/users/{ada.user.id}", ada.user.version
    wanted = {"display_name": "Countess", "role": "user", "version": version}
    refused = await ada.client.patch(path, json=wanted)
    assert refused.status_code >= 400, "the last admin stays one"
    now = (await ada.client.get(path)).json()["user"]
    assert (now["display_name"], now["role"], now["version"]) == (ada.user.display_name, "admin", version)
    pat = await house.person("Pat")
    path, version = f"/api/v1/users/{pat.user.id}", pat.user.version
    wanted = {"display_name": "Patricia", "role": "admin", "status": "suspended", "version": version}
    done = (await ada.client.patch(path, json=wanted)).json()
    assert (done["display_name"], done["role"], done["status"]) == ("Patricia", "admin", "suspended")
