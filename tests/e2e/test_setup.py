"""From an empty folder to a working portal: the one-time link, the wizard, a restart, and what happens when things go wrong."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.conftest import eventually
from tests.e2e.conftest import NewPage
from tests.e2e.processes import Portal, Sim, portal, simulator
from tests.e2e.steps import sign_in_local

pytestmark = pytest.mark.browser
PASSWORD = secrets.token_urlsafe(12)


@pytest.fixture(scope="module")
def plex(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sim]:
    with simulator("plex", tmp_path_factory.mktemp("plex"), "--items", "24") as running:
        yield running


def test_from_the_one_time_link_to_a_portal_that_survives_a_restart(
    tmp_path: Path, plex: Sim, browser: Browser, new_page: NewPage
) -> None:
    data = tmp_path / "data"
    page = new_page()
    with portal(data, link=True) as served:
        assert served.link
        _make_admin(page, served)
        _add_plex(page, plex)
        _decide_who_may_come_in(page, served)
        _the_link_is_dead(new_page(), served.link)
        _leave(browser)
    with portal(data, link=False) as again:
        page = new_page()
        sign_in_local(page, again.url, "ada", PASSWORD)
        expect(page).to_have_title(re.compile("The Lighthouse"))

        def filled() -> bool:
            # The first sync may have been cut off by the restart, and goes on.
            page.goto(f"{again.url}/library")
            return page.locator("#grid a.poster").count() == 24

        eventually(filled, what="the whole library")
        page.goto(f"{again.url}/admin/services")
        expect(page.locator("#services")).to_contain_text("Living room")
        _stale_edit_shows_both_values(page)
        _leave(browser)
    _damaged_keys_lead_to_the_recovery_page(data, new_page())


def _leave(browser: Browser) -> None:
    """Close all pages, which would complain that the portal goes away under them."""
    for context in browser.contexts:
        context.close()


def _make_admin(page: Page, served: Portal) -> None:
    page.goto(served.url)
    assert page.url.startswith(f"{served.url}/sign-in"), "without the link nobody gets into the wizard"
    page.goto(served.link or "")
    page.get_by_label("User name").fill("ada")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password once more").fill(PASSWORD + "x")
    page.get_by_role("button", name="Create the account").click()
    expect(page.get_by_text("The two passwords differ.")).to_be_visible()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password once more").fill(PASSWORD)
    page.get_by_role("button", name="Create the account").click()
    page.wait_for_url(f"{served.url}/setup/service")


def _field(page: Page, name: str) -> Locator:
    return page.locator(f"main form [name={name}]:not([type=hidden])")


def _add_plex(page: Page, plex: Sim) -> None:
    page.get_by_role("link", name=re.compile("^Plex")).click()
    _field(page, "instance_title").fill("Living room")
    _field(page, "url").fill(plex.url)
    _field(page, "token").fill("not-the-token")
    page.locator("details", has_text="More settings").locator("summary").click()
    for name, address in (
        ("account_url", plex.url),
        ("link_url", f"{plex.url}/link"),
        ("auth_url", f"{plex.url}/auth"),
    ):
        _field(page, name).fill(address)
    test = page.get_by_role("button", name="Test connection")
    test.click()
    result = page.locator("#form-test")
    expect(result).to_contain_text("That did not work.")
    expect(result).to_contain_text(re.compile("token", re.I))
    _field(page, "token").fill(plex.facts["owner_token"])
    test.click()
    expect(result.locator(".tone-success")).to_be_visible()
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url(re.compile("/setup/sign-in$"))


def _decide_who_may_come_in(page: Page, served: Portal) -> None:
    page.get_by_label("Name of your portal").fill("The Lighthouse")
    page.get_by_role("button", name="Save and go on").click()
    page.wait_for_url(f"{served.url}/setup/done")
    expect(page.locator("main")).to_contain_text("Living room")
    page.get_by_role("link", name="Open the portal").click()
    page.wait_for_url(f"{served.url}/")


def _the_link_is_dead(page: Page, link: str) -> None:
    answer = page.goto(link)
    assert answer is not None and answer.status in (403, 404, 410)
    expect(page.locator("main")).to_contain_text("used already")
    assert page.locator("main form").count() == 0


def _stale_edit_shows_both_values(page: Page) -> None:
    """Two tabs edit the same service: the later save is told what the earlier one wrote, and loses nothing."""
    page.get_by_role("link", name="Living room").first.click()
    page.wait_for_url(re.compile("/admin/services/"))
    other = page.context.new_page()
    other.goto(page.url)
    _field(other, "instance_title").fill("Attic")
    other.get_by_role("button", name="Save", exact=True).click()
    expect(other.get_by_role("heading", level=1)).to_have_text("Attic")

    _field(page, "instance_title").fill("Cellar")
    with page.expect_response(lambda reply: reply.request.method == "POST") as saved:
        page.get_by_role("button", name="Save", exact=True).click()
    assert saved.value.status == 409
    expect(page.get_by_role("alert")).to_contain_text("Someone else changed this")
    expect(_field(page, "instance_title")).to_have_value("Cellar")
    expect(page.get_by_text("Saved by someone else: Attic")).to_be_visible()
    expect(page.get_by_text(re.compile("^Saved by someone else"))).to_have_count(1)
    page.get_by_role("button", name="Use this").first.click()
    expect(_field(page, "instance_title")).to_have_value("Attic")
    _field(page, "instance_title").fill("Cellar")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Cellar")


def _damaged_keys_lead_to_the_recovery_page(data: Path, page: Page) -> None:
    """Whoever comes then is told what to do; nobody is offered the wizard, and the file stays as it is."""
    keys = data / "keys.json"
    damaged = keys.read_bytes()[:-20]
    keys.write_bytes(damaged)
    with portal(data, link=False) as served:
        for path in ("/", "/setup", "/sign-in", "/admin"):
            answer = page.request.get(served.url + path)
            assert answer.status == 503
            assert "keys.json" in answer.text()
            assert "form" not in answer.text()
        assert page.request.get(f"{served.url}/healthz").status == 200
        assert page.request.get(f"{served.url}/readyz").status == 503
    assert keys.read_bytes() == damaged
