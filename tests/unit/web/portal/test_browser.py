"""The pages in a real browser: no violation of the content policy, no overflow, axe content, and the script's behaviour."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
import pytest_asyncio
import socketio
from playwright.async_api import Browser, Page, expect
from starlette.types import Receive, Scope, Send

from tests.unit.web.portal import gallery
from tests.unit.web.portal.samples import samples

expect.set_options(timeout=60_000)
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="module")]
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
SIZES = ((390, "mn-dark"), pytest.param(1440, "mn-light", marks=pytest.mark.full))
LIVE = 'data-live="off"'
NEXT_PAGE = "**/fragments/library?cursor=abc*"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chrome() -> AsyncIterator[Browser]:
    async with gallery.browser() as started:
        yield started


@asynccontextmanager
async def watched(
    browser: Browser, width: int = 1440, **options: Any
) -> AsyncIterator[tuple[Page, list[str]]]:
    """A page and the list of what went wrong on it."""
    phone = width < 500
    context = await browser.new_context(
        viewport={"width": width, "height": 844},
        is_mobile=phone,
        has_touch=phone,
        reduced_motion="reduce",
        **options,
    )
    context.set_default_timeout(60_000)
    page = await context.new_page()
    problems: list[str] = []
    page.on(
        "console",
        lambda message: problems.append(message.text) if message.type in ("error", "warning") else None,
    )
    page.on("pageerror", lambda error: problems.append(str(error)))
    try:
        yield page, problems
    finally:
        await context.close()


async def check(page: Page, name: str, *, colours_only: bool = False) -> list[str]:
    """Overflow and serious accessibility findings of the page as it stands."""
    found = []
    wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if wide > 0:
        found.append(f"{name}: {wide} px too wide")
    await page.evaluate(AXE)
    rules = "runOnly: ['color-contrast']," if colours_only else ""
    result = await page.evaluate(f"axe.run(document, {{{rules} resultTypes: ['violations']}})")
    for violation in result["violations"]:
        if violation["impact"] in ("serious", "critical"):
            nodes = [node["html"][:160] for node in violation["nodes"][:3]]
            found.append(f"{name}: {violation['id']}: {nodes}")
    return found


@pytest.mark.full
@pytest.mark.parametrize(("width", "theme"), SIZES)
async def test_every_page_is_sound(chrome: Browser, width: int, theme: str) -> None:
    wrong: list[str] = []
    async with (
        gallery.serving() as address,
        gallery.browser() as browser,
        watched(browser, width) as (page, problems),
    ):
        for sample in samples():
            await page.goto(f"{address}/gallery/{sample.name}?theme={theme}", wait_until="load")
            # Wide windows are looked at in the whole portal's tests, page by page; here, once, the other theme's colours.
            wrong += await check(page, sample.name, colours_only=width > 500)
            wrong += [f"{sample.name}: {text}" for text in problems]
            problems.clear()
    assert wrong == []


@asynccontextmanager
async def opened(
    browser: Browser, name: str, width: int = 1440, query: str = "", application: Any = None, **options: Any
) -> AsyncIterator[tuple[Page, Any]]:
    application = application or gallery.app()
    async with (
        gallery.serving(application) as address,
        watched(browser, width, **options) as (page, problems),
    ):
        await page.goto(f"{address}/gallery/{name}{query}", wait_until="load")
        await page.wait_for_selector("html.js", state="attached")
        yield page, application
        assert [text for text in problems if "409" not in text] == []


async def test_palette_by_keyboard(chrome: Browser) -> None:
    async with opened(chrome, "collections") as (page, application):
        await page.keyboard.press("/")
        box = page.get_by_role("combobox")
        await expect(box).to_be_focused()
        options = page.locator("#palette").get_by_role("option")
        await expect(options).to_have_count(4)
        # What opening it brought is replaced by what is typed, a moment later.
        await options.evaluate_all("options => options.forEach(one => (one.dataset.before = ''))")
        await box.fill("light")
        await expect(page.locator("#palette [data-before]")).to_have_count(0)
        await expect(options).to_have_count(4)
        await expect(options.nth(0)).to_have_attribute("aria-selected", "true")
        await page.keyboard.press("ArrowDown")
        await expect(options.nth(1)).to_have_attribute("aria-selected", "true")
        second = await options.nth(1).get_attribute("id") or ""
        await expect(box).to_have_attribute("aria-activedescendant", second)
        await page.keyboard.press("Escape")
        await expect(page.locator("#palette")).not_to_be_visible()
        await page.keyboard.press("Control+k")
        await expect(box).to_be_focused()
        assert "search" in application.state.asked


async def test_theme_is_changed_at_once_and_kept(chrome: Browser) -> None:
    async with opened(chrome, "account", query="?theme=mn-dark") as (page, _):
        await page.locator("main label", has=page.get_by_role("radio", name="Light")).first.click()
        await expect(page.locator("html")).to_have_attribute("data-theme", "mn-light")
        cookies = {cookie.get("name"): cookie.get("value") for cookie in await page.context.cookies()}
        assert cookies["mn_theme"] == "mn-light"


async def test_endless_scroll_brings_the_next_page_once(chrome: Browser) -> None:
    async with opened(chrome, "library") as (page, application):
        await page.locator(".sentinel").scroll_into_view_if_needed()
        await expect(page.locator("#grid .poster[href]")).to_have_count(41)
        await expect(page.locator(".sentinel")).to_have_count(0)
        assert application.state.asked.count("library") == 1


async def test_an_endless_list_that_could_not_go_on_says_so_and_asks_again(chrome: Browser) -> None:
    async with opened(chrome, "library", width=390) as (page, _):
        await page.route(NEXT_PAGE, lambda route: route.fulfill(status=409))
        await page.locator(".sentinel").scroll_into_view_if_needed()
        again = page.locator(".sentinel").get_by_role("button", name="Try again")
        await expect(again).to_be_visible()
        await expect(page.get_by_text("The next ones could not be loaded.")).to_be_visible()
        await expect(page.locator(".sentinel .skeleton").first).not_to_be_visible()
        await page.unroute(NEXT_PAGE)
        await again.click()
        await expect(page.locator("#grid .poster[href]")).to_have_count(41)
        await expect(page.locator(".sentinel")).to_have_count(0)


@pytest.mark.full
async def test_typed_confirmation_and_a_refusal_that_says_why(chrome: Browser) -> None:
    async with opened(chrome, "admin-user") as (page, application):
        await page.get_by_role("button", name="Delete").click()
        dialog = page.locator("#confirm")
        go = dialog.get_by_role("button", name="Delete")
        await expect(go).to_be_disabled()
        await dialog.get_by_role("textbox").fill("robin")
        await expect(go).to_be_disabled()
        await page.keyboard.press("Escape")
        assert application.state.asked == []
    async with opened(chrome, "admin-users") as (page, application):
        await page.get_by_role("button", name="Let in").click()
        await expect(page.locator("#toasts")).to_contain_text("Robin was faster.")
        await expect(page.get_by_role("button", name="Let in")).to_be_visible()
        assert application.state.asked == ["/admin/users/9/approve"]


@pytest.mark.full
async def test_picking_items_counts_them(chrome: Browser) -> None:
    async with opened(chrome, "downloads-preview") as (page, _):
        count = page.locator("#preview legend ~ label span span")
        await expect(count).to_have_text("4")
        await page.get_by_label("Gulls").uncheck()
        await expect(count).to_have_text("3")
        everything = page.locator("#preview [x-ref=all]")
        await everything.check()
        await expect(count).to_have_text("4")
        await expect(page.get_by_label("The breakwater")).not_to_be_checked()


@pytest.mark.full
async def test_form_helpers(chrome: Browser) -> None:
    async with opened(chrome, "admin-service-add") as (page, _):
        address = page.get_by_role("textbox", name="Address")
        await page.get_by_role("button", name="Use this").click()
        await expect(address).to_have_value("http://10.0.0.5:32400")
        await expect(page.get_by_text("Not saved yet")).to_be_visible()
        fields = page.locator("fieldset", has=page.get_by_text("Libraries", exact=True)).get_by_role(
            "textbox"
        )
        await page.get_by_role("button", name="Add another").click()
        await expect(fields).to_have_count(3)
        await expect(fields.nth(2)).to_be_focused()
        await page.locator("[data-item] button").nth(0).click()
        await expect(fields).to_have_count(2)
        secret = page.locator("input[name=token]")
        await expect(secret).not_to_be_visible()
        await page.get_by_role("button", name="Replace").click()
        await expect(secret).to_be_focused()


async def test_readable_without_script(chrome: Browser) -> None:
    async with (
        gallery.serving() as address,
        watched(chrome, java_script_enabled=False) as (page, _),
    ):
        await page.goto(f"{address}/gallery/library")
        await expect(page.get_by_role("link", name="The Salt Meridian").first).to_be_visible()
        await expect(page.get_by_role("link", name="Show more")).to_have_attribute(
            "href", re.compile("cursor=")
        )
        await expect(page.get_by_role("button", name="Apply")).to_be_visible()
        await page.goto(f"{address}/gallery/admin-service")
        await expect(page.locator("input[name=token]")).to_be_visible()


class Sender:
    """A Socket.IO server as pages know it: it says hello, sends events, and replays on request."""

    def __init__(self) -> None:
        self.io = socketio.AsyncServer(async_mode="asgi", cors_allowed_origins="*")
        self.replays: list[int] = []
        self.newest = 7
        self.missed: list[tuple[str, dict[str, Any]]] = []
        self.sids: list[str] = []
        self.io.on("connect", self._connect)
        self.io.on("replay", self._replay)
        self.asked: list[str] = []
        for name in ("subscribe:status", "subscribe:downloads"):
            self.io.on(name, self._subscribe(name))
        self.cut: Callable[[], Awaitable[None]] | None = None
        self._inner = socketio.ASGIApp(self.io, gallery.app(live=True), socketio_path="/live/socket.io")

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The application; `cut` drops its newest websocket as a failing network does."""
        if scope["type"] == "websocket":

            async def cut() -> None:
                await send({"type": "websocket.close", "code": 1012})

            self.cut = cut
        await self._inner(scope, receive, send)

    async def _connect(self, sid: str, environ: dict[str, Any], auth: Any = None) -> None:
        self.sids.append(sid)
        await self.io.emit("hello", {"seq": self.newest, "data": {}}, to=sid)

    def _subscribe(self, name: str) -> Callable[[str], Awaitable[None]]:
        async def join(sid: str) -> None:
            self.asked.append(name)

        return join

    async def _replay(self, sid: str, data: dict[str, int]) -> None:
        self.asked.append("replay")
        self.replays.append(data["since"])
        for name, payload in self.missed:
            await self.io.emit(name, payload, to=sid)

    async def send(self, name: str, data: dict[str, Any], seq: int | None = None) -> None:
        await self.io.emit(name, {"seq": seq, "at": 0.0, "data": data})


