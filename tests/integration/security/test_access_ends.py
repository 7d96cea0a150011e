"""Who loses what let them in is out: with every session, key and password they made meanwhile."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from medianest_core.domain.accounts.errors import NotAllowed
from medianest_core.sdk.errors import SignInDenied
from medianest_core.store.tables.accounts import identities

OWN = "a password of their own"


async def _row(house: Any, user_id: str, provider: str) -> Any:
    async with house.services.db.read() as tx:
        return await tx.one(
            select(identities).where(identities.c.user_id == user_id, identities.c.provider == provider)
        )


async def test_a_password_of_their_own_does_not_outlive_the_access_plex_gave(house: Any) -> None:
    accounts = house.services.accounts
    casey, _ = await house.plex_person("casey")
    await accounts.sign_in.set_password(casey.id, "casey", OWN)
    own = house.client((await house.sign_in("casey", OWN)).cookie)
    _, key = await accounts.api_keys.create(casey.id, "user", "script", ["read"])
    program = house.client(authorization=f"Bearer {key}")
    assert (await own.get("/account")).status_code == 200
    assert (await program.get("/api/v1/me")).status_code == 200

    plex = await _row(house, casey.id, "plex")
    async with house.services.db.begin() as tx:
        await accounts.identities.revoke(tx, plex, "access ended")
    accounts.api_keys._cache.clear()

    assert (await own.get("/account")).status_code == 303
    assert (await program.get("/api/v1/me")).status_code == 401
    with pytest.raises(SignInDenied, match="no longer"):
        await house.sign_in("casey", OWN)
    shown = await house.client().post("/sign-in/local", data={"username": "casey", "password": OWN})
    assert shown.status_code == 422 and "Ask the person who runs this portal" in shown.text

    await house.plex_person("casey")
    back = house.client((await house.sign_in("casey", OWN)).cookie)
    assert (await back.get("/account")).status_code == 200


async def test_a_guest_cannot_take_away_what_their_access_comes_from(house: Any) -> None:
    accounts = house.services.accounts
    casey, _ = await house.plex_person("casey")
    await accounts.sign_in.set_password(casey.id, "casey", OWN)
    plex = await _row(house, casey.id, "plex")
    with pytest.raises(NotAllowed, match="access comes from"):
        await accounts.identities.unlink(casey.id, plex["id"])
    local = await _row(house, casey.id, "local")
    await accounts.identities.unlink(casey.id, local["id"])


async def test_an_admin_keeps_their_password_when_the_service_is_lost(house: Any) -> None:
    accounts = house.services.accounts
    owner, _ = await house.plex_person("owner")
    await accounts.sign_in.set_password(owner.id, "owner", OWN)
    await accounts.users.set_role(owner.id, "admin", None, house.admin.id)
    async with house.services.db.begin() as tx:
        await accounts.identities.revoke(tx, await _row(house, owner.id, "plex"), "access ended")
    assert (await house.sign_in("owner", OWN)).user.id == owner.id
