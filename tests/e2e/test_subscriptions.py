"""A subscription from end to end: a channel of the video site gains videos, and they are there without anybody asking for them; what is
not to be kept is named, agreed to, and goes."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.conftest import Demo
from tests.e2e.conftest import NewPage
from tests.e2e.steps import sign_in_admin

pytestmark = [pytest.mark.full, pytest.mark.browser]


def test_what_a_channel_publishes_comes_by_itself(demo: Demo, new_page: NewPage) -> None:
    page = new_page()
    sign_in_admin(page, demo)
    page.goto(f"{demo.url}/downloads/subscriptions")
    page.get_by_role("link", name="Subscribe").first.click()
    page.locator("main form [name=url]").fill(f"{demo.simulators['youtube']}/@tinkershed")
    page.locator("main form button[type=submit]").click()
    page.wait_for_url(f"{demo.url}/downloads/subscriptions")
    row = page.locator("main .row", has_text="Tinker Shed")
    expect(row).to_be_visible()

    older, title = "A kettle that only whistles", "The kettle that sings in tune"
    for one in (older, title):
        demo.sim("youtube", "/_sim/publish", "POST", {"channel": "tinkershed", "title": one})
    page.reload()
    with page.expect_response(lambda reply: reply.request.method == "POST"):
        row.get_by_role("button", name=re.compile("^Look now")).click()
    page.goto(f"{demo.url}/downloads")
    page.get_by_role("link", name=re.compile("^Tinker Shed")).first.click()
    page.wait_for_url(re.compile(r"/downloads/[0-9a-f-]{36}"))
    expect(page.locator("#download")).to_contain_text(title)
    expect(page.locator("#download .page-head")).to_contain_text(re.compile("Done"), timeout=120_000)
    expect(page.locator("#download")).to_contain_text(older)
    expect(page.locator("#download")).not_to_contain_text("Hinges, explained slowly")
    download = page.url

    page.goto(f"{demo.url}/downloads/subscriptions")
    row.get_by_role("link", name="Tinker Shed").click()
    page.locator("main form [name=keep]").fill("1")
    page.locator("main form button[type=submit]").click()
    agree = page.locator("main form .field", has=page.locator("input[type=checkbox][name=remove]"))
    expect(agree).to_contain_text("Remove one video now")
    expect(agree).to_contain_text(older)
    expect(agree).to_contain_text("Say that they may go, or keep more.")
    agree.locator("input[type=checkbox]").check()
    page.locator("main form button[type=submit]").click()
    page.wait_for_url(f"{demo.url}/downloads/subscriptions")
    expect(row).to_contain_text("keeps the newest")
    page.goto(download)
    expect(page.locator("#download")).not_to_contain_text(older, timeout=60_000)
    expect(page.locator("#download")).to_contain_text(title)