async def until(condition: Any) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.02)


async def numbers(page: Page, expected: list[int]) -> None:
    """Wait for the events the page got; polled from here, because the content policy forbids eval in the page."""
    async with asyncio.timeout(60):
        while await page.evaluate("window.got ?? []") != expected:
            await asyncio.sleep(0.02)


async def test_progress_is_patched_in_place_and_changes_load_fragments(chrome: Browser) -> None:
    sender = Sender()
    async with opened(chrome, "downloads", application=sender.app) as (page, _):
        await until(lambda: sender.sids)
        row = page.locator("[data-progress='download/d1']")
        whole = {
            "download_id": "d1",
            "done_bytes": 900,
            "total_bytes": 1000,
            "speed": 2_500_000,
            "eta": 125,
            "message": "Gulls",
        }
        await sender.send("download:progress", whole)
        await expect(row.locator("progress")).to_have_js_property("value", 0.9)
        await expect(row.locator("[data-part=percent]")).to_have_text("90%")
        await expect(row.locator("[data-part=rate]")).to_have_text("2.5 MB/s")
        await expect(row.locator("[data-part=left]")).to_have_text("2 min left")
        await expect(row.locator("[data-part=text]")).to_have_text("Gulls")
        async with page.expect_request("**/fragments/downloads/d1"):
            await sender.send("download:changed", {"download_id": "d1", "status": "done"}, 8)


