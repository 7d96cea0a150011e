"""People come in, are let in, look around and are sent away, in a real browser on the demo."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Request, Route, expect
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from tests.conftest import Demo, eventually
from tests.e2e.conftest import NewPage
from tests.e2e.steps import (
    ask_for_code,
    forget,
    open_password_form,
    scroll_until,
    set_status,
    sign_in_admin,
    sign_in_member,
    sign_in_plex,
)

pytestmark = pytest.mark.browser


def test_from_the_code_to_the_library_and_out_again(demo: Demo, new_page: NewPage) -> None:
    """The way of a household's member: code, waiting, approval, looking around, a series, signing out."""
    casey, admin = new_page(), new_page()
    sign_in_admin(admin, demo)
    forget(admin, demo, "casey")
    code = ask_for_code(casey, demo.url)
    assert re.fullmatch(r"[A-Z0-9]{4}", code)
    _approve_on_the_link_page(casey, code, "casey")
    casey.wait_for_url(f"{demo.url}/pending", timeout=60_000)
    expect(casey.get_by_role("heading", name="Almost there")).to_be_visible()
    assert casey.request.get(f"{demo.url}/library", max_redirects=0).status in (303, 403)

    set_status(admin, demo, "casey", "Approve")
    casey.wait_for_url(f"{demo.url}/", timeout=60_000)

    _browse(casey, demo)
    _search(casey, demo)
    _series(casey, demo)

    casey.get_by_role("button", name=re.compile("^Account of")).click()
    casey.get_by_role("button", name="Sign out").first.click()
    casey.wait_for_url(f"{demo.url}/sign-in")
    casey.goto(f"{demo.url}/library")
    assert urlsplit(casey.url).path == "/sign-in"


@pytest.mark.full
def test_signing_out_leads_to_the_sign_in_page_however_late_the_answer(demo: Demo, new_page: NewPage) -> None:
    """The live channel says that the session ended before the answer is there; another page of the session loads again."""
    page = new_page()
    sign_in_admin(page, demo)
    other = page.context.new_page()
    other.goto(f"{demo.url}/library")
    expect(other.locator("[data-live-indicator]")).to_have_attribute("data-state", "live")
    expect(page.locator("[data-live-indicator]")).to_have_attribute("data-state", "live")

    def late(route: Route) -> None:
        answer = route.fetch(max_redirects=0)
        other.wait_for_url(re.compile("/sign-in"))
        page.wait_for_timeout(1000)
        route.fulfill(response=answer)

    page.route("**/sign-out", late)
    page.get_by_role("button", name=re.compile("^Account of")).click()
    page.get_by_role("button", name="Sign out").first.click()
    page.wait_for_url(f"{demo.url}/sign-in")
    assert urlsplit(other.url).query == "next=/library"


def _approve_on_the_link_page(page: Page, code: str, user: str) -> None:
    """What a person does on another device: type the code at the address that the portal shows."""
    link = page.locator("#code a[target=_blank]")
    with page.context.expect_page() as opened:
        link.click()
    other = opened.value
    other.get_by_label("Enter the code shown on your device").fill(code)
    other.locator(f"button[name=user][value={user}]").click()
    expect(other.get_by_role("status")).to_contain_text("Linked")
    other.close()


def _browse(page: Page, demo: Demo) -> None:
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Library").click()
    page.wait_for_url(f"{demo.url}/library")
    posters = page.locator("#grid a.poster")
    expect(posters).to_have_count(60)
    scroll_until(page, 180)
    titles = posters.evaluate_all("all => all.map(one => one.getAttribute('href'))")
    assert len(set(titles)) == len(titles), "a title came twice while scrolling"

    page.goto(f"{demo.url}/library")
    total = page.locator("#results [role=status]")
    before = total.text_content()
    page.locator("#filter-fold > summary").click()
    genre = page.locator("fieldset", has_text="Genre").locator("label").first
    name = genre.locator("span").first.text_content()
    assert name
    genre.click()
    expect(total).not_to_have_text(before or "")
    expect(page.get_by_role("link", name=f"Without {name}")).to_be_visible()
    assert f"genre={name}" in page.url.replace("+", " ").replace("%20", " ")


