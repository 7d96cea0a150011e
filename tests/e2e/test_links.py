"""An admin makes tiles with the keyboard, and a member's open page shows them, but not those for admins."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import Demo
from tests.e2e.conftest import NewPage
from tests.e2e.steps import sign_in_admin, sign_in_member

pytestmark = pytest.mark.browser


def _add(page: Page, title: str, url: str, group: str, *, admins: bool = False) -> None:
    page.get_by_role("link", name="Add a link").click()
    page.get_by_label("Name").fill(title)
    page.get_by_label("Address").fill(url)
    page.get_by_label("Group").fill(group)
    if admins:
        page.get_by_label("Who sees it").select_option(label="Admins only")
    page.get_by_role("button", name="Save").press("Enter")


@pytest.mark.full
def test_tiles_from_the_form_to_a_members_page(demo: Demo, new_page: NewPage) -> None:
    admin, member = new_page(), new_page()
    sign_in_admin(admin, demo)
    sign_in_member(member, admin, demo, "jordan")
    member.goto(f"{demo.url}/p/links/")
    expect(member.get_by_text("There are no links yet.")).to_be_visible()

    admin.goto(f"{demo.url}/p/links/manage")
    _add(admin, "Printer", "javascript:alert(1)", "Office")
    expect(admin.get_by_text("Enter an address that begins with http:// or https://.").first).to_be_visible()
    expect(admin.get_by_label("Name")).to_have_value("Printer")
    admin.get_by_label("Address").fill("http://printer.test/status")
    admin.get_by_role("button", name="Save").press("Enter")
    admin.wait_for_url("**/p/links/manage")
    _add(admin, "Scanner", "http://scanner.test/", "Office")
    admin.wait_for_url("**/p/links/manage")
    _add(admin, "Vault", "http://vault.test/", "Office", admins=True)
    admin.wait_for_url("**/p/links/manage")

    # The member's page was open all the time.
    tile = member.get_by_role("link", name="Printer")
    expect(tile).to_be_visible()
    expect(tile).to_have_attribute("target", "_blank")
    expect(tile).to_have_attribute("rel", "noopener noreferrer")
    expect(member.get_by_text("Vault")).to_have_count(0)
    assert member.request.get(f"{demo.url}/p/links/manage").status == 403

    admin.get_by_role("button", name="Move up: Scanner").press("Enter")
    expect(admin.locator(".row-title")).to_have_text(["Scanner", "Printer", "Vault"])
    expect(member.locator("#links-tiles .row-title")).to_have_text(["Scanner", "Printer"])

    for title in ("Scanner", "Printer", "Vault"):
        admin.get_by_role("button", name=f"Remove: {title}").click()
        admin.get_by_role("dialog").get_by_role("button", name="Remove").click()
        expect(admin.get_by_role("button", name=f"Remove: {title}")).to_have_count(0)
    expect(member.get_by_text("There are no links yet.")).to_be_visible()
