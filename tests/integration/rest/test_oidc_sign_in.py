"""Signing in at a real OpenID Connect provider and back: through the pages, as a browser would, without a script."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select, update

from medianest_core.base.settings import AppSettings
from medianest_core.domain.accounts.models import Status
from medianest_core.host.discovery import discover
from medianest_core.store.tables.accounts import identities, users
from medianest_core.testing.simulators import running
from medianest_core.web.portal.app import Portal
from medianest_core.web.rest.mount import RestApi
from tests.fakes.identity import IdentityProvider
from tests.integration.conftest import opened

HTML = {"accept": "text/html"}


class House:
    """gate: the portal. provider: the one that people sign in at."""

    def __init__(self, gate: Any, provider: IdentityProvider, instance: str) -> None:
        self.gate = gate
        self.provider = provider
        self.start = f"/sign-in/start/{instance}:redirect"

    async def leave(self, browser: Any, path: str | None = None) -> str:
        """Go to the provider; returns the address there."""
        begun = await browser.post(path or self.start)
        assert begun.status_code == 303, begun.text
        page = await browser.get(begun.headers["location"])
        (address,) = re.findall(r'http-equiv="refresh" content="0; url=([^"]+)"', page.text)
        assert f'href="{address}"' in page.text, "for browsers that do not go by themselves"
        return html.unescape(address)

    async def sign_in(self, browser: Any, who: str | None) -> Any:
        """Returns the page after the provider's."""
        return await browser.get(
            "/sign-in/return", params=self.provider.approve(await self.leave(browser), who)
        )


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    others = [one.name for one in discover().found if not one.builtin]
    settings = AppSettings(data_dir=tmp_path / "portal", plugins_disabled=others, _env_file=None)
    provider = IdentityProvider(data_dir=tmp_path)
    async with running(provider), opened(settings) as gate:
        instances = gate.services.host.instances
        (demo,) = provider.demo_instances()
        chosen = {"allowed_groups": ["family"], "admin_groups": ["keepers"], "sign_out_there": True}
        made = await instances.create("oidc", "provider", "house", "House", {**demo.settings, **chosen}, None)
        await instances.settle(30)
        await gate.services.accounts.setup.add_admin("root", "a long enough password")
        gate.serve([*RestApi(gate.services).routes(), *Portal(gate.services).routes()])
        yield House(gate, provider, made.id)


async def test_the_button_leads_there_and_back_to_where_one_wanted_to_be(house: House) -> None:
    async with house.gate.client(headers=HTML) as browser:
        page = (await browser.get("/sign-in?next=/library")).text
        assert "Sign in with House" in page and house.start in page
        address = await house.leave(browser)
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert asked["code_challenge_method"] == "S256" and asked["response_type"] == "code"
        assert asked["redirect_uri"].endswith("/sign-in/return")
        assert "openid" in asked["scope"] and "offline_access" in asked["scope"]
        back = await browser.get("/sign-in/return", params=house.provider.approve(address, "bob"))
        assert back.status_code == 303 and "mn" in browser.cookies
        assert (await browser.get("/pending")).status_code == 200
        again = await browser.get("/sign-in/return", params=house.provider.approve(address, "bob"))
        assert "mn" not in again.cookies, "an attempt is good for one sign-in"
    (user,) = (await house.gate.services.accounts.users.list(text="bob")).users
    assert (user.status, user.role, user.email) == (Status.PENDING, "user", "bob@example.org")


async def test_groups_make_admins_and_unmake_them(house: House) -> None:
    people = house.gate.services.accounts.users
    for role, groups in (("admin", ["keepers"]), ("user", ["family"]), ("admin", ["family", "keepers"])):
        house.provider.world.people["ann"]["groups"] = groups
        async with house.gate.client(headers=HTML) as browser:
            assert (await house.sign_in(browser, "ann")).status_code == 303
            me = (await browser.get("/api/v1/me", headers={"accept": "application/json"})).json()
            assert me["role"] == role
    (user,) = (await people.list(text="ann")).users
    assert (user.role, user.status) == ("admin", Status.ACTIVE)


async def test_the_last_admin_stays_one_whatever_the_provider_says(house: House) -> None:
    people = house.gate.services.accounts.users
    async with house.gate.client(headers=HTML) as browser:
        await house.sign_in(browser, "ann")
        (root,) = (await people.list(text="root")).users
        (ann,) = (await people.list(text="ann")).users
        await people.set_role(root.id, "user", root.version, ann.id)
    house.provider.world.people["ann"]["groups"] = ["family"]
    async with house.gate.client(headers=HTML) as browser:
        await house.sign_in(browser, "ann")
        assert (await people.get(ann.id)).role == "admin"


