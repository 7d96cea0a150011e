"""Signing in by a service and by password, linking, and losing access."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from sqlalchemy import select, update

from medianest_core.bus.events import SystemAlert
from medianest_core.domain.accounts.errors import Missing, NotAllowed, TooManyAttempts
from medianest_core.domain.accounts.models import Progress, Status
from medianest_core.domain.accounts.revalidate import RevalidateArgs
from medianest_core.domain.accounts.signin import STARTS_FROM_ONE_ADDRESS, TRIES, Browser
from medianest_core.sdk.auth import AuthFlow, Identity, Standing
from medianest_core.sdk.errors import ChallengeExpired, NotReady, SignInDenied, UserError
from medianest_core.sdk.settings import Secret
from medianest_core.store.repos import portal_settings
from medianest_core.store.tables.accounts import identities, sign_in_attempts

PASSWORD = "correct horse"
BEA = Identity(subject="42", username="bea", email="bea@example.org", token=Secret("bea-token-123"))
HERE = Browser("Firefox", "1.2.3.4")


class Context:
    """As much of a job's context as the re-validation needs."""

    def check_cancelled(self) -> None: ...

    async def progress(self, *args: Any, **options: Any) -> None: ...


async def by_code(house: Any, identity: Any = BEA, **options: Any) -> Any:
    attempt, cookie = await house.accounts.sign_in.begin("club-1:code", return_url="http://here/", **options)
    assert attempt.code == "ABCD" and attempt.title == "Club"
    house.club.answer = identity
    house.pass_time(2)
    return await house.accounts.sign_in.poll(cookie, HERE)


async def revalidate(house: Any) -> dict[str, int]:
    found = await house.accounts.revalidation.run(Context(), RevalidateArgs())
    return dict(found)


async def test_methods_name_what_is_offered_and_what_is_away(house: Any) -> None:
    methods = await house.accounts.sign_in.methods()
    assert [method.key for method in methods] == ["club-1:code", "club-1:popup", "local:form"]
    house.clubs.away.add("club-1")
    methods = await house.accounts.sign_in.methods()
    assert [(method.ready, method.reason) for method in methods[:1]] == [
        (False, "This service does not answer right now.")
    ]


async def test_a_new_person_waits_for_approval(house: Any) -> None:
    result = await by_code(house)
    assert result.progress is Progress.DONE and result.signed_in.created
    user = result.signed_in.user
    assert (user.status, user.role, user.email) == (Status.PENDING, "user", "bea@example.org")
    session = await house.accounts.sessions.resolve(result.signed_in.cookie)
    assert session.viewer.role == "pending" and not session.viewer.permissions
    await house.accounts.users.set_status(user.id, Status.ACTIVE, user.version, None)
    session = await house.accounts.sessions.resolve(result.signed_in.cookie)
    assert session.viewer.role == "user"
    again = await by_code(house)
    assert again.signed_in.user.id == user.id and not again.signed_in.created


async def test_nobody_waits_where_people_are_let_in_at_once(house: Any) -> None:
    async with house.db.begin() as tx:
        settings = portal_settings.PortalSettings(auto_approve=True)
        await portal_settings.save(tx, settings, version=0, actor=None)
    assert (await by_code(house)).signed_in.user.status is Status.ACTIVE


async def test_people_are_told_apart_by_subject_never_by_mail(house: Any) -> None:
    first = await by_code(house)
    twin = Identity(subject="43", username="bea", email="bea@example.org")
    second = await by_code(house, twin)
    assert first.signed_in.user.id != second.signed_in.user.id


async def test_the_token_is_sealed_and_the_attempt_usable_once(house: Any, caplog: Any) -> None:
    caplog.set_level(logging.DEBUG)
    _, cookie = await house.accounts.sign_in.begin("club-1:code", return_url="")
    house.club.answer = BEA
    house.pass_time(2)
    results = await asyncio.gather(*(house.accounts.sign_in.poll(cookie, HERE) for _ in range(5)))
    assert sum(result.signed_in is not None for result in results) == 1
    assert (await house.accounts.sign_in.poll(cookie, HERE)).progress is Progress.EXPIRED
    async with house.db.read() as tx:
        row = await tx.one(select(identities).where(identities.c.subject == "42"))
        stored = await tx.one(select(sign_in_attempts))
    assert "bea-token" not in str(dict(row)) + str(dict(stored)) + caplog.text
    assert house.accounts.identities.token_of(row) == Secret("bea-token-123")


async def test_the_service_is_asked_no_faster_than_it_wants(house: Any) -> None:
    house.club.poll_every = 5.0
    _, cookie = await house.accounts.sign_in.begin("club-1:code", return_url="")
    for _ in range(10):
        house.pass_time(1)
        assert (await house.accounts.sign_in.poll(cookie, HERE)).progress is Progress.WAITING
    assert house.club.asked == 2


