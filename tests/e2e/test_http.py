"""The portal as most homes run it: plain http on an address of the home network, which browsers do not take for secure."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from playwright.sync_api import Browser, Page, Playwright, expect

from tests.conftest import Demo, start_demo, stop_demo
from tests.e2e.conftest import ARGUMENTS, PATIENCE, watch
from tests.e2e.steps import ask_for_code, sign_in_local
from tests.services import chromium

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
NAME = "portal.home.arpa"
"""Stands for the machine where it has no address but loopback: only the browser resolves it, and trusts it as little."""


@pytest.fixture(scope="module")
def open_demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo that listens on every address of the machine."""
    running = start_demo(tmp_path_factory.mktemp("open"), "--host", "0.0.0.0", "--items", "24")
    yield running
    assert stop_demo(running) == 0


def _address() -> str | None:
    """An IPv4 address under which others on the network reach this machine."""
    for name, addresses in sorted(psutil.net_if_addrs().items()):
        for one in addresses:
            up = psutil.net_if_stats()[name].isup
            if one.family is socket.AF_INET and up and not one.address.startswith(("127.", "169.254.")):
                return one.address
    return None


@pytest.fixture
def page(playwright_driver: Playwright) -> Iterator[Page]:
    """A page of a browser of its own, which may be told how to resolve a name."""
    path = chromium()
    assert path
    rules = [] if _address() else [f"--host-resolver-rules=MAP {NAME} 127.0.0.1"]
    browser: Browser = playwright_driver.chromium.launch(executable_path=path, args=[*ARGUMENTS, *rules])
    problems: list[str] = []
    opened = browser.new_page()
    opened.set_default_timeout(PATIENCE)
    watch(opened, problems)
    yield opened
    browser.close()
    assert problems == []


def test_signing_in_and_submitting_over_plain_http(open_demo: Demo, page: Page) -> None:
    url = f"http://{_address() or NAME}:{urlsplit(open_demo.url).port}"
    ask_for_code(page, url)
    expect(page.get_by_role("button", name="Copy code")).to_be_hidden()

    sign_in_local(page, url, open_demo.admin["username"], open_demo.admin["password"])
    assert page.evaluate("isSecureContext") is False
    cookie = next(one for one in page.context.cookies() if one["name"] in ("mn", "__Host-mn"))
    assert cookie["name"] == "mn"
    assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"]) == (False, True, "Lax")
    expect(page.get_by_text("served over plain http")).to_be_visible()
    expect(page.locator("[data-live-indicator]")).to_have_attribute("data-state", "live")
    _submit(page, open_demo, url)
    _sign_out(page, url)


def _submit(page: Page, demo: Demo, url: str) -> None:
    page.goto(f"{url}/downloads")
    page.get_by_label("Link").fill(demo.sim("youtube", "/_sim/facts")["video_url"])
    page.get_by_role("button", name="Look").click()
    page.locator("#preview").get_by_role("button", name="Download", exact=True).click(timeout=60_000)
    page.wait_for_url(re.compile(r"/downloads/[0-9a-f-]{36}$"))
    expect(page.locator("#download .page-head .badge")).to_have_text("Done", timeout=90_000)
    film = next(Path(demo.data_dir, "downloads").glob("admin */*.mp4"))
    assert film.stat().st_size > 0


def _sign_out(page: Page, url: str) -> None:
    page.get_by_role("button", name=re.compile("^Account of")).click()
    page.get_by_role("button", name="Sign out").first.click()
    page.wait_for_url(f"{url}/sign-in")
    assert [one for one in page.context.cookies() if one["name"] == "mn"] == []


@pytest.mark.full
def test_a_copy_button_is_shown_where_the_browser_lets_it_work(open_demo: Demo, page: Page) -> None:
    """The same page on loopback, which browsers trust."""
    ask_for_code(page, open_demo.url)
    expect(page.get_by_role("button", name="Copy code")).to_be_visible()
    sign_in_local(page, open_demo.url, open_demo.admin["username"], open_demo.admin["password"])
    expect(page.get_by_text("served over plain http")).to_be_hidden()
