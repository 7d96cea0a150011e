"""The first admin, and the way back in."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from medianest_core.domain.accounts.errors import NotAllowed, SetupClosed
from medianest_core.domain.accounts.models import SignedIn, Status
from medianest_core.domain.accounts.signin import Browser
from medianest_core.sdk.errors import UserError
from medianest_core.store.repos import portal_settings

PASSWORD = "correct horse"


async def test_the_link_stays_the_same_until_it_is_used(house: Any) -> None:
    setup = house.accounts.setup
    first = await setup.token()
    assert first and first == await setup.token() == await house.another_process().setup.token()
    assert not await setup.check(first[:-1])
    signed_in = await setup.create_admin(first, "Ann", PASSWORD)
    assert signed_in.user.role == "admin" and signed_in.user.status is Status.ACTIVE
    assert await setup.token() is None and await house.another_process().setup.token() is None
    session = await house.accounts.sessions.resolve(signed_in.cookie)
    assert session is not None and session.viewer.is_admin


async def test_of_a_hundred_who_race_one_becomes_admin(house: Any) -> None:
    token = await house.accounts.setup.token()

    async def attempt(number: int) -> SignedIn | None:
        try:
            return await house.accounts.setup.create_admin(token, f"admin{number}", PASSWORD)  # type: ignore[no-any-return]
        except SetupClosed:
            return None

    made = [one for one in await asyncio.gather(*(attempt(n) for n in range(100))) if one]
    assert len(made) == 1
    assert (await house.accounts.users.list()).total == 1


async def test_the_link_needs_a_name_and_a_password_worth_having(house: Any) -> None:
    token = await house.accounts.setup.token()
    with pytest.raises(UserError, match="at least 8"):
        await house.accounts.setup.create_admin(token, "Ann", "short")
    with pytest.raises(UserError, match="name"):
        await house.accounts.setup.create_admin(token, "  ", PASSWORD)
    assert await house.accounts.setup.check(token)


async def test_a_locked_out_owner_gets_back_in(house: Any) -> None:
    accounts = house.accounts
    token = await accounts.setup.token()
    signed_in = await accounts.setup.create_admin(token, "Ann", PASSWORD)
    settings, version = await portal_settings.load(house.db)
    async with house.db.begin() as tx:
        await portal_settings.save(
            tx, settings.model_copy(update={"local_sign_in": False}), version=version, actor=None
        )
    user, login, password = await accounts.setup.recover()
    assert (user.id, login) == (signed_in.user.id, "ann")
    assert await accounts.sessions.resolve(signed_in.cookie) is None
    again = await accounts.sign_in.local("ANN", password, Browser(ip="1.1.1.1"))
    assert again.user.role == "admin"
    with pytest.raises(UserError):
        await accounts.sign_in.local("ann", PASSWORD, Browser(ip="1.1.1.1"))


async def test_recovery_makes_an_admin_where_there_is_none(house: Any) -> None:
    user, login, password = await house.accounts.setup.recover()
    assert (login, user.role, user.status) == ("admin", "admin", Status.ACTIVE)
    assert await house.accounts.passwords.verify("admin", password) == user.id
    assert await house.accounts.setup.token() is None
    with pytest.raises(UserError, match="no account"):
        await house.accounts.setup.recover("nobody")


async def test_the_last_admin_stays_one(house: Any) -> None:
    user = await house.accounts.setup.add_admin("Ann", PASSWORD)
    with pytest.raises(NotAllowed, match="last admin"):
        await house.accounts.users.set_role(user.id, "user", None, user.id)
    with pytest.raises(NotAllowed, match="last admin"):
        await house.accounts.users.set_status(user.id, Status.SUSPENDED, None, user.id)
    with pytest.raises(NotAllowed, match="last admin"):
        await house.accounts.users.remove(user.id, None, user.id)
    other = await house.accounts.setup.add_admin("Bea", PASSWORD)
    await house.accounts.users.set_role(user.id, "user", None, other.id)


async def test_people_are_found_by_a_part_of_their_name(house: Any) -> None:
    await house.accounts.setup.add_admin("john_doe", PASSWORD)
    await house.accounts.setup.add_admin("johnxdoe 100%", PASSWORD)

    async def names(text: str) -> list[str]:
        return sorted(user.username for user in (await house.accounts.users.list(text=text)).users)

    assert await names("John_D") == ["john_doe"]
    assert await names("0%") == ["johnxdoe 100%"]