@pytest.mark.full
async def test_a_row_that_was_removed_elsewhere_is_no_longer_asked_for_but_its_list_is(
    chrome: Browser,
) -> None:
    sender, asked = Sender(), list[str]()
    async with opened(chrome, "downloads", application=sender.app) as (page, _):
        await until(lambda: sender.sids)
        await expect(page.locator("#download-d1")).to_be_visible()
        page.on("request", lambda request: asked.append(request.url))
        async with page.expect_request("**/downloads?**shown=**"):
            await sender.send("download:removed", {"download_id": "d1"}, 8)
        assert not [url for url in asked if "/fragments/downloads/d1" in url]


async def test_notifications_count_and_speak(chrome: Browser) -> None:
    sender = Sender()
    async with opened(chrome, "home-empty", application=sender.app) as (page, _):
        await until(lambda: sender.sids)
        await sender.send(
            "user:notification", {"notification_id": "1", "kind": "x", "title": "Harbour walks is ready"}, 8
        )
        await expect(page.locator("#toasts")).to_contain_text("Harbour walks is ready")
        await expect(page.locator("[data-unread]").first).to_have_text("1")


async def test_a_gap_is_replayed_once_from_the_last_event_seen(chrome: Browser) -> None:
    sender = Sender()
    async with opened(chrome, "home-empty", application=sender.app) as (page, _):
        await until(lambda: sender.sids)
        await page.evaluate(
            "document.addEventListener('mn:live', ({detail}) => (window.got ??= []).push(detail.data.n))"
        )
        await sender.send("system:alert", {"n": 1}, 8)
        await numbers(page, [1])
        sender.newest = 10
        sender.missed = [
            ("system:alert", {"seq": 9, "data": {"n": 2}}),
            ("system:alert", {"seq": 10, "data": {"n": 3}}),
        ]
        await until(lambda: sender.cut)
        assert sender.cut is not None
        await sender.cut()
        await numbers(page, [1, 2, 3])
        assert sender.replays == [8]
        await sender.send("system:alert", {"n": 99}, 10)
        await sender.send("system:alert", {"n": 4}, 11)
        await numbers(page, [1, 2, 3, 4])


