"""Sessions end when they should, everywhere, at once."""

from __future__ import annotations

from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey
from sqlalchemy import select

from medianest_core.bus.events import SessionsEnded
from medianest_core.domain.accounts.models import Status
from medianest_core.domain.accounts.sessions import DAY, RECHECK
from medianest_core.domain.accounts.signin import Browser
from medianest_core.store.tables.accounts import sessions

PASSWORD = "correct horse"


async def someone(house: Any, remember: bool = True) -> Any:
    await house.accounts.setup.add_admin("Root", PASSWORD)
    user = await house.accounts.setup.add_admin("Ann", PASSWORD)
    return await house.accounts.sign_in.local(
        "ann", PASSWORD, Browser("Firefox", "1.2.3.4"), remember=remember
    ), user


async def test_the_cookie_holds_only_a_key_and_the_row_only_its_hash(house: Any) -> None:
    signed_in, user = await someone(house)
    claims = jwt.decode(signed_in.cookie, OctKey.import_key(house.keyring.signing_key)).claims
    assert set(claims) == {"sid"}
    async with house.db.read() as tx:
        row = await tx.one(select(sessions).where(sessions.c.id == signed_in.session_id))
    assert claims["sid"] not in str(dict(row)) and user.id not in signed_in.cookie
    assert (row["user_agent"], row["ip"]) == ("Firefox", "1.2.3.4")


@pytest.mark.parametrize("forge", ["none", "other key", "garbage", "long"])
async def test_a_forged_cookie_is_nobody(house: Any, forge: str) -> None:
    signed_in, _ = await someone(house)
    cookie = {
        "none": "eyJhbGciOiJub25lIn0." + signed_in.cookie.split(".")[1] + ".",
        "other key": jwt.encode({"alg": "HS256"}, {"sid": "x"}, OctKey.import_key(b"0" * 32)),
        "garbage": "a.b.c",
        "long": "x" * 5000,
    }[forge]
    assert await house.accounts.sessions.resolve(cookie) is None


@pytest.mark.parametrize(
    ("remember", "idle", "longest"), [(True, 30 * DAY, 90 * DAY), (False, DAY, 30 * DAY)]
)
async def test_sessions_end_by_their_time(house: Any, remember: bool, idle: float, longest: float) -> None:
    signed_in, _ = await someone(house, remember)
    resolve = house.accounts.sessions.resolve
    assert (signed_in.max_age is not None) is remember
    for _ in range(int(longest / (idle * 0.9))):
        house.pass_time(idle * 0.9)
        assert await resolve(signed_in.cookie) is not None
        await house.accounts.sessions._tasks.close()
        async with house.db.begin() as tx:
            await tx.execute(sessions.update().values(last_seen_at=house.clock.now()))
    house.pass_time(longest - (house.clock.now() - signed_in.user.created_at) + 1)
    assert await resolve(signed_in.cookie) is None


async def test_an_unused_session_ends(house: Any) -> None:
    signed_in, _ = await someone(house, remember=False)
    house.pass_time(DAY + 1)
    assert await house.accounts.sessions.resolve(signed_in.cookie) is None


@pytest.mark.parametrize("what", ["sign out", "suspended", "removed", "role", "password"])
async def test_whatever_ends_a_session_is_known_here_at_once_and_elsewhere_in_seconds(
    house: Any, what: str
) -> None:
    signed_in, user = await someone(house)
    accounts, other = house.accounts, house.another_process()
    ended: list[SessionsEnded] = []

    async def note(event: SessionsEnded) -> None:
        ended.append(event)

    house.bus.subscribe(SessionsEnded, note)
    assert await accounts.sessions.resolve(signed_in.cookie)
    assert await other.sessions.resolve(signed_in.cookie)
    if what == "sign out":
        await accounts.sign_out(user.id, signed_in.session_id)
    elif what == "suspended":
        await accounts.users.set_status(user.id, Status.SUSPENDED, None, None)
    elif what == "removed":
        await accounts.users.remove(user.id, None, None)
    elif what == "role":
        await accounts.users.set_role(user.id, "user", None, None)
    else:
        await accounts.sign_in.set_password(user.id, "ann", "another one", current=PASSWORD)
    assert await accounts.sessions.resolve(signed_in.cookie) is None
    house.pass_time(RECHECK)
    assert await other.sessions.resolve(signed_in.cookie) is None
    await house.bus.drain()
    assert [event.session_ids for event in ended] == [[signed_in.session_id]]
    await other.close()


async def test_signing_in_again_ends_the_session_the_browser_came_with(house: Any) -> None:
    signed_in, _ = await someone(house)
    browser = Browser("Firefox", "1.2.3.4", signed_in.cookie)
    again = await house.accounts.sign_in.local("ann", PASSWORD, browser)
    assert await house.accounts.sessions.resolve(signed_in.cookie) is None
    assert await house.accounts.sessions.resolve(again.cookie) is not None


async def test_devices_can_be_listed_and_ended(house: Any) -> None:
    signed_in, user = await someone(house)
    second = await house.accounts.sign_in.local("ann", PASSWORD, Browser("Safari"))
    devices = await house.accounts.sessions.of_user(user.id)
    assert {device.user_agent for device in devices} == {"Firefox", "Safari"}
    assert await house.accounts.sign_out_others(user.id, second.session_id) == 1
    assert await house.accounts.sessions.resolve(signed_in.cookie) is None
    assert not await house.accounts.end_session("someone else", second.session_id)
    assert set(await house.accounts.sessions.in_force([signed_in.session_id, second.session_id])) == {
        second.session_id
    }