def _search(page: Page, demo: Demo) -> None:
    page.keyboard.press("Escape")
    page.locator("#main").focus()
    page.keyboard.press("/")
    palette = page.get_by_role("dialog", name="Search")
    expect(palette).to_be_visible()
    page.keyboard.type("harbour")
    hit = palette.get_by_role("option", name=re.compile("Harbour Watch"))
    expect(hit.first).to_be_visible()
    page.keyboard.press("Escape")
    expect(palette).to_be_hidden()
    page.keyboard.press("/")
    page.keyboard.type("harbour watch")
    expect(palette.get_by_role("option").first).to_contain_text("Harbour Watch")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/title/\d+"))


def _series(page: Page, demo: Demo) -> None:
    """The title page that the search led to has seasons; another one is opened in place."""
    expect(page.get_by_role("heading", level=1)).to_have_text("Harbour Watch")
    seasons = page.get_by_role("navigation", name="Seasons").get_by_role("link")
    assert seasons.count() > 1
    first = page.locator("#episodes article").first.text_content()
    seasons.nth(1).click()
    expect(page.locator("#seasons [aria-current=true]")).to_have_text(re.compile("2"))
    expect(page.locator("#episodes article").first).not_to_have_text(first or "")
    play = page.get_by_role("link", name=re.compile("^Play on")).first
    assert re.match(r"/title/\d+/play/", play.get_attribute("href") or "")


def test_sign_in_by_popup(demo: Demo, new_page: NewPage) -> None:
    """The window of the service closes or comes back, and the page that opened it goes on by itself."""
    page, admin = new_page(), new_page()
    sign_in_admin(admin, demo)
    page.goto(f"{demo.url}/sign-in")
    page.get_by_role("button", name="Sign in with Plex in a window").click()
    page.wait_for_url(f"{demo.url}/sign-in/code")
    asked: list[str] = []
    page.context.on("request", lambda request: asked.append(request.url))
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Open Plex").click()
    opened.value.locator("button[name=user][value=robin]").click()
    page.wait_for_url(lambda url: urlsplit(url).path in ("/", "/pending"), timeout=60_000)
    if page.url.endswith("/pending"):
        set_status(admin, demo, "robin", "Approve")
        page.wait_for_url(f"{demo.url}/", timeout=60_000)
    portal = [url for url in asked if url.startswith(demo.url)]
    assert not any("code=" in url or "clientID" in url for url in portal), "the code reached the portal's log"


def test_a_stranger_is_refused_in_plain_words(demo: Demo, new_page: NewPage) -> None:
    page = new_page()
    code = ask_for_code(page, demo.url)
    demo.sim("plex", "/_sim/approve", "POST", {"code": code, "user": "stranger"})
    refused = page.get_by_role("alert")
    expect(refused).to_contain_text("You may not sign in here", timeout=60_000)
    expect(refused).to_contain_text("has no access to this server")
    page.goto(f"{demo.url}/library")
    assert urlsplit(page.url).path == "/sign-in"


@pytest.mark.full
def test_a_suspended_person_is_cut_off_at_once(demo: Demo, new_page: NewPage) -> None:
    """Within five seconds their sockets close, their page leaves and nothing answers them any more."""
    page, admin = new_page(), new_page()
    sign_in_admin(admin, demo)
    sign_in_member(page, admin, demo, "jordan")
    # One of its own: when a page is left, the browser does not always tell that its socket has ended.
    with listening(page, demo) as socket:
        set_status_from_page(admin, demo, "jordan", "Suspend")
        page.wait_for_url(lambda url: urlsplit(url).path == "/sign-in", timeout=60_000)
        assert was_ended(socket)
    assert page.request.get(f"{demo.url}/library", max_redirects=0).status == 303
    sign_in_again = ask_for_code(page, demo.url)
    demo.sim("plex", "/_sim/approve", "POST", {"code": sign_in_again, "user": "jordan"})
    expect(page.get_by_role("alert")).to_contain_text("You may not sign in here", timeout=60_000)
    set_status(admin, demo, "jordan", "Let in again")


def listening(page: Page, demo: Demo) -> ClientConnection:
    """A live connection of whoever is signed in on the page, as the page itself has one."""
    cookie = "; ".join(f"{one['name']}={one['value']}" for one in page.context.cookies(demo.url))
    address = f"{demo.url.replace('http', 'ws', 1)}/live/socket.io/?EIO=4&transport=websocket"
    socket = connect(address, origin=Origin(demo.url), additional_headers={"Cookie": cookie})
    assert str(socket.recv(60)).startswith("0"), "opened"
    socket.send("40")
    while not str(socket.recv(60)).startswith('42["hello"'):
        pass
    return socket


