"""A title's page fills up by itself: everyone who took part, and what changes at the server while one looks."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import Demo, eventually
from tests.e2e.conftest import NewPage
from tests.e2e.steps import sign_in_admin

pytestmark = pytest.mark.browser


def test_a_title_shows_everyone_and_follows_its_server(demo: Demo, new_page: NewPage) -> None:
    page = new_page()
    sign_in_admin(page, demo)
    made = demo.sim(
        "plex",
        "/_sim/items",
        "POST",
        {"title": "The Crowded Lift", "cast": [[f"Passenger {n}", f"Floor {n}"] for n in range(9)]},
    )
    found = page.locator("#grid a.poster", has_text="The Crowded Lift")
    _sync(page, demo)

    def listed() -> bool:
        page.goto(f"{demo.url}/library?q=crowded+lift")
        return found.count() == 1

    eventually(listed, within=60)
    found.click()
    page.wait_for_url(re.compile(r"/title/\d+$"))
    # No reload from here on: the page is told.
    page.evaluate("document.body.dataset.same = 'yes'")
    expect(page.locator(".person")).to_have_count(9, timeout=60_000)
    demo.sim("plex", f"/_sim/items/{made['ratingKey']}", "PATCH", {"cast": [["Someone Else", "Alone"]]})
    # What begins after this reads it, whatever else is still under way.
    _sync(page, demo, force=True)
    expect(page.locator(".person")).to_have_text([re.compile("Someone Else")], timeout=60_000)
    assert page.evaluate("document.body.dataset.same") == "yes"
    demo.sim("plex", f"/_sim/items/{made['ratingKey']}", "DELETE")


def _sync(page: Page, demo: Demo, **how: bool) -> None:
    answer = page.request.post(f"{demo.url}/api/v1/sync", data=how, headers={"Origin": demo.url})
    assert answer.status == 202, answer.text()
