"""API keys: they end when they should, and whoever runs the portal sees and removes them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from medianest_core.domain.accounts.access import SCOPES, scope_allows, scope_needed
from medianest_core.domain.accounts.apikeys import LONGEST
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.permissions import ADMIN, OWNER, PUBLIC, USER, Access, Policy
from medianest_core.store.tables.accounts import api_keys
from medianest_core.store.tables.system import audit
from medianest_core.web.portal.app import Portal
from medianest_core.web.rest.mount import RestApi

PASSWORD = "correct horse"


@given(st.sets(st.sampled_from([*SCOPES, "library", ""])), st.sampled_from(SCOPES))
def test_a_wider_scope_allows_what_a_narrower_one_does(scopes: set[str], needed: str) -> None:
    wide = max((SCOPES.index(one) for one in scopes if one in SCOPES), default=-1)
    assert scope_allows(scopes, needed) is (wide >= SCOPES.index(needed))


def test_a_scope_that_nobody_knows_allows_nothing() -> None:
    assert not scope_allows(SCOPES, "delete-everything")


@pytest.mark.parametrize("policy", [PUBLIC, USER, OWNER, ADMIN, Policy(Access.USER, permission="toy.play")])
def test_every_policy_needs_some_scope(policy: Policy) -> None:
    needed = {reads: scope_needed(policy, reads=reads) for reads in (True, False)}
    if policy.access is Access.ADMIN:
        assert needed == {True: "admin", False: "admin"}
    else:
        assert needed == {True: "read", False: "write"}


async def test_a_key_ends_when_it_was_said_also_where_it_is_known(house: Any) -> None:
    ann = await house.accounts.setup.add_admin("Ann", PASSWORD)
    keys, now = house.accounts.api_keys, house.clock.now()
    info, key = await keys.create(ann.id, "admin", "backup", ["read"], expires_at=now + 600)
    assert info.expires_at == now + 600
    house.clock.advance(599.5)
    assert await keys.resolve(key) is not None
    house.clock.advance(0.5)
    assert await keys.resolve(key) is None, "it was looked up a moment ago"
    house.pass_time(60)
    assert await keys.resolve(key) is None
    assert [one.expires_at for one in await keys.of_user(ann.id)] == [now + 600]


@pytest.mark.parametrize("after", [-1.0, 0.0, 30.0, LONGEST + 1])
async def test_an_end_that_makes_no_sense_is_refused(house: Any, after: float) -> None:
    ann = await house.accounts.setup.add_admin("Ann", PASSWORD)
    with pytest.raises(UserError) as wrong:
        await house.accounts.api_keys.create(
            ann.id, "admin", "x", ["read"], expires_at=house.clock.now() + after
        )
    assert wrong.value.field == "expires_at"


async def test_the_key_itself_is_kept_nowhere(house: Any) -> None:
    ann = await house.accounts.setup.add_admin("Ann", PASSWORD)
    _, key = await house.accounts.api_keys.create(ann.id, "admin", "backup", ["read"])
    async with house.db.read() as tx:
        kept = [dict(row) for row in await tx.all(select(api_keys))]
        noted = [dict(row) for row in await tx.all(select(audit))]
    assert len(kept) == 1 and noted and key not in repr(kept) and key not in repr(noted)
    assert key.startswith(kept[0]["prefix"]) and len(kept[0]["prefix"]) <= 8


async def test_admins_see_and_remove_the_keys_of_others(toy_gate: Any) -> None:
    toy_gate.serve(RestApi(toy_gate.services).routes())
    boss, ann = await toy_gate.person("Boss", role="admin"), await toy_gate.person("Ann")
    made = await ann.client.post("/api/v1/api-keys", json={"name": "tool", "expires_at": 4e9})
    assert made.status_code == 422 and "expires_at" in made.text
    ends = toy_gate.services.clock.now() + 86_400
    made = await ann.client.post("/api/v1/api-keys", json={"name": "tool", "expires_at": ends})
    key = {"authorization": f"Bearer {made.json()['key']}"}
    path = f"/api/v1/users/{ann.user.id}/api-keys"
    assert (await ann.client.get(path)).status_code == 403
    listed = (await boss.client.get(path)).json()
    assert [(one["name"], one["expires_at"]) for one in listed] == [("tool", ends)]
    async with toy_gate.client(origin=None, headers=key) as tool:
        assert (await tool.get("/api/v1/me")).status_code == 200
        assert (await tool.get(path)).json()["code"] == "scope"
        assert (await boss.client.delete(f"{path}/{listed[0]['id']}")).status_code == 204
        assert (await tool.get("/api/v1/me")).status_code == 401
    assert (await boss.client.delete(f"{path}/{listed[0]['id']}")).status_code == 404
    async with toy_gate.services.db.read() as tx:
        row = await tx.one(select(audit).where(audit.c.action == "api_key.removed"))
    assert (row["actor"], row["details"]) == (boss.user.id, {"user": ann.user.id})


async def test_the_document_says_which_scope_a_key_needs(toy_gate: Any) -> None:
    toy_gate.serve(RestApi(toy_gate.services).routes())
    ann = await toy_gate.person("Ann")
    paths = (await ann.client.get("/api/v1/openapi.json")).json()["paths"]
    said = {
        f"{method} {path}": one.get("x-api-key-scope")
        for path, methods in paths.items()
        for method, one in methods.items()
    }
    assert said["get /me"] == "read" and said["get /users"] == "admin"
    assert said["post /api-keys"] is None, "a key makes no keys"
    assert said["post /plugins/toy/echo/{name}"] == "write"


async def test_the_pages_show_it_once_and_say_when_it_ends(toy_gate: Any) -> None:
    toy_gate.serve(Portal(toy_gate.services).routes())
    boss, ann = await toy_gate.person("Boss", role="admin"), await toy_gate.person("Ann")
    wrong = await ann.client.post("/account/keys", data={"name": "", "scopes": "read", "lasts": "month"})
    assert wrong.status_code == 422 and "1 to 100 characters" in wrong.text
    assert "All that admins may" not in wrong.text
    made = await ann.client.post("/account/keys", data={"name": "tool", "scopes": "read", "lasts": "month"})
    assert made.status_code == 200 and "shown only now" in made.text
    again = await ann.client.get("/account")
    assert "shown only now" not in again.text and "tool" in again.text and "ends" in again.text
    (info,) = await toy_gate.services.accounts.api_keys.of_user(ann.user.id)
    page = await boss.client.get(f"/admin/users/{ann.user.id}")
    assert info.prefix in page.text
    removed = await boss.client.post(f"/admin/users/{ann.user.id}/keys/{info.id}/remove")
    assert removed.status_code == 303
    assert await toy_gate.services.accounts.api_keys.of_user(ann.user.id) == []