@pytest.mark.full
async def test_what_comes_late_is_taken_once(chrome: Browser) -> None:
    """Two transactions that end together may be told in either order."""
    sender = Sender()
    async with opened(chrome, "home-empty", application=sender.app) as (page, _):
        await until(lambda: sender.sids)
        await page.evaluate(
            "document.addEventListener('mn:live', ({detail}) => (window.got ??= []).push(detail.data.n))"
        )
        for n, seq in ((1, 8), (2, 10), (3, 9), (99, 9), (99, 10), (4, 11)):
            await sender.send("system:alert", {"n": n}, seq)
        await numbers(page, [1, 2, 3, 4])


@pytest.mark.full
async def test_nothing_falls_between_the_replay_and_the_rooms(chrome: Browser) -> None:
    """The page is in its rooms before it asks for what it missed, and a newer event that comes first hides no older one."""
    sender = Sender()
    async with opened(chrome, "home-empty", application=sender.app) as (page, _):
        await until(lambda: sender.sids)
        await page.evaluate(
            "document.addEventListener('mn:live', ({detail}) => (window.got ??= []).push(detail.data.n))"
        )
        await sender.send("system:alert", {"n": 1}, 8)
        await numbers(page, [1])
        await until(lambda: "subscribe:downloads" in sender.asked)
        sender.asked.clear()
        sender.missed = [
            ("system:alert", {"seq": 11, "data": {"n": 4}}),
            ("system:alert", {"seq": 9, "data": {"n": 2}}),
            ("system:alert", {"seq": 10, "data": {"n": 3}}),
            ("system:alert", {"seq": 11, "data": {"n": 4}}),
        ]
        await until(lambda: sender.cut)
        assert sender.cut is not None
        await sender.cut()
        await numbers(page, [1, 4, 2, 3])
        assert sender.asked == ["subscribe:status", "subscribe:downloads", "replay"]


@pytest.mark.full
async def test_after_a_restored_backup_events_count_anew(chrome: Browser) -> None:
    """The server's numbers went back; what it says from then on is new all the same."""
    sender = Sender()
    async with opened(chrome, "home-empty", application=sender.app) as (page, _):
        await until(lambda: sender.sids)
        await page.evaluate(
            "document.addEventListener('mn:live', ({detail}) => (window.got ??= []).push(detail.data.n))"
        )
        await sender.send("system:alert", {"n": 1}, 8)
        await numbers(page, [1])
        await sender.io.emit("resync", {"seq": 3, "data": {"seq": 3}})
        await sender.send("system:alert", {"n": 2}, 4)
        await sender.send("system:alert", {"n": 3}, 8)
        await numbers(page, [1, 2, 3])


@pytest.mark.full
async def test_resync_loads_marked_fragments_again(chrome: Browser) -> None:
    sender = Sender()
    async with opened(chrome, "home", application=sender.app) as (page, _):
        await until(lambda: sender.sids)
        async with page.expect_request("**/fragments/banners"):
            await sender.io.emit("resync", {"seq": 40, "data": {"seq": 40}})


@pytest.mark.full
async def test_the_indicator_is_honest(chrome: Browser) -> None:
    sender = Sender()
    async with opened(chrome, "home-empty", application=sender.app) as (page, _):
        text = page.locator("[data-live-indicator] .live-text")
        await expect(text).to_have_text("Live")
        await page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide'))")
        await until(lambda: not list(sender.io.manager.get_participants("/", None)))
        await page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
        await until(lambda: len(sender.sids) == 2)
        await expect(text).to_have_text("Live")
