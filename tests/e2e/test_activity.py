"""Requests in daily use: an admin decides about them by keyboard, and watches one come, live."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from medianest_core.testing.world.titles import MOVIE, Title, elsewhere
from tests.conftest import Demo
from tests.e2e.conftest import NewPage
from tests.e2e.steps import sign_in_admin, sign_in_member

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
PATIENCE = 60_000
MOVED = """before => {
  const way = document.querySelector('#way');
  const bar = way.querySelector('progress');
  return bar ? bar.value > before : /Imported\\s+Done/.test(way.innerText);
}"""
"""The bar has grown, or on a very slow machine the download has ended already. Its timeline is there all the while."""
FILMS = [one for one in elsewhere(MOVIE) if one.year < 2012 and one.title.isascii()][-3:]


def ask(page: Page, demo: Demo, method: str, path: str, body: Any = None) -> Any:
    answer = page.request.fetch(
        f"{demo.url}/api/v1{path}", method=method, data=body, headers={"Origin": demo.url}
    )
    assert answer.ok, f"{method} {path} → {answer.status} {answer.text()[:300]}"
    return answer.json() if answer.body() else None


def wish(member: Page, demo: Demo, film: Title) -> str:
    body = {"kind": "movie", "ids": {"tmdb": film.ids["tmdb"]}, "title": film.title, "year": film.year}
    return str(ask(member, demo, "POST", "/requests", body)["request"]["id"])


@pytest.mark.full
def test_by_keyboard_and_live(demo: Demo, new_page: NewPage) -> None:
    admin, member = new_page(), new_page()
    sign_in_admin(admin, demo)
    sign_in_member(member, admin, demo, "casey")
    watched, dark, good = (wish(member, demo, film) for film in FILMS)

    admin.goto(f"{demo.url}/requests?state=waiting")
    rows = {name: admin.locator(f"#request-{name}") for name in (watched, dark, good)}
    expect(admin.locator("[data-live-indicator]")).to_have_attribute("data-state", "live")
    admin.keyboard.press("j")
    expect(rows[good]).to_be_focused()
    admin.keyboard.press("j")
    expect(rows[dark]).to_be_focused()
    admin.keyboard.press("k")
    expect(rows[good]).to_be_focused()
    admin.keyboard.press("a")
    expect(rows[dark]).to_be_focused()
    # What is decided is no longer among what waits.
    expect(rows[good]).to_have_count(0, timeout=PATIENCE)

    admin.keyboard.press("d")
    reason = rows[dark].get_by_label("Reason")
    expect(reason).to_be_focused()
    admin.keyboard.type("Ask again in a jiffy.")
    admin.keyboard.press("Enter")
    expect(rows[watched]).to_be_focused()
    expect(rows[dark]).to_have_count(0, timeout=PATIENCE)
    expect(rows[watched]).to_be_focused()
    declined = ask(admin, demo, "GET", f"/requests/{dark}")["request"]
    assert (declined["state"], declined["reason"]) == ("declined", "Ask again in a jiffy.")

    keys = admin.get_by_role("dialog", name="Decide by keyboard")
    admin.keyboard.press("?")
    expect(keys).to_be_visible()
    switch = keys.get_by_label("Single keys do something on this device")
    switch.uncheck()
    keys.get_by_role("button", name="Close").click()
    admin.reload()
    admin.keyboard.press("j")
    admin.keyboard.press("?")
    expect(keys).to_be_hidden()
    assert admin.evaluate("document.activeElement.closest('[data-triage]')") is None
    admin.get_by_role("button", name="Keys").click()
    switch.check()
    keys.get_by_role("button", name="Close").click()
    admin.keyboard.press("j")
    expect(rows[watched]).to_be_focused()
    admin.keyboard.press("o")
    admin.wait_for_url(f"{demo.url}/requests/{watched}")

    # Whoever asked looks at its page meanwhile.
    member.goto(f"{demo.url}/requests/{watched}")
    expect(member.locator("[data-live-indicator]")).to_have_attribute("data-state", "live")
    way = member.locator("#way li")
    expect(way.last).to_contain_text("Available")
    (radarr,) = [one["id"] for one in ask(admin, demo, "GET", "/services") if one["service"] == "radarr"]
    ask(admin, demo, "POST", f"/requests/{watched}/approve", {"instance_id": radarr})
    going = way.filter(has_text="Downloading")
    expect(going.locator("progress")).to_be_visible(timeout=PATIENCE)
    first = float(going.locator("progress").get_attribute("value") or 0)
    member.wait_for_function(MOVED, arg=first, timeout=PATIENCE)
    demo.sim("radarr", "/_sim/advance", "POST", {"seconds": 300})
    expect(way.filter(has_text="Imported")).to_contain_text("Done", timeout=PATIENCE)
    expect(way.filter(has_text="Searched")).to_contain_text(re.compile("Done.*Radarr", re.S))