@pytest.mark.parametrize(
    ("error", "progress", "alive"),
    [
        (NotReady("away"), Progress.FAILED, True),
        (SignInDenied("not yours"), Progress.REFUSED, False),
        (ChallengeExpired("too late"), Progress.EXPIRED, False),
    ],
)
async def test_how_an_attempt_can_go_wrong(house: Any, error: Any, progress: Progress, alive: bool) -> None:
    _, cookie = await house.accounts.sign_in.begin("club-1:code", return_url="")
    house.club.answer = error
    house.pass_time(2)
    result = await house.accounts.sign_in.poll(cookie, HERE)
    assert (result.progress, result.message) == (progress, str(error))
    house.club.answer = BEA
    house.pass_time(2)
    again = await house.accounts.sign_in.poll(cookie, HERE)
    assert (again.progress is Progress.DONE) is alive


async def test_an_attempt_ends_by_its_time_and_belongs_to_one_browser(house: Any) -> None:
    _, cookie = await house.accounts.sign_in.begin("club-1:code", return_url="")
    assert (await house.accounts.sign_in.poll("another", HERE)).progress is Progress.EXPIRED
    house.pass_time(301)
    assert (await house.accounts.sign_in.poll(cookie, HERE)).progress is Progress.EXPIRED
    with pytest.raises(Missing):
        await house.accounts.sign_in.begin("club-1:form", return_url="")
    with pytest.raises(Missing):
        await house.accounts.sign_in.begin("nowhere:code", return_url="")


async def test_the_suspended_are_refused_at_the_door(house: Any) -> None:
    user = (await by_code(house)).signed_in.user
    await house.accounts.users.set_status(user.id, Status.SUSPENDED, None, None)
    result = await by_code(house)
    assert result.progress is Progress.REFUSED and "suspended" in result.message


async def test_wrong_passwords_are_few_and_tell_nothing(house: Any) -> None:
    await house.accounts.setup.add_admin("Ann", PASSWORD)
    messages = set()
    for name in ("ann", "nobody"):
        with pytest.raises(UserError) as caught:
            await house.accounts.sign_in.local(name, "wrong wrong", HERE)
        messages.add((str(caught.value), caught.value.field))
    assert len(messages) == 1
    for _ in range(TRIES - 1):
        with pytest.raises(UserError):
            await house.accounts.sign_in.local("ann", "wrong wrong", HERE)
    with pytest.raises(TooManyAttempts) as limited:
        await house.accounts.sign_in.local("ann", PASSWORD, HERE)
    assert limited.value.retry_at > house.clock.now()
    await house.accounts.sign_in.local("ann", PASSWORD, Browser("", "9.9.9.9"))
    house.pass_time(901)
    await house.accounts.sign_in.local("ann", PASSWORD, HERE)


async def test_a_form_that_is_switched_off_does_not_exist(house: Any) -> None:
    await house.accounts.setup.add_admin("Ann", PASSWORD)
    async with house.db.begin() as tx:
        settings = portal_settings.PortalSettings(local_sign_in=False)
        await portal_settings.save(tx, settings, version=0, actor=None)
    with pytest.raises(Missing):
        await house.accounts.sign_in.local("ann", PASSWORD, HERE)
    assert "local:form" not in {method.key for method in await house.accounts.sign_in.methods()}


async def test_a_service_may_have_a_form_of_its_own(house: Any) -> None:
    sign_in = house.accounts.sign_in
    with pytest.raises(Missing):
        await sign_in.form("club-1:form", {"username": "bea", "password": "club secret"}, HERE)
    house.club.flows, house.club.answer = (AuthFlow.FORM,), BEA
    with pytest.raises(UserError):
        await sign_in.form("club-1:form", {"username": "bea", "password": "wrong"}, HERE)
    signed_in = await sign_in.form("club-1:form", {"username": "bea", "password": "club secret"}, HERE)
    assert signed_in.created and signed_in.user.status is Status.PENDING
    for _ in range(TRIES):
        with pytest.raises(UserError):
            await sign_in.form("club-1:form", {"username": "bea", "password": "wrong"}, HERE)
    with pytest.raises(TooManyAttempts):
        await sign_in.form("club-1:form", {"username": "bea", "password": "club secret"}, HERE)


async def test_a_second_identity_signs_in_the_same_person(house: Any) -> None:
    ann = await house.accounts.setup.add_admin("Ann", PASSWORD)
    linked = await by_code(house, link_user_id=ann.id)
    assert linked.progress is Progress.DONE and linked.signed_in is None
    assert (await by_code(house)).signed_in.user.id == ann.id
    rows = await house.accounts.identities.of_user(ann.id)
    assert [row.provider for row in rows] == ["local", "club"]
    await house.accounts.identities.unlink(ann.id, rows[1].id)
    with pytest.raises(NotAllowed, match="only way"):
        await house.accounts.identities.unlink(ann.id, rows[0].id)
    stranger = (await by_code(house)).signed_in.user
    assert stranger.id != ann.id
    refused = await by_code(house, link_user_id=ann.id)
    assert refused.progress is Progress.REFUSED


