"""What the library says of itself: whether this browser plays a title, and how the library stands against its servers."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import Demo
from tests.e2e.conftest import NewPage
from tests.e2e.steps import sign_in_admin

pytestmark = [pytest.mark.browser, pytest.mark.full, pytest.mark.timeout(300)]
PATIENCE = 60_000
ABILITIES = """(() => {
  const able = window.able = { codecs: () => true, bright: true };
  navigator.mediaCapabilities.decodingInfo = async (question) => ({ supported: able.codecs(JSON.stringify(question)) });
  const match = window.matchMedia.bind(window);
  window.matchMedia = (query) => query.includes("dynamic-range") ? { matches: able.bright } : match(query);
  if (location.hash.includes("nothing")) able.codecs = () => false;
  if (location.hash.includes("dim")) able.bright = false;
})()"""
"""A browser whose abilities stand in the address."""


def shown(page: Page) -> list[str]:
    found: list[str] = page.locator("[data-plays] [data-plays-for]:visible .badge").all_inner_texts()
    return [text.strip() for text in found]


def all_in_hdr(page: Page, demo: Demo, title: int) -> bool:
    found = page.request.get(f"{demo.url}/api/v1/library/titles/{title}").json()
    return all(place["media"].get("hdr") for place in found["availability"])


def test_the_browser_is_asked_what_it_plays(demo: Demo, new_page: NewPage) -> None:
    page = new_page()
    sign_in_admin(page, demo)
    page.add_init_script(ABILITIES)
    listed = page.request.get(f"{demo.url}/api/v1/library/titles?hdr=true&kind=movie&limit=40").json()[
        "items"
    ]
    title = next(f"{demo.url}/title/{one['id']}" for one in listed if all_in_hdr(page, demo, one["id"]))
    for ability, verdict in (
        ("", "Plays here"),
        ("#nothing", "Does not play here as it is"),
        ("#dim", "May not play here as it is"),
    ):
        page.goto("about:blank")
        page.goto(f"{title}{ability}")
        expect(page.locator("[data-plays] .badge:visible")).to_have_text(verdict, timeout=PATIENCE)
    colours = page.locator("[data-plays-part=hdr]")
    expect(colours).to_be_visible()
    assert shown(page) == ["May not play here as it is"]


def test_the_library_is_held_against_its_servers(demo: Demo, new_page: NewPage) -> None:
    page = new_page()
    sign_in_admin(page, demo)
    page.goto(f"{demo.url}/admin/sync/report")
    page.evaluate("document.body.dataset.same = 'yes'")
    page.locator(".page-head").get_by_role("button").click()
    servers = page.locator("#report section.panel-flush")
    expect(servers.first).to_be_visible(timeout=PATIENCE)
    expect(page.locator("#report .row-title").first).to_have_text(re.compile(r"\S"))
    plex = servers.filter(has_text=demo.sim("plex", "/_sim/instances")[0]["title"])
    expect(plex).to_have_count(1)
    for fold in page.locator("#report details.fold").all()[:2]:
        fold.locator("summary").click()
        expect(fold.locator(".row, .row-note").first).to_be_visible()