def was_ended(socket: ClientConnection) -> bool:
    """Whether the portal ends the connection, and not only says nothing more on it."""
    deadline = time.monotonic() + 60
    with suppress(ConnectionClosed):
        while time.monotonic() < deadline:
            message = socket.recv(60)
            if message == "41":
                return True
            if message == "2":
                socket.send("3")
        return False
    return True


def set_status_from_page(admin: Page, demo: Demo, name: str, button: str) -> None:
    """Suspend asks first, on the person's own page."""
    admin.goto(f"{demo.url}/admin/users")
    admin.get_by_role("link", name=name, exact=True).click()
    admin.get_by_role("button", name=button, exact=True).click()
    admin.get_by_role("dialog").get_by_role("button", name=button, exact=True).click()
    admin.wait_for_url(f"{demo.url}/admin/users")


def test_sign_in_by_keyboard_alone(demo: Demo, new_page: NewPage) -> None:
    """Tab, Enter and typing suffice, and what has the focus can be seen."""
    page = new_page()
    page.goto(f"{demo.url}/sign-in")

    def reach(selector: str) -> None:
        for _ in range(25):
            page.keyboard.press("Tab")
            focused = page.evaluate(
                "() => { const s = getComputedStyle(document.activeElement);"
                " return s.outlineStyle !== 'none' || s.boxShadow !== 'none' }"
            )
            assert focused, "the focus is invisible"
            if page.evaluate("wanted => document.activeElement.matches(wanted)", selector):
                return
        raise AssertionError(f"{selector} is not reached by Tab")

    reach("details > summary")
    page.keyboard.press("Enter")
    reach("input[name=username]")
    page.keyboard.type(demo.admin["username"])
    reach("input[name=password]")
    page.keyboard.type("not the password")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("wrong")
    expect(page.locator("input[name=password]")).to_be_focused()
    page.keyboard.type(demo.admin["password"])
    page.keyboard.press("Enter")
    page.wait_for_url(f"{demo.url}/")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_contain_text("Skip")
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()


@pytest.mark.full
def test_the_way_back_keeps_the_place_in_the_grid(demo: Demo, new_page: NewPage) -> None:
    page = new_page()
    sign_in_admin(page, demo)
    page.goto(f"{demo.url}/library")
    posters = page.locator("#grid a.poster")
    scroll_until(page, 180)
    poster = posters.nth(130)
    poster.scroll_into_view_if_needed()
    place = page.evaluate("scrollY")
    assert place > 1000
    poster.click()
    page.wait_for_url(re.compile(r"/title/\d+"))
    page.evaluate("history.back()")
    page.wait_for_url(f"{demo.url}/library", wait_until="commit")
    eventually(lambda: abs(page.evaluate("scrollY") - place) < 5, within=60, what="the old scroll position")
    expect(posters.nth(130)).to_be_in_viewport()
    expect(page.locator("[data-live-indicator]")).to_have_attribute("data-state", "live")


@pytest.mark.full
def test_nothing_is_fetched_from_elsewhere(demo: Demo, new_page: NewPage) -> None:
    """Every request of a signed-in person's pages goes to the portal: no font, script or poster from outside."""
    page, admin = new_page(), new_page()
    outside: list[str] = []

    def look(request: Request) -> None:
        if not request.url.startswith((demo.url, "data:", "blob:", demo.url.replace("http", "ws"))):
            outside.append(request.url)

    page.on("request", look)
    sign_in_admin(admin, demo)
    sign_in_plex(page, demo, "robin")
    if page.url.endswith("/pending"):
        set_status(admin, demo, "robin", "Approve")
        page.wait_for_url(f"{demo.url}/", timeout=60_000)
    for path in ("/", "/library", "/collections", "/account"):
        page.goto(demo.url + path)
        page.wait_for_load_state("networkidle")
    assert outside == []
    assert page.evaluate("localStorage.length") == 0


def test_a_wrong_name_sounds_like_a_wrong_password(demo: Demo, new_page: NewPage) -> None:
    """Nobody learns by guessing which names exist."""
    page = new_page()
    said = []
    for name in (demo.admin["username"], "nobody-here"):
        page.goto(f"{demo.url}/sign-in")
        open_password_form(page)
        page.get_by_label("User name").fill(name)
        page.get_by_label("Password", exact=True).fill("not the password")
        page.get_by_role("button", name="Sign in", exact=True).click()
        alert = page.get_by_role("alert")
        expect(alert).to_be_visible()
        said.append(alert.text_content())
    assert said[0] == said[1]
