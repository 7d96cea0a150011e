"""The admin's pages of settings: saving those of the portal, reading histories, bringing an earlier state back."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update

from medianest_core.host.states import InstanceState
from medianest_core.store.tables.accounts import passwords, sessions
from medianest_core.web.portal.app import Portal
from medianest_core.web.rest.mount import RestApi

PASSWORD = "correct horse"
CANARY = "other-key-canary-4713"


@pytest.fixture
async def admin(toy_gate: Any) -> Any:
    services = toy_gate.services
    toy_gate.serve([*RestApi(services).routes(), *Portal(services).routes()])
    return await toy_gate.person("admin", role="admin")


async def text(person: Any, path: str, status: int = 200) -> str:
    answer = await person.client.get(path)
    assert answer.status_code == status, (path, answer.status_code)
    return str(answer.text)


async def post(person: Any, path: str, **fields: str) -> Any:
    return await person.client.post(path, data=fields)


def states(page: str) -> list[str]:
    """Paths of the states, newest first."""
    return re.findall(r'href="(/admin/[^"]+/history/\d+)"', page)


async def change_toy(gate: Any, person: Any, **fields: str) -> None:
    version = str(gate.services.host.instances.info(gate.toy).version)
    answer = await post(
        person, f"/admin/services/{gate.toy}", instance_title="My toy", version=version, **fields
    )
    assert answer.status_code == 303


async def test_a_services_earlier_state_is_read_and_brought_back(toy_gate: Any, admin: Any) -> None:
    home = f"/admin/services/{toy_gate.toy}"
    await change_toy(toy_gate, admin, word="bye", key=CANARY)
    assert f'href="{home}/history"' in await text(admin, home)
    listed = await text(admin, f"{home}/history")
    newest, oldest = states(listed)
    assert "Changed by admin" in listed and "Key, Word" in listed

    now = await text(admin, newest)
    assert "This is how the settings are now." in now and "/restore" not in now
    past = await text(admin, oldest)
    assert re.search(r"bye</span>.*hello", past, re.S) and "Stays as it is now" in past
    assert CANARY not in listed + now + past and "right-key" not in past

    wrong = await post(admin, f"{oldest}/restore", password="wrong", version="2")
    assert wrong.status_code == 422 and "This is not your password." in wrong.text
    done = await post(admin, f"{oldest}/restore", password=PASSWORD, version="2")
    assert (done.status_code, done.headers["location"]) == (303, home)
    assert toy_gate.services.host.instances.form_values(toy_gate.toy)["word"] == "hello"
    assert "Brought back by admin" in await text(admin, f"{home}/history")

    late = await post(admin, f"{oldest}/restore", password=PASSWORD, version="2")
    assert late.status_code == 409 and "meanwhile" in late.text
    await text(admin, f"{home}/history/999999", 404)
    await text(admin, f"{home}/history/x", 404)


async def test_the_portals_settings_are_saved_and_brought_back(toy_gate: Any, admin: Any) -> None:
    page = await text(admin, "/admin/settings")
    assert "Name of your portal" in page and "begins with the next change" in await text(
        admin, "/admin/settings/history"
    )
    form = {"site_name": "Attic", "auto_approve": "true", "requests_per_hour": "5", "version": "0"}
    assert (await post(admin, "/admin/settings", **form)).status_code == 303
    stale = await post(admin, "/admin/settings", **form | {"site_name": "Loft"})
    assert stale.status_code == 409 and "Saved by someone else: Attic" in stale.text
    refused = await post(admin, "/admin/settings", **form | {"requests_per_hour": "many", "version": "1"})
    assert (
        refused.status_code == 422 and "Check this value." in refused.text and 'value="many"' in refused.text
    )

    _newest, oldest = states(await text(admin, "/admin/settings/history"))
    past = await text(admin, oldest)
    assert "As they were when the history began" in past and re.search(r"Attic</span>.*MediaNest", past, re.S)
    done = await post(admin, f"{oldest}/restore", password=PASSWORD, version="1")
    assert done.status_code == 303
    assert toy_gate.services.portal_settings.now.site_name == "MediaNest"
    told = (await admin.client.get("/api/v1/settings/history")).json()
    assert [one["action"] for one in told] == ["restored", "saved", "found"]
    assert {one["name"] for one in told[0]["changes"]} == {"site_name", "auto_approve", "requests_per_hour"}


async def test_nobody_locks_everybody_out(toy_gate: Any, admin: Any) -> None:
    toy = toy_gate.services.host.instances
    await toy.set_enabled(toy_gate.toy, False, None)
    form = {"site_name": "Attic", "local_sign_in": "false", "version": "0"}
    refused = await post(admin, "/admin/settings", **form)
    assert refused.status_code == 422 and "Nobody could sign in any more" in refused.text
    over_api = {"values": {"local_sign_in": False}, "version": 0}
    refused = await admin.client.patch("/api/v1/settings", json=over_api)
    assert refused.status_code == 422 and "Nobody could sign in any more" in refused.text
    await toy.set_enabled(toy_gate.toy, True, None)
    await toy.settle(60)
    assert (await post(admin, "/admin/settings", **form)).status_code == 303
    await toy.set_enabled(toy_gate.toy, False, None)
    other = await post(admin, "/admin/settings", **form | {"site_name": "Loft", "version": "1"})
    assert other.status_code == 303, "what was shut before keeps nobody from changing the rest"


async def test_earlier_settings_come_back_over_the_api_too(toy_gate: Any, admin: Any) -> None:
    await change_toy(toy_gate, admin, word="bye")
    await admin.client.patch("/api/v1/settings", json={"values": {"site_name": "Attic"}, "version": 0})
    for base in ("settings", f"services/{toy_gate.toy}"):
        *_, oldest = (await admin.client.get(f"/api/v1/{base}/history")).json()
        now = (await admin.client.get(f"/api/v1/{base}")).json()
        now = now.get("service", now)
        path, wanted = f"/api/v1/{base}/history/{oldest['id']}/restore", {"version": now["version"]}
        wrong = await admin.client.post(path, json={**wanted, "password": "a guess"})
        assert wrong.status_code == 422 and "This is not your password." in wrong.text
        stale = await admin.client.post(path, json={"version": 99, "password": PASSWORD})
        assert stale.status_code == 409
        done = await admin.client.post(path, json={**wanted, "password": PASSWORD})
        assert done.status_code == 200 and done.json()["version"] == now["version"] + 1
        newest, *_ = (await admin.client.get(f"/api/v1/{base}/history")).json()
        assert (newest["action"], newest["restores"]) == ("restored", oldest["id"])
        lost = await admin.client.post(
            path.replace(f"/{oldest['id']}/", "/999999/"), json={"version": 2, "password": PASSWORD}
        )
        assert lost.status_code == 404
    assert toy_gate.services.portal_settings.now.site_name == "MediaNest"


async def test_who_has_no_password_must_have_signed_in_just_now(toy_gate: Any, admin: Any) -> None:
    await change_toy(toy_gate, admin, word="bye")
    oldest = states(await text(admin, f"/admin/services/{toy_gate.toy}/history"))[-1]
    async with toy_gate.services.db.begin() as tx:
        await tx.execute(passwords.delete().where(passwords.c.user_id == admin.user.id))
    assert "less than ten minutes ago" in await text(admin, oldest)
    async with toy_gate.services.db.begin() as tx:
        await tx.execute(update(sessions).where(sessions.c.id == admin.session_id).values(created_at=1.0))
    late = await post(admin, f"{oldest}/restore", version="2")
    assert late.status_code == 422 and "Sign out and in again" in late.text


async def test_without_its_plugin_the_history_is_only_read(toy_gate: Any, admin: Any) -> None:
    await change_toy(toy_gate, admin, word="bye", key=CANARY)
    await toy_gate.services.host.set_enabled("toy", False, None)
    home = f"/admin/services/{toy_gate.toy}"
    oldest = states(await text(admin, f"{home}/history"))[-1]
    past = await text(admin, oldest)
    assert "Its plugin is not running" in past and "/restore" not in past and CANARY not in past
    told = (await admin.client.get(f"/api/v1/services/{toy_gate.toy}/history")).json()
    assert told[0]["secrets"] == ["key"] and CANARY not in str(told)


async def test_refused_credentials_are_asked_for_where_they_are_typed(
    toy_gate: Any, admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    instances = toy_gate.services.host.instances
    refused = replace(instances.info(toy_gate.toy), state=InstanceState.NEEDS_REAUTH)
    home = f"/admin/services/{toy_gate.toy}"
    assert "Type it anew" not in await text(admin, home)
    monkeypatch.setattr(instances, "info", lambda _id: refused)
    page = await text(admin, home)
    assert page.count("Type it anew") == 1 and "Some fields need another look." in page
