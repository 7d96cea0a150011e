"""Signing in at an identity provider and out of it again, as its buttons and pages lead there and back."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal
from playwright.sync_api import Page, expect

from medianest_core.testing.simulators import running
from tests.e2e.conftest import NewPage
from tests.e2e.processes import PYTHON, Portal, environment, portal
from tests.e2e.steps import sign_in_local
from tests.fakes.identity import CLIENT_ID, SECRET, IdentityProvider

pytestmark = [pytest.mark.full, pytest.mark.browser]
PASSWORD = "correct horse battery"


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[IdentityProvider]:
    made = IdentityProvider(data_dir=tmp_path)
    with start_blocking_portal() as loop, loop.wrap_async_context_manager(running(made)):
        yield made


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Portal]:
    data = tmp_path / "portal"
    command = [*PYTHON, "users", "create-admin", "root", "--data-dir", str(data)]
    subprocess.run(command, check=True, env=environment(MEDIANEST_ADMIN_PASSWORD=PASSWORD), cwd=tmp_path)
    with portal(data, link=False) as running_portal:
        yield running_portal


def test_in_by_the_provider_and_out_of_both(
    provider: IdentityProvider, served: Portal, new_page: NewPage
) -> None:
    admin, page = new_page(), new_page()
    sign_in_local(admin, served.url, "root", PASSWORD)
    _add(admin, served, provider)

    _leave_by(page, served, "zoe")
    expect(page.locator("main")).to_contain_text("none of the groups")
    _leave_by(page, served, "Nobody")
    expect(page.locator("main")).to_contain_text("did not let you in")
    _leave_by(page, served, "bob")
    expect(page).to_have_url(f"{served.url}/pending")

    page.context.clear_cookies()
    _leave_by(page, served, "ann")
    expect(page).to_have_url(f"{served.url}/")
    page.goto(f"{served.url}/admin/users")
    expect(page.locator("main")).to_contain_text("bob")

    with page.expect_request(re.compile(r"/logout\?")) as left:
        page.get_by_role("button", name=re.compile("^Account of")).click()
        page.get_by_role("button", name="Sign out").first.click()
    assert left.value.url.startswith(provider.base_url)
    page.wait_for_url(re.compile("/sign-in"))
    page.goto(f"{served.url}/admin/users")
    expect(page).to_have_url(re.compile("/sign-in"))
    for one in (admin, page):
        one.close()


def _add(admin: Page, served: Portal, provider: IdentityProvider) -> None:
    """As its form asks."""
    admin.goto(f"{served.url}/admin/services/add/oidc/provider")
    admin.locator("main details summary").first.click()
    values = {
        "instance_title": "House",
        "url": provider.base_url,
        "client_id": CLIENT_ID,
        "client_secret": SECRET,
        "name": "House",
        "allowed_groups": "family",
        "admin_groups": "keepers",
    }
    for name, value in values.items():
        admin.locator(f"main form [name={name}]:not([type=hidden])").first.fill(value)
    admin.locator("main form [name=sign_out_there][type=checkbox]").check()
    admin.get_by_role("button", name="Save", exact=True).click()
    expect(admin.get_by_role("heading", level=1)).to_have_text("House")


def _leave_by(page: Page, served: Portal, who: str) -> None:
    """From the sign-in page to the provider's, and back as this person."""
    page.goto(f"{served.url}/sign-in")
    page.get_by_role("button", name="Sign in with House").click()
    expect(page.get_by_role("heading", name="Who are you?")).to_be_visible()
    page.get_by_role("link", name=who, exact=True).click()
    page.wait_for_url(re.compile(re.escape(served.url)))