async def test_strangers_refusals_and_forged_answers_stay_outside(house: House) -> None:
    world = house.provider.world
    async with house.gate.client(headers=HTML) as browser:
        stranger = await house.sign_in(browser, "zoe")
        assert "none of the groups" in stranger.text
        refused = await house.sign_in(browser, None)
        assert "did not let you in" in refused.text
        for forged in ({"aud": "another"}, {"iss": "https://evil.example"}, {"nonce": "x"}, {"exp": 1}):
            world.forge = forged
            answer = await house.sign_in(browser, "bob")
            assert "could not be trusted" in answer.text, forged
        world.forge = {}
        mine = house.provider.approve(await house.leave(browser), "bob")
        for changed in ({"state": "x"}, {"iss": "https://evil.example"}, {"code": ""}):
            await house.leave(browser)
            answer = await browser.get("/sign-in/return", params={**mine, **changed})
            assert answer.status_code == 200 and "You may not sign in here" in answer.text, changed
        assert "mn" not in browser.cookies
    async with house.gate.client(headers=HTML) as other:
        elsewhere = await other.get("/sign-in/return", params=mine)
        assert elsewhere.status_code in (200, 303) and "mn" not in other.cookies
    assert (await house.gate.services.accounts.users.list(text="bob")).users == []


@pytest.mark.full
async def test_a_provider_that_is_away_in_between_can_be_asked_again(house: House) -> None:
    async with house.gate.client(headers=HTML) as browser:
        answer = house.provider.approve(await house.leave(browser), "bob")
        house.provider.faults.add("500")
        away = await browser.get("/sign-in/return", params=answer)
        assert "not answering" in away.text and "mn" not in browser.cookies
        house.provider.faults.clear()
        async with asyncio.timeout(90):
            # The portal asks again when it thinks the provider is back.
            while (await browser.get("/sign-in/return", params=answer)).status_code != 303:
                await asyncio.sleep(0.2)
        assert "mn" in browser.cookies


async def test_an_account_is_linked_by_its_owner_only(house: House) -> None:
    accounts = house.gate.services.accounts
    kim = await house.gate.person("kim")
    async with accounts._db.begin() as tx:
        await tx.execute(update(users).where(users.c.id == kim.user.id).values(email="bob@example.org"))
    async with house.gate.client(headers=HTML) as browser:
        await house.sign_in(browser, "bob")
    (bob,) = [one for one in (await accounts.users.list(text="bob")).users if one.username == "bob"]
    assert bob.id != kim.user.id, "the same address proves nothing"
    page = (await kim.client.get("/account")).text
    assert "Add House" in page
    add = house.start.replace("/sign-in/start/", "/account/identities/add/")
    taken = house.provider.approve(await house.leave(kim.client, add), "bob")
    assert "already linked" in (await kim.client.get("/sign-in/return", params=taken)).text
    mine = house.provider.approve(await house.leave(kim.client, add), "ann")
    assert (await kim.client.get("/sign-in/return", params=mine)).headers["location"] == "/account"
    assert "oidc" in {one.provider for one in await accounts.identities.of_user(kim.user.id)}
    assert (await accounts.users.get(kim.user.id)).role == "user", "linking makes nobody an admin"


async def test_signing_out_goes_there_too(house: House) -> None:
    async with house.gate.client(headers=HTML) as browser:
        await house.sign_in(browser, "ann")
        page = await browser.post("/sign-out")
        (address,) = re.findall(r'http-equiv="refresh" content="0; url=([^"]+)"', page.text)
        there = urlsplit(html.unescape(address))
        assert there.path == "/logout" and parse_qs(there.query)["id_token_hint"]
        assert parse_qs(there.query)["post_logout_redirect_uri"][0].endswith("/sign-in")
        assert (await browser.get("/account")).status_code == 303, "signed out here at once"


async def test_who_loses_access_there_is_signed_out_here(house: House) -> None:
    accounts = house.gate.services.accounts

    class Context:
        def check_cancelled(self) -> None:
            return

        async def progress(self, *args: object, **kwargs: object) -> None:
            return

    async def check() -> Any:
        return await accounts.revalidation.run(Context(), None)

    async with house.gate.client(headers=HTML) as browser:
        await house.sign_in(browser, "ann")
        async with house.gate.services.db.read() as tx:
            before = await tx.scalar(select(identities.c.token_sealed).where(identities.c.provider == "oidc"))
        assert (await check())["confirmed"] == 1
        async with house.gate.services.db.read() as tx:
            after = await tx.scalar(select(identities.c.token_sealed).where(identities.c.provider == "oidc"))
        assert before != after, "the provider gave a fresh token"
        assert (await check())["confirmed"] == 1, "with which it can be asked again"
        house.provider.faults.add("down")
        assert (await check())["unknown"] == 1
        house.provider.faults.clear()
        house.provider.world.expel("ann")
        assert (await check())["revoked"] == 1
