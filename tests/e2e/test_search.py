"""Finding things without a mouse: the search box, filters that the way back undoes, searches that are kept, and the calendar."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import Demo
from tests.e2e.conftest import NewPage
from tests.e2e.steps import sign_in_admin

pytestmark = pytest.mark.browser
PATIENCE = 60_000


def test_everything_is_found_by_keyboard_and_filters_are_addresses(demo: Demo, new_page: NewPage) -> None:
    page = new_page()
    sign_in_admin(page, demo)
    _box(page, demo)
    _filters(page, demo)
    _kept(page, demo)
    _phone(page, demo)


def _box(page: Page, demo: Demo) -> None:
    """Nothing but keys: to a title, to a page, to something that is done."""
    box = page.get_by_role("combobox", name=re.compile("Search"))
    page.keyboard.press("Control+k")
    expect(box).to_be_focused()
    page.keyboard.type("quiet winters")
    dialog = page.get_by_role("dialog", name="Search")
    first = dialog.get_by_role("option").first
    expect(first).to_contain_text("Nine Quiet Winters", timeout=PATIENCE)
    expect(first).to_have_attribute("aria-selected", "true")
    expect(page.locator("#palette-status")).to_contain_text(re.compile(r"\d+ result"))
    first_id = first.get_attribute("id")
    assert first_id
    expect(box).to_have_attribute("aria-activedescendant", first_id)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/title/\d+$"))
    expect(page.get_by_role("link", name="Report a problem")).to_be_visible()
    page.keyboard.press("/")
    # At once: what was typed counts, not what stood there before.
    page.keyboard.type("calen")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{demo.url}/calendar")
    page.keyboard.press("/")
    page.keyboard.type("sync now")
    expect(dialog.get_by_role("option", name="Sync now")).to_be_visible(timeout=PATIENCE)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{demo.url}/admin/sync")


def _filters(page: Page, demo: Demo) -> None:
    """Each choice is an address; the way back takes the last one away, and comes back from a title to the same list."""
    page.goto(f"{demo.url}/library/movie")
    status = page.locator("#results [role=status]")
    whole = status.inner_text()
    page.locator("#filter-fold summary").click()
    genre = page.locator("#filter-genre .chip").first
    label, count = genre.locator("span").first.inner_text(), genre.locator(".count").inner_text()
    genre.click()
    expect(status).to_have_text(re.compile(rf"^{count} title"), timeout=PATIENCE)
    expect(page).to_have_url(re.compile(r"/library/movie\?genre="))
    expect(page.locator("#filter-count")).to_have_text("1")
    decade = page.locator("#filter-decade .chip").first
    fewer = decade.locator(".count").inner_text()
    decade.click()
    expect(status).to_have_text(re.compile(rf"^{fewer} title"), timeout=PATIENCE)
    narrowed = page.url
    assert "decade=" in narrowed
    page.locator("#grid a.poster").first.click()
    page.wait_for_url(re.compile(r"/title/\d+$"))
    _back(page)
    expect(page).to_have_url(narrowed, timeout=PATIENCE)
    expect(status).to_have_text(re.compile(rf"^{fewer} title"))
    # Only a page that is set up follows a step within it.
    expect(page.locator("[data-live-indicator]")).to_have_attribute("data-state", "live", timeout=PATIENCE)
    _back(page)
    expect(page).to_have_url(re.compile(r"/library/movie\?genre=[^&]+$"), timeout=PATIENCE)
    expect(status).to_have_text(re.compile(rf"^{count} title"), timeout=PATIENCE)
    expect(page.get_by_role("link", name=f"Without {label}")).to_be_visible()
    assert whole != status.inner_text()


def _back(page: Page) -> None:
    # A step within the page makes it load anew, which Playwright's own way back does not expect.
    page.evaluate("history.back()")


def _kept(page: Page, demo: Demo) -> None:
    page.get_by_text("Save this search").click()
    page.get_by_label("Name of the search").fill("For the weekend")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("link", name="For the weekend")).to_have_attribute("aria-current", "page")
    page.goto(f"{demo.url}/library")
    page.get_by_role("link", name="For the weekend").click()
    expect(page).to_have_url(re.compile(r"/library\?genre=[^&]+&kind=movie$"))
    page.get_by_role("button", name="Forget this search").click()
    expect(page.get_by_role("link", name="For the weekend")).to_have_count(0)


def _phone(page: Page, demo: Demo) -> None:
    """The month fits on a phone and leads to its days; the secret address opens it without a session."""
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{demo.url}/calendar")
    table = page.get_by_role("table")
    expect(table.get_by_role("columnheader")).to_have_count(7)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out"
    page.get_by_role("button", name="Make an address").click()
    address = page.locator("#calendar-address").inner_text()
    answer = page.context.browser.new_context().request.get(address)  # type: ignore[union-attr]  # it was launched
    assert answer.ok and answer.text().startswith("BEGIN:VCALENDAR")
    page.get_by_role("button", name="Take it back").click()
    page.wait_for_url(f"{demo.url}/calendar")
    gone = page.context.browser.new_context().request.get(address)  # type: ignore[union-attr]  # as above
    assert gone.status == 404
