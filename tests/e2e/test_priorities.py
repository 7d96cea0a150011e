"""Another order of sources: tried by keyboard, looked at before it is saved, and what a title shows after it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import Demo, eventually
from tests.e2e.conftest import NewPage
from tests.e2e.steps import sign_in_admin

pytestmark = [pytest.mark.browser, pytest.mark.full, pytest.mark.timeout(300)]

ROOM = "/admin/sync/priorities?group=artwork"


def test_the_order_of_pictures_is_changed_by_keyboard(demo: Demo, new_page: NewPage) -> None:
    page = new_page()
    page.set_default_timeout(60_000)
    sign_in_admin(page, demo)
    page.goto(demo.url + ROOM)
    rows = page.locator("[data-source] .row-title")
    expect(rows.first).to_be_visible(timeout=60_000)
    example, before, after = _first_that_changes(page, demo, rows.all_text_contents())
    title = page.request.get(demo.url + example)
    assert before in title.text() and after not in title.text()
    page.get_by_role("button", name="Save", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.locator("body")).to_contain_text("Saved.", timeout=60_000)

    def shows(picture: str) -> bool:
        return picture in page.request.get(demo.url + example).text()

    eventually(lambda: shows(after), within=60)
    page.goto(demo.url + ROOM)
    page.get_by_role("button", name="Undo the last change").press("Enter")
    eventually(lambda: shows(before), within=60)


def _first_that_changes(page: Page, demo: Demo, names: list[str]) -> tuple[str, str, str]:
    """Bring one source after the other to the front until pictures would change: the title's path, its picture before and after."""
    for name in names:
        page.goto(demo.url + ROOM)
        row = page.locator("[data-source]", has=page.locator(".row-title", has_text=name))
        expect(row.locator("a[id^=up-]")).to_be_visible(timeout=60_000)
        source = row.get_attribute("data-source")
        for _ in names:
            up = page.locator(f"#up-{source}[href]")
            if not up.count():
                break
            was = page.url
            up.focus()
            page.keyboard.press("Enter")
            expect(page).not_to_have_url(was, timeout=60_000)
            expect(page.locator(f"#up-{source}")).to_be_focused(timeout=60_000)
        shown = page.locator("#prospect")
        if not shown.count():
            continue
        expect(shown.locator(".ranking-sum")).to_be_visible(timeout=60_000)
        swap = page.locator(".ranking-swap", has_text="Poster").filter(
            has=page.locator(".ranking-side").nth(1).locator("img")
        )
        if not swap.count():
            continue
        pictures = [_picture(one.get_attribute("src") or "") for one in swap.first.locator("img").all()]
        link = page.locator(".ranking-example", has=swap).first.locator("a").first.get_attribute("href")
        if len(pictures) == 2 and link:
            return link, pictures[0], pictures[1]
    raise AssertionError(f"no order of {names} changes a poster")


def _picture(address: str) -> str:
    found = re.search(r"/img/([^?]+)", address)
    assert found, address
    return found[1]
