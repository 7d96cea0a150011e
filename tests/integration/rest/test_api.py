"""The JSON API: accounts, services, jobs and the rest, over HTTP."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic import BaseModel

from medianest_core.domain.accounts.models import Status
from medianest_core.ledger.wording import mistake
from medianest_core.store.tables.ledger import jobs
from medianest_core.web.rest.mount import RestApi

PASSWORD = "correct horse"


@pytest.fixture
def api(toy_gate: Any) -> Any:
    toy_gate.serve(RestApi(toy_gate.services).routes())
    return toy_gate


async def test_who_am_i_has_an_etag_and_is_the_same_for_both_ways(api: Any) -> None:
    ann = await api.person("Ann")
    answer = await ann.client.get("/api/v1/me")
    assert answer.status_code == 200 and answer.headers["cache-control"] == "private, no-cache"
    me = answer.json()
    assert (me["username"], me["role"], me["permissions"]) == ("Ann", "user", ["toy.play"])
    again = await ann.client.get("/api/v1/me", headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == answer.headers["etag"]
    pending = await api.person("Pat", status=Status.PENDING)
    assert (await pending.client.get("/api/v1/me")).json()["role"] == "pending"
    assert (await pending.client.get("/api/v1/me/account")).status_code == 403


async def test_the_document_is_for_the_signed_in_and_covers_plugins(api: Any) -> None:
    async with api.client() as nobody:
        assert (await nobody.get("/api/v1/openapi.json")).status_code == 401
    ann = await api.person("Ann")
    document = (await ann.client.get("/api/v1/openapi.json")).json()
    assert document["openapi"].startswith("3.") and len(document["paths"]) > 40
    echo = document["paths"]["/plugins/toy/echo/{name}"]["post"]
    assert echo["requestBody"] and echo["parameters"][0]["name"] == "name"
    assert "application/problem+json" in echo["responses"]["default"]["content"]


async def test_problems_for_what_is_not_there_and_what_is_wrong(api: Any) -> None:
    ann = await api.person("Ann")
    for path, status in (("/api/v1/nowhere", 404), ("/api/v1/library/titles/1", 404)):
        answer = await ann.client.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
        assert answer.json()["correlation_id"] == answer.headers["x-correlation-id"]
    assert (await ann.client.put("/api/v1/library/titles")).status_code == 405
    wrong = await ann.client.get("/api/v1/library/titles?limit=0&sort=size")
    assert wrong.status_code == 422 and set(wrong.json()["errors"]) == {"limit", "sort"}
    canary = await ann.client.post("/api/v1/api-keys", json={"name": "x", "scopes": "canary-value"})
    assert canary.status_code == 422 and "canary-value" not in canary.text
    for content in (b"{", b'{"name": NaN', b"[" * 20_000, b"\xff"):
        answer = await ann.client.post(
            "/api/v1/api-keys", content=content, headers={"content-type": "application/json"}
        )
        assert answer.status_code in (400, 422), content[:10]
    text = await ann.client.post(
        "/api/v1/api-keys", content=b'{"name": "x"}', headers={"content-type": "text/plain"}
    )
    assert text.status_code == 422
    large = await ann.client.post("/api/v1/api-keys", json={"name": "x" * 2_000_000})
    assert large.status_code == 413


async def test_signing_in_by_code_until_the_admin_approves(api: Any) -> None:
    instances = api.services.host.instances
    admin = await api.person("Ada", "admin")
    async with api.client() as browser:
        methods = (await browser.get("/api/v1/sign-in/methods")).json()
        assert [method["flow"] for method in methods] == ["code", "form"]
        begun = await browser.post("/api/v1/sign-in/attempts", json={"method": methods[0]["key"]})
        assert begun.status_code == 201 and begun.json()["code"] == "WXYZ"
        assert begun.json()["url"] == "http://portal.test/sign-in/return"
        assert "canary" not in begun.text + str(begun.headers)
        assert "HttpOnly" in begun.headers["set-cookie"] and "SameSite=lax" in begun.headers["set-cookie"]
        assert (await browser.get("/api/v1/sign-in/attempts/current")).json()["progress"] == "waiting"
        version = instances.info(api.toy).version
        await instances.update(api.toy, {"word": "bea"}, version, None)
        await instances.settle(60)
        done = await poll(browser)
        assert (done["progress"], done["status"], done["created"]) == ("done", "pending", True)
        assert (await browser.get("/api/v1/library/titles")).json()["code"] == "waiting"
        pending = (await admin.client.get("/api/v1/users?status=pending")).json()["users"]
        assert [user["username"] for user in pending] == ["bea"]
        inbox = (await admin.client.get("/api/v1/notifications")).json()
        assert inbox["unread"] == 1 and inbox["items"][0]["title"] == "bea asks for access"
        approve = {"status": "active", "version": pending[0]["version"]}
        user = f"/api/v1/users/{pending[0]['id']}"
        assert (await admin.client.patch(user, json=approve)).json()["status"] == "active"
        assert (await admin.client.patch(user, json={"role": "admin", "version": 1})).status_code == 409
        assert (await browser.get("/api/v1/library/titles")).json()["total"] == 0
        assert (await admin.client.get("/api/v1/notifications")).json()["unread"] == 0
        assert (await admin.client.delete(f"{user}/sessions")).status_code == 204
        assert (await browser.get("/api/v1/me")).status_code == 401
        seen = (await admin.client.get(user)).json()["user"]["version"]
        suspend = {"status": "suspended", "version": seen}
        assert (await admin.client.patch(user, json=suspend)).json()["status"] == "suspended"
        assert (await browser.get("/api/v1/me")).status_code == 401
    log = (await admin.client.get("/api/v1/audit?action=user.")).json()["items"]
    assert [row["action"] for row in log] == [
        "user.suspended",
        "user.signed_out",
        "user.approved",
        "user.admin_added",
    ]


async def poll(browser: Any) -> Any:
    while True:
        state = (await browser.get("/api/v1/sign-in/attempts/current")).json()
        if state["progress"] not in ("waiting", "failed"):
            return state
        await asyncio.sleep(0.05)


async def test_a_refusal_names_its_reason(api: Any) -> None:
    instances = api.services.host.instances
    await instances.update(api.toy, {"word": "denied"}, instances.info(api.toy).version, None)
    await instances.settle(60)
    async with api.client() as browser:
        key = (await browser.get("/api/v1/sign-in/methods")).json()[0]["key"]
        await browser.post("/api/v1/sign-in/attempts", json={"method": key})
        state = await poll(browser)
        assert (state["progress"], state["message"]) == ("refused", "Not you.")
        assert (await browser.post("/api/v1/sign-in/links", json={"method": key})).status_code == 401


async def test_signing_in_by_password_and_out(api: Any) -> None:
    await api.person("Ann", password=PASSWORD)
    async with api.client() as browser:
        wrong = await browser.post(
            "/api/v1/sign-in/local", json={"username": "ann", "password": "canary wrong"}
        )
        assert wrong.status_code == 422 and "canary" not in wrong.text
        right = await browser.post(
            "/api/v1/sign-in/local", json={"username": "ANN", "password": PASSWORD, "remember": True}
        )
        assert right.json()["progress"] == "done" and "Max-Age=7776000" in right.headers["set-cookie"]
        assert (await browser.get("/api/v1/me")).status_code == 200
        kept = browser.cookies["mn"]
        assert (await browser.post("/api/v1/sign-in/out")).status_code == 200
        assert "mn" not in browser.cookies
        browser.cookies.set("mn", kept)
        assert (await browser.get("/api/v1/me")).status_code == 401


async def test_people_look_after_their_own_sessions_and_keys(api: Any) -> None:
    ann, bob = await api.person("Ann"), await api.person("Bob")
    mine = (await ann.client.get("/api/v1/sessions")).json()
    assert [one["id"] for one in mine] == [ann.session_id]
    assert (await bob.client.delete(f"/api/v1/sessions/{ann.session_id}")).status_code == 404
    made = await ann.client.post("/api/v1/api-keys", json={"name": "tool", "scopes": ["read"]})
    key = {"authorization": f"Bearer {made.json()['key']}"}
    info = made.json()["info"]
    assert (await bob.client.delete(f"/api/v1/api-keys/{info['id']}")).status_code == 404
    async with api.client(origin=None, headers=key) as tool:
        assert (await tool.get("/api/v1/me")).json()["scopes"] == ["read"]
        assert (await tool.get("/api/v1/api-keys")).json()["code"] == "session_only"
        assert (await tool.post("/api/v1/notifications/read", json={})).json()["code"] == "scope"
    listed = (await ann.client.get("/api/v1/api-keys")).json()
    assert listed[0]["name"] == "tool" and "key" not in listed[0] and "key_hash" not in listed[0]
    assert (await ann.client.delete(f"/api/v1/api-keys/{info['id']}")).status_code == 204
    saved = await ann.client.patch("/api/v1/me", json={"timezone": "Europe/Berlin", "theme": "mn-light"})
    assert (saved.json()["timezone"], saved.json()["theme"]) == ("Europe/Berlin", "mn-light")
    assert (await ann.client.patch("/api/v1/me", json={"timezone": "Mars"})).status_code == 422
    assert (await ann.client.patch("/api/v1/me", json={"role": "admin"})).status_code == 422
    stale = await ann.client.patch("/api/v1/me", json={"theme": "auto", "version": 1})
    assert stale.status_code == 409 and stale.json()["current"]["theme"] == "mn-light"
    changed = await ann.client.put(
        "/api/v1/me/password",
        json={"username": "ann", "password": "a new long one", "current": PASSWORD},
    )
    assert changed.status_code == 200


async def test_services_are_tested_added_changed_and_removed(api: Any) -> None:
    admin, user = await api.person("Ada", "admin"), await api.person("Uma")
    client = admin.client
    assert (await user.client.get("/api/v1/services")).status_code == 403
    kinds = (await client.get("/api/v1/services/kinds")).json()
    schema = next(kind for kind in kinds if kind["plugin"] == "toy")["settings"]
    assert schema["properties"]["key"]["writeOnly"]
    new = {"plugin": "toy", "service": "toy", "title": "Second", "settings": {"key": "canary-key"}}
    trial = {name: new[name] for name in ("plugin", "service", "settings")}
    assert (await client.post("/api/v1/services/test", json=trial)).json()["message"] == "The toy works."
    bad = await client.post("/api/v1/services/test", json=trial | {"settings": {"key": "wrong"}})
    assert (bad.status_code, bad.json()["detail"]) == (422, "The toy does not like this key.")
    missing = await client.post("/api/v1/services", json=new | {"settings": {"word": "canary-word"}})
    assert missing.status_code == 422 and list(missing.json()["errors"]) == ["key"]
    assert "canary-word" not in missing.text
    made = await client.post("/api/v1/services", json=new)
    identifier = made.json()["id"]
    path = f"/api/v1/services/{identifier}"
    detail = await client.get(path)
    assert "canary-key" not in detail.text and detail.json()["service"]["title"] == "Second"
    change = {"settings": {"word": "other"}, "version": made.json()["version"]}
    changed = await client.patch(path, json=change)
    assert changed.json()["version"] == made.json()["version"] + 1
    assert (await client.patch(path, json=change)).status_code == 409
    switch = {"enabled": False, "version": changed.json()["version"]}
    off = await client.put(f"{path}/enabled", json=switch)
    assert off.json()["state"] == "closed"
    statuses = (await user.client.get("/api/v1/status")).json()
    assert [one["title"] for one in statuses] == ["My toy"]
    assert (await client.delete(path)).status_code == 422, "deleting says which version was read"
    assert (await client.delete(path, params={"version": off.json()["version"]})).status_code == 204
    assert (await client.get(path)).status_code == 404
    actions = [row["action"] for row in (await client.get("/api/v1/audit?action=instance.")).json()["items"]]
    assert actions == [
        "instance.removed",
        "instance.disabled",
        "instance.updated",
        "instance.created",
        "instance.created",
    ]


async def test_plugins_are_listed_and_switched(api: Any) -> None:
    admin = await api.person("Ada", "admin")
    states = {one["name"]: one["state"] for one in (await admin.client.get("/api/v1/plugins")).json()}
    assert states["toy"] == "active" and states["local"] == "active"
    unsaid = await admin.client.patch("/api/v1/plugins/toy", json={"enabled": False})
    assert (unsaid.status_code, list(unsaid.json()["errors"])) == (422, ["version"])
    off = await admin.client.patch("/api/v1/plugins/toy", json={"enabled": False, "version": 0})
    assert off.json()["state"] == "disabled"
    assert (await admin.client.get("/api/v1/plugins/toy/fails")).status_code == 404
    stale = await admin.client.patch("/api/v1/plugins/toy", json={"enabled": True, "version": 0})
    seen = off.json()["row_version"]
    assert stale.status_code == 409 and stale.json()["current"] == {"enabled": False, "version": seen}
    on = await admin.client.patch("/api/v1/plugins/toy", json={"enabled": True, "version": seen})
    assert on.json()["state"] == "active"
    assert (await admin.client.get("/api/v1/plugins/toy/fails")).status_code == 502
    assert (await admin.client.get("/api/v1/plugins/none")).status_code == 404


async def test_routes_of_plugins_keep_their_policies_and_their_mistakes(api: Any) -> None:
    ann, admin = await api.person("Ann"), await api.person("Ada", "admin")
    said = await ann.client.post("/api/v1/plugins/toy/echo/x", json={"text": "hi"})
    assert said.json() == {"text": "hi", "who": "Ann", "path": {"name": "x"}}
    assert (await ann.client.post("/api/v1/plugins/toy/echo/x", json={})).status_code == 422
    for path in ("fails", "lies"):
        answer = await ann.client.get(f"/api/v1/plugins/toy/{path}")
        assert (answer.status_code, answer.json()["code"]) == (502, "plugin_fault")
        assert "canary" not in answer.text
    for path in ("admins", "breakers"):
        assert (await ann.client.get(f"/api/v1/plugins/toy/{path}")).status_code == 403
        assert (await admin.client.get(f"/api/v1/plugins/toy/{path}")).status_code == 502


class NoArgs(BaseModel):
    secret: str = "argument"


async def test_jobs_are_their_owners_and_the_admins(api: Any) -> None:
    ann, bob, admin = await api.person("Ann"), await api.person("Bob"), await api.person("Ada", "admin")
    async with api.services.db.begin() as tx:
        job = await api.services.ledger.enqueue(tx, "test.job", NoArgs(), owner=ann.user.id)
        other = await api.services.ledger.enqueue(tx, "test.job", NoArgs())
    listed = (await ann.client.get("/api/v1/jobs")).json()["items"]
    assert [one["id"] for one in listed] == [job] and listed[0]["args"] is None
    assert (await ann.client.get(f"/api/v1/jobs/{job}")).status_code == 200
    for who, identifier in ((bob, job), (ann, other), (ann, "none")):
        assert (await who.client.get(f"/api/v1/jobs/{identifier}")).status_code == 404
    assert (await ann.client.post(f"/api/v1/jobs/{job}/cancel")).status_code == 403
    both = (await admin.client.get("/api/v1/jobs?limit=1")).json()
    rest = (await admin.client.get("/api/v1/jobs", params={"cursor": both["next_cursor"]})).json()
    assert {one["id"] for one in both["items"] + rest["items"]} == {job, other}
    cancelled = await admin.client.post(f"/api/v1/jobs/{job}/cancel")
    assert cancelled.json()["job"]["state"] == "cancelled"
    assert (await admin.client.post(f"/api/v1/jobs/{job}/cancel")).status_code == 409
    again = await admin.client.post(f"/api/v1/jobs/{job}/retry")
    assert again.json()["job"]["state"] == "queued"
    assert (await admin.client.get("/api/v1/jobs/counts")).json()["queued"] == 2


async def test_owners_read_a_sentence_and_admins_also_the_kind_of_error(api: Any) -> None:
    ann, admin = await api.person("Ann"), await api.person("Ada", "admin")
    stored = mistake(KeyError("colour"))
    async with api.services.db.begin() as tx:
        job = await api.services.ledger.enqueue(tx, "test.job", NoArgs(), owner=ann.user.id)
        await tx.execute(jobs.update().values(error=stored, reason=stored))
    path = f"/api/v1/jobs/{job}"
    theirs = (await ann.client.get(path)).json()["job"]
    (listed,) = (await ann.client.get("/api/v1/jobs")).json()["items"]
    for told in (theirs["error"], theirs["reason"], listed["error"], listed["reason"]):
        assert "Try it again" in told and "KeyError" not in told
    assert (await admin.client.get(path)).json()["job"]["error"] == stored


async def test_portal_settings_meet_a_newer_version(api: Any) -> None:
    admin = await api.person("Ada", "admin")
    stored = (await admin.client.get("/api/v1/settings")).json()
    change = {"values": {"auto_approve": True}, "version": stored["version"]}
    saved = (await admin.client.patch("/api/v1/settings", json=change)).json()
    assert saved["values"]["auto_approve"] and saved["version"] == 1
    stale = await admin.client.patch("/api/v1/settings", json=change)
    assert stale.status_code == 409 and stale.json()["current"]["auto_approve"]
    wrong = {"values": {"site_name": ""}, "version": 1}
    assert (await admin.client.patch("/api/v1/settings", json=wrong)).status_code == 422
    limit = {"values": {"api_per_minute": 10}, "version": 1}
    await admin.client.patch("/api/v1/settings", json=limit)
    codes = [(await admin.client.get("/api/v1/me")).status_code for _ in range(12)]
    assert 429 in codes


async def test_syncing_is_asked_for_once(api: Any) -> None:
    admin, user = await api.person("Ada", "admin"), await api.person("Uma")
    assert (await user.client.post("/api/v1/sync", json={})).status_code == 403
    first = await admin.client.post("/api/v1/sync", json={})
    assert first.status_code == 202
    assert (await admin.client.post("/api/v1/sync", json={})).json() == first.json()
    runs = (await admin.client.get("/api/v1/sync/runs")).json()
    assert [run["job_id"] for run in runs] == [first.json()["job_id"]]
    assert (await user.client.get("/api/v1/collections")).json() == []
    assert (await user.client.get("/api/v1/collections/a/b")).status_code == 404
    assert (await user.client.get("/api/v1/library/facets")).json()["kinds"] == {}
    assert (await user.client.get("/api/v1/library/search?text=x")).json() == []
    assert (await user.client.get("/api/v1/library/recent")).json() == []
    huge = await user.client.get(f"/api/v1/library/titles/{10**30}")
    assert huge.status_code == 422


async def test_numbers_that_no_database_holds_are_refused(api: Any) -> None:
    admin, huge = await api.person("Ada", "admin"), 10**30
    for method, path, body, status in (
        # A version that never was is a stale one.
        ("PATCH", "/me", {"display_name": "Ada", "version": huge}, 409),
        ("GET", f"/sync/runs/{huge}", None, 422),
        ("POST", "/sync", {"titles": [huge]}, 422),
    ):
        answer = await admin.client.request(method, f"/api/v1{path}", json=body)
        assert answer.status_code == status, (path, answer.text)
