"""The portal as an installed app: what it shows when it cannot be reached, to whom, and what it forgets."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, Route, expect

from tests.conftest import Demo, eventually
from tests.e2e.conftest import ARGUMENTS, PATIENCE, watch
from tests.e2e.processes import PYTHON, environment, portal
from tests.e2e.steps import sign_in_admin, sign_in_local, sign_in_member
from tests.services import chromium

pytestmark = pytest.mark.full

HELD = """async () => {
  const found = {};
  for (const name of await caches.keys()) {
    const keys = await (await caches.open(name)).keys();
    found[name] = keys.map((one) => new URL(one.url).pathname);
  }
  return found;
}"""


def held(page: Page, kind: str) -> list[str]:
    """The paths that this browser holds of "pages", "images" or "shell"."""
    found: dict[str, list[str]] = page.evaluate(HELD)
    return [path for name, paths in found.items() if f":{kind}:" in name for path in paths]


def controlled(page: Page) -> None:
    """Wait until the worker answers for the page."""
    page.wait_for_function("() => navigator.serviceWorker.controller !== null")


def settled(page: Page, *paths: str) -> None:
    """Wait until these pages are held."""
    eventually(lambda: set(paths) <= set(held(page, "pages")), what=f"{paths} held")


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(service_workers="allow")
    made.set_default_timeout(PATIENCE)
    yield made
    # As it is: a worker in the middle of an answer keeps its browser from going away.
    for one in made.pages:
        one.close()
    made.close()


@pytest.fixture
def page(context: BrowserContext, demo: Demo) -> Page:
    """Signed in as the admin, with the worker at work and the first pages read."""
    page = context.new_page()
    sign_in_admin(page, demo)
    controlled(page)
    settled(page, "/", "/library", "/downloads")
    return page


def test_a_page_that_was_on_its_way_while_the_worker_began_is_taken_over(
    context: BrowserContext, demo: Demo
) -> None:
    late = f"{demo.url}/sign-in?late=1"
    held: dict[str, Route] = {}

    def hold(route: Route) -> None:
        # Once: what the worker itself asks for later goes through.
        if held.setdefault(route.request.url, route) is not route:
            route.continue_()

    for address in ("**/sw.js", late):
        context.route(address, hold)
    page, other = context.new_page(), context.new_page()
    page.goto(f"{demo.url}/sign-in")
    eventually(lambda: page.evaluate("1") and f"{demo.url}/sw.js" in held, what="the worker is asked for")
    page.evaluate("address => { setTimeout(() => { location.href = address }) }", late)
    eventually(lambda: other.evaluate("1") and late in held, what="the page is on its way")
    held[f"{demo.url}/sw.js"].continue_()
    other.goto(f"{demo.url}/sign-in")
    controlled(other)
    held[late].continue_()
    page.wait_for_url(late)
    controlled(page)


def test_the_portal_can_be_installed(page: Page, demo: Demo) -> None:
    link = page.locator("link[rel=manifest]").get_attribute("href") or ""
    with urlopen(demo.url + link, timeout=60) as reply:
        assert reply.headers["Content-Type"].startswith("application/manifest+json")
        manifest: dict[str, Any] = json.load(reply)
    assert manifest["start_url"] == manifest["scope"] == "/"
    assert manifest["display"] == "standalone"
    assert {one["url"] for one in manifest["shortcuts"]} == {"/library", "/downloads", "/search"}
    assert {one["purpose"] for one in manifest["icons"]} == {"any", "maskable"}
    for icon in manifest["icons"]:
        with urlopen(demo.url + icon["src"], timeout=60) as reply:
            assert reply.headers["Content-Type"] == icon["type"]
            assert reply.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    # The browser's own opinion.
    session = page.context.new_cdp_session(page)
    assert session.send("Page.getAppManifest")["errors"] == []
    # A private window is the one thing that it objects to here.
    objections = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert {one["errorId"] for one in objections} <= {"in-incognito"}


def test_without_the_portal_what_was_read_is_shown_with_its_age(page: Page, demo: Demo) -> None:
    page.goto(f"{demo.url}/library")
    poster = page.locator("#grid a.poster").first
    title = poster.get_attribute("href") or ""
    page.goto(demo.url + title)
    settled(page, title)
    name = page.locator("h1").inner_text()
    page.context.set_offline(True)
    page.reload()
    banner = page.locator("#away")
    expect(banner).to_be_visible()
    expect(banner).to_contain_text("The portal cannot be reached")
    expect(banner.locator("time")).to_have_text(re.compile(r"\d"))
    expect(page.locator("h1")).to_have_text(name)
    expect(page.locator("[data-live-indicator]")).to_have_attribute("data-state", "stale")
    page.goto(f"{demo.url}/library")
    expect(page.locator("#grid a.poster").first).to_be_visible()
    assert page.evaluate("() => getComputedStyle(document.querySelector('.shell')).display") == "grid"
    page.goto(f"{demo.url}/")
    expect(page.locator("#away")).to_be_visible()
    expect(page.get_by_role("heading", name="My downloads")).to_be_visible()
    page.context.set_offline(False)
    expect(page.locator("#away")).to_be_hidden(timeout=60_000)
    expect(page.locator("[data-live-indicator]")).to_have_attribute("data-state", "live")


def test_a_page_that_was_never_read_leads_to_those_that_were(page: Page, demo: Demo) -> None:
    page.context.set_offline(True)
    page.goto(f"{demo.url}/admin/users")
    expect(page.get_by_role("heading", name="The portal cannot be reached")).to_be_visible()
    link = page.locator("#kept-pages a", has_text="Library").first
    expect(link.locator("time")).to_have_text(re.compile(r"\d"))
    link.click()
    expect(page.locator("#away")).to_be_visible()


def test_nothing_is_sent_while_the_portal_is_away(page: Page, demo: Demo) -> None:
    page.goto(f"{demo.url}/notifications")
    settled(page, "/notifications")
    page.goto(f"{demo.url}/downloads")
    page.context.set_offline(True)
    page.reload()
    expect(page.locator("#away")).to_be_visible()
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method != "GET" else None)
    page.evaluate(
        """() => {
          const form = document.createElement('form');
          form.method = 'post'; form.action = '/notifications/read'; form.id = 'probe';
          form.innerHTML = '<button>Send</button>';
          document.querySelector('main').append(form);
        }"""
    )
    page.locator("#probe button").click()
    expect(page.locator("#toasts")).to_contain_text("nothing can be changed now")
    assert sent == []


def test_signing_out_forgets_everything(page: Page, demo: Demo) -> None:
    page.goto(f"{demo.url}/library")
    eventually(lambda: held(page, "images"), what="pictures are held")
    page.get_by_role("button", name=re.compile("^Account of")).click()
    page.get_by_role("button", name="Sign out").first.click()
    page.wait_for_url(re.compile("/sign-in"))
    eventually(lambda: held(page, "pages") + held(page, "images") == [], what="all is forgotten")
    assert held(page, "shell")
    page.context.set_offline(True)
    for path in ("/", "/library", "/downloads"):
        page.goto(demo.url + path)
        expect(page.get_by_role("heading", name="The portal cannot be reached")).to_be_visible()
        expect(page.locator("#kept-some")).to_be_hidden()


def test_another_person_sees_nothing_of_the_first(page: Page, demo: Demo, browser: Browser) -> None:
    page.goto(f"{demo.url}/account")
    page.goto(f"{demo.url}/notifications")
    settled(page, "/notifications")
    # The session ends without a word to this browser, as when its cookie is taken over by somebody else's.
    elsewhere, office = browser.new_context(), browser.new_context()
    other, admin = elsewhere.new_page(), office.new_page()
    sign_in_admin(admin, demo)
    sign_in_member(other, admin, demo, "robin")
    page.context.clear_cookies()
    page.context.add_cookies(elsewhere.cookies())  # type: ignore[arg-type]  # as they were read
    page.goto(f"{demo.url}/library")
    settled(page, "/library")
    assert "/notifications" not in held(page, "pages")
    page.context.set_offline(True)
    page.goto(f"{demo.url}/notifications")
    expect(page.get_by_role("heading", name="The portal cannot be reached")).to_be_visible()
    page.goto(f"{demo.url}/")
    expect(page.locator("body")).not_to_contain_text(demo.admin["username"])
    office.close()
    elsewhere.close()


def test_a_new_version_takes_over_and_holds_nothing_of_the_old(page: Page, demo: Demo) -> None:
    page.evaluate(
        """async () => {
          for (const name of ['medianest::shell:old', 'medianest::pages:old:somebody', 'another-app']) {
            await (await caches.open(name)).put('/library', new Response('old'));
          }
          // as when the worker of this build comes after another one
          await (await navigator.serviceWorker.ready).unregister();
        }"""
    )
    page.goto(f"{demo.url}/library")
    expect(page.locator("#grid a.poster").first).to_be_visible()
    controlled(page)
    eventually(lambda: not [one for one in page.evaluate(HELD) if ":old" in one], what="the old is gone")
    assert "another-app" in page.evaluate(HELD)
    page.context.set_offline(True)
    page.goto(f"{demo.url}/library")
    expect(page.locator("#away")).to_be_visible()
    expect(page.locator("#grid a.poster").first).to_be_visible()


def test_below_a_sub_path_the_app_stays_below_it(context: BrowserContext, tmp_path: Path) -> None:
    data = tmp_path / "portal"
    under = {"MEDIANEST_ROOT_PATH": "/nest"}
    with portal(data, link=True, settings=under):
        command = [*PYTHON, "users", "create-admin", "anna", "--data-dir", str(data)]
        subprocess.run(
            command, check=True, env=environment(MEDIANEST_ADMIN_PASSWORD="correct horse"), cwd=tmp_path
        )
    with portal(data, link=False, settings=under) as running:
        page = context.new_page()
        sign_in_local(page, running.url, "anna", "correct horse")
        controlled(page)
        settled(page, "/nest/", "/nest/library", "/nest/downloads")
        scope = page.evaluate("async () => (await navigator.serviceWorker.ready).scope")
        assert scope == f"{running.url}/"
        with urlopen(f"{running.url}/manifest.webmanifest", timeout=60) as reply:
            manifest = json.load(reply)
        assert manifest["start_url"] == manifest["scope"] == "/nest/"
        assert all(one["src"].startswith("/nest/static/") for one in manifest["icons"])
        page.goto(f"{running.url}/library")
    # The process is gone now, not only the network.
    page.goto(f"{running.url}/downloads")
    expect(page.locator("#away")).to_be_visible()
    expect(page.get_by_role("heading", name="Downloads").first).to_be_visible()


def test_plain_http_in_the_home_network_works_without_a_worker(
    playwright_driver: Playwright, demo: Demo
) -> None:
    launched = playwright_driver.chromium.launch(
        executable_path=chromium(),
        args=[*ARGUMENTS, "--host-resolver-rules=MAP portal.home.arpa 127.0.0.1"],
    )
    try:
        page = launched.new_page()
        problems: list[str] = []
        watch(page, problems)
        url = demo.url.replace("127.0.0.1", "portal.home.arpa")
        sign_in_local(page, url, demo.admin["username"], demo.admin["password"])
        expect(page.locator("[data-live-indicator]")).to_have_attribute("data-state", "live")
        assert not page.evaluate("() => window.isSecureContext")
        assert page.evaluate("() => navigator.serviceWorker === undefined")
        page.goto(f"{url}/library")
        expect(page.locator("#grid a.poster").first).to_be_visible()
        assert problems == []
    finally:
        launched.close()