async def test_lost_access_ends_sessions_and_keys(house: Any) -> None:
    signed_in = (await by_code(house)).signed_in
    user = await house.accounts.users.set_status(signed_in.user.id, Status.ACTIVE, None, None)
    _, key = await house.accounts.api_keys.create(user.id, "user", "script", ["read"])
    assert await house.accounts.api_keys.resolve(key)
    assert await revalidate(house) == {"confirmed": 1, "revoked": 0, "unknown": 0}
    house.club.standings["42"] = Standing.REVOKED
    assert await revalidate(house) == {"confirmed": 0, "revoked": 1, "unknown": 0}
    assert await house.accounts.sessions.resolve(signed_in.cookie) is None
    await house.bus.drain()
    assert await house.accounts.api_keys.resolve(key) is None
    # Access given back: signing in works again.
    assert (await by_code(house)).signed_in.user.status is Status.ACTIVE
    assert await house.accounts.api_keys.resolve(key)


async def test_an_outage_changes_nothing_for_a_day(house: Any) -> None:
    signed_in = (await by_code(house, remember=True)).signed_in
    house.club.standings["42"] = NotReady("away")
    for _ in range(23):
        house.pass_time(3600)
        assert (await revalidate(house))["unknown"] == 1
    assert await house.accounts.sessions.resolve(signed_in.cookie) is not None
    house.pass_time(2 * 3600)
    await revalidate(house)
    assert await house.accounts.sessions.resolve(signed_in.cookie) is None
    house.club.standings["42"] = Standing.VALID
    assert (await by_code(house)).progress is Progress.DONE


async def test_admins_hear_once_of_an_outage_and_of_its_end(house: Any) -> None:
    await by_code(house)
    heard: list[bool] = []

    async def hear(event: SystemAlert) -> None:
        heard.append(event.active)

    house.bus.subscribe(SystemAlert, hear, name="test")
    house.club.standings["42"] = NotReady("away")
    for _ in range(12):
        house.pass_time(900)
        await revalidate(house)
    await house.bus.drain()
    assert heard == [True]
    house.club.standings["42"] = Standing.VALID
    for _ in range(2):
        house.pass_time(900)
        await revalidate(house)
    await house.bus.drain()
    assert heard == [True, False]


async def test_losing_one_of_two_servers_is_not_losing_access(house: Any) -> None:
    signed_in = (await by_code(house)).signed_in
    house.clubs.clubs["club-2"] = type(house.club)()
    house.club.standings["42"] = Standing.REVOKED
    assert (await revalidate(house))["confirmed"] == 1
    house.clubs.away.add("club-2")
    assert (await revalidate(house))["unknown"] == 1
    assert await house.accounts.sessions.resolve(signed_in.cookie) is not None


async def test_keys_have_fewer_rights_than_their_person(house: Any) -> None:
    ann = await house.accounts.setup.add_admin("Ann", PASSWORD)
    info, key = await house.accounts.api_keys.create(ann.id, "admin", "backup", ["read", "write"])
    holder = await house.accounts.api_keys.resolve(key)
    assert holder.viewer.role == "user" and key.startswith(info.prefix)
    _, strong = await house.accounts.api_keys.create(ann.id, "admin", "all", ["admin"])
    assert (await house.accounts.api_keys.resolve(strong)).viewer.is_admin
    with pytest.raises(UserError, match="Only admins"):
        await house.accounts.api_keys.create(ann.id, "user", "x", ["admin"])
    with pytest.raises(Missing):
        await house.accounts.api_keys.remove("someone else", info.id)
    await house.accounts.api_keys.remove(ann.id, info.id)
    assert await house.accounts.api_keys.resolve(key) is None
    async with house.db.begin() as tx:
        await tx.execute(update(identities).values(revoked_at=1.0))
    house.pass_time(10)
    assert await house.accounts.api_keys.resolve(strong) is None


async def test_nobody_can_have_us_flood_a_service(house: Any) -> None:
    for _ in range(STARTS_FROM_ONE_ADDRESS):
        await house.accounts.sign_in.begin("club-1:code", return_url="", ip="10.0.0.9")
    with pytest.raises(TooManyAttempts):
        await house.accounts.sign_in.begin("club-1:code", return_url="", ip="10.0.0.9")
    await house.accounts.sign_in.begin("club-1:code", return_url="", ip="10.0.0.10")
