"""Admin → sync: a run is started, watched while it goes on, and seen to its end without a reload."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.conftest import Demo
from tests.e2e.conftest import NewPage
from tests.e2e.steps import sign_in_admin

pytestmark = [pytest.mark.browser, pytest.mark.full, pytest.mark.timeout(300)]
PATIENCE = 60_000


def test_a_run_is_watched_to_its_end(demo: Demo, new_page: NewPage) -> None:
    page = new_page()
    sign_in_admin(page, demo)
    page.goto(f"{demo.url}/admin/sync")
    expect(page.locator("[data-live-indicator]")).to_have_attribute("data-state", "live", timeout=PATIENCE)
    sources = page.locator("section", has=page.get_by_role("heading", name="Servers"))
    expect(sources.locator(".row")).not_to_have_count(0)
    plex = sources.locator(".row").filter(has_text=demo.sim("plex", "/_sim/instances")[0]["title"])
    demo.sim("plex", "/_sim/faults", "PUT", [{"mode": "slow", "seconds": 1.0, "prefix": "/library"}])
    try:
        plex.get_by_role("button", name="Force").click()
        page.get_by_role("dialog").get_by_role("button", name="Force").click()
        expect(page.get_by_text("The sync has started.")).to_be_visible(timeout=PATIENCE)
        runs = page.locator("section", has=page.get_by_role("heading", name="Runs"))
        newest = runs.locator(".row").first
        expect(newest).to_contain_text("forced", timeout=PATIENCE)
        expect(newest).to_contain_text(re.compile("Waits|Running"))
        newest.locator("a").first.click()
        page.wait_for_url(re.compile(r"/admin/sync/runs/\d+$"))
        page.evaluate("document.body.dataset.same = 'yes'")
        bar = page.locator("#sources [data-progress] progress")
        expect(bar).to_have_count(1, timeout=PATIENCE)
        expect(page.locator("#sources [data-progress] [data-part=count]")).to_have_text(
            re.compile(r"^[\d,]+ / [\d,]+$"), timeout=PATIENCE
        )
    finally:
        demo.sim("plex", "/_sim/faults", "PUT", [])
    expect(page.locator("#run .page-head")).to_contain_text("Done", timeout=PATIENCE)
    expect(page.locator("#sources")).to_contain_text("looked at")
    assert page.evaluate("document.body.dataset.same") == "yes"


def test_the_captions_of_one_title_are_tried_first(demo: Demo, new_page: NewPage) -> None:
    """Only a part: one title, one kind of value, and nothing is written before it was looked at."""
    page = new_page()
    sign_in_admin(page, demo)
    film = page.request.get(f"{demo.url}/api/v1/library/titles?kind=movie&limit=1").json()["items"][0]
    page.goto(f"{demo.url}/admin/sync")
    page.get_by_role("link", name="Only a part").click()
    page.locator("#form-titles").fill(film["title"])
    page.get_by_text("Captions", exact=True).click()
    page.get_by_text("Only show what would change", exact=True).click()
    page.get_by_role("button", name="Sync", exact=True).click()
    page.wait_for_url(re.compile(r"/admin/sync/runs/\d+$"), timeout=PATIENCE)
    expect(page.locator("#main")).to_contain_text("A rehearsal: nothing was written.")
    expect(page.locator("#run .page-head")).to_contain_text("Done", timeout=PATIENCE)
    expect(page.locator("#run .page-head")).to_contain_text("1 title · Captions · rehearsal")
    page.goto(f"{demo.url}/title/{film['id']}/why")
    page.get_by_role("link", name="Sync this title").click()
    expect(
        page.locator("main").get_by_role("link", name=re.compile(re.escape(film["title"])))
    ).to_be_visible()
    expect(page.locator("#form-titles")).to_have_count(0)
