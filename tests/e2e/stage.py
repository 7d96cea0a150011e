"""A demo with something on every page, and the list of those pages: for screenshots and for what must hold on all of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from playwright.sync_api import Browser, Page, StorageState, expect

from tests.conftest import Demo, eventually
from tests.e2e.conftest import PATIENCE
from tests.e2e.processes import portal
from tests.e2e.steps import ask_for_code, sign_in_admin, sign_in_plex

WIDTHS = {390: 844, 768: 1024, 1440: 900}
"""Width → height of the window, pixels."""
THEMES = ("dark", "light")
WIZARD = "set-up"

ANYONE, WAITING, ADMIN, NEWCOMER = "anyone", "waiting", "admin", "newcomer"
"""Who looks: nobody signed in, a person who waits for approval, the admin, whoever holds the one-time link."""

PAGES: dict[str, str] = {
    "sign-in": ANYONE,
    "code": ANYONE,
    "pending": WAITING,
    WIZARD: NEWCOMER,
    "home": ADMIN,
    "library": ADMIN,
    "film": ADMIN,
    "series": ADMIN,
    "discover": ADMIN,
    "discover-search": ADMIN,
    "discover-film": ADMIN,
    "discover-series": ADMIN,
    "collections": ADMIN,
    "collection": ADMIN,
    "downloads": ADMIN,
    "preview": ADMIN,
    "download": ADMIN,
    "calendar": ADMIN,
    "requests": ADMIN,
    "request": ADMIN,
    "request-report": ADMIN,
    "title-report": ADMIN,
    "watchlist": ADMIN,
    "request-rules": ADMIN,
    "request-profile": ADMIN,
    "status": ADMIN,
    "monitor": ADMIN,
    "announcement": ADMIN,
    "notifications": ADMIN,
    "account": ADMIN,
    "told": ADMIN,
    "search": ADMIN,
    "admin": ADMIN,
    "users": ADMIN,
    "user": ADMIN,
    "users-import": ADMIN,
    "services": ADMIN,
    "service": ADMIN,
    "service-new": ADMIN,
    "plugins": ADMIN,
    "plugin": ADMIN,
    "sync": ADMIN,
    "sync-run": ADMIN,
    "sync-part": ADMIN,
    "sync-priorities": ADMIN,
    "sync-matching": ADMIN,
    "sync-report": ADMIN,
    "why": ADMIN,
    "jobs": ADMIN,
    "job": ADMIN,
    "arrange": ADMIN,
    "links": ADMIN,
    "links-manage": ADMIN,
    "backups": ADMIN,
    "webhooks": ADMIN,
    "webhook-out": ADMIN,
    "caches": ADMIN,
    "checkup": ADMIN,
    "offline": ADMIN,
    "not-found": ADMIN,
}
"""Name of each page → who looks at it."""


@dataclass
class Stage:
    """addresses: of each page of PAGES. signed_in: the cookies of each kind of person."""

    addresses: dict[str, str] = field(default_factory=dict)
    signed_in: dict[str, StorageState] = field(default_factory=dict)

    def open(
        self, browser: Browser, name: str, width: int, theme: str, look: Callable[[Page], Any] | None = None
    ) -> Page:
        """The page in a context of its own; close it by `page.context.close()`. look: is shown the page before it loads."""
        address = self.addresses[name]
        context = browser.new_context(
            viewport={"width": width, "height": WIDTHS[width]},
            storage_state=self.signed_in.get(PAGES[name]),
            reduced_motion="reduce",
            has_touch=width < 700,
        )
        context.set_default_timeout(PATIENCE)
        context.add_cookies([{"name": "mn_theme", "value": f"mn-{theme}", "url": address}])
        page = context.new_page()
        if look is not None:
            look(page)
        if name == "code":
            ask_for_code(page, address.removesuffix("/sign-in/code"))
        else:
            page.goto(address)
        page.evaluate("() => document.fonts.ready.then(() => true)")
        page.wait_for_function(
            "() => [...document.images].every(one => one.complete || one.loading === 'lazy')"
        )
        return page


@contextmanager
def staged(
    demo: Demo, browser: Browser, folder: Path, before: Callable[[Stage], None] | None = None
) -> Iterator[Stage]:
    """Fill the demo as a household would, and start an empty portal in `folder` for the wizard.

    before: is called when all is there but the downloaded videos, with whose pictures a grid looks less typical.
    """
    stage = Stage()
    admin, robin = browser.new_page(), browser.new_page()
    for one in (admin, robin):
        one.context.set_default_timeout(PATIENCE)
    sign_in_admin(admin, demo)
    sign_in_plex(robin, demo, "robin")
    stage.signed_in = {ADMIN: admin.context.storage_state(), WAITING: robin.context.storage_state()}
    url, playlist = demo.url, str(demo.sim("youtube", "/_sim/facts")["mixed_playlist_url"])
    stage.addresses = {
        "sign-in": f"{url}/sign-in",
        "code": f"{url}/sign-in/code",
        "pending": f"{url}/pending",
        "home": f"{url}/",
        "library": f"{url}/library",
        "film": _first(admin, f"{url}/library?q=Nine+Quiet+Winters", "#grid a.poster"),
        "series": _first(admin, f"{url}/library?q=Harbour+Watch", "#grid a.poster"),
        "discover": f"{url}/discover",
        "discover-search": f"{url}/discover?q=harbour",
        "discover-film": _first(admin, f"{url}/discover?q=Glasswing", "#grid a[href^='/discover/movie:']"),
        "discover-series": _first(
            admin, f"{url}/discover?q=Bakers+of+the+Realm", "#grid a[href^='/discover/show:']"
        ),
        "collections": f"{url}/collections",
        "collection": _first(admin, f"{url}/collections", "main a[href^='/collections/']"),
        "downloads": f"{url}/downloads",
        "preview": f"{url}/downloads?url={quote(playlist, safe='')}",
        "calendar": f"{url}/calendar",
        "requests": f"{url}/requests",
        "watchlist": f"{url}/requests/watchlist",
        "request-rules": f"{url}/admin/requests",
        "status": f"{url}/status",
        "announcement": f"{url}/status/announcements/new",
        "notifications": f"{url}/notifications",
        "account": f"{url}/account",
        "told": f"{url}/account/notifications",
        "search": f"{url}/search?q=harbour",
        "admin": f"{url}/admin",
        "users": f"{url}/admin/users",
        "user": _first(admin, f"{url}/admin/users", "main a[href^='/admin/users/']:not([href$='/import'])"),
        "users-import": f"{url}/admin/users/import",
        "services": f"{url}/admin/services",
        "service": _first(admin, f"{url}/admin/services", "#services a[href^='/admin/services/']"),
        "service-new": f"{url}/admin/services/add/plex/plex",
        "plugins": f"{url}/admin/plugins",
        "plugin": f"{url}/admin/plugins/plex",
        "sync": f"{url}/admin/sync",
        "sync-run": _first(admin, f"{url}/admin/sync", "main a[href^='/admin/sync/runs/']"),
        "sync-part": f"{url}/admin/sync/part",
        "sync-priorities": f"{url}/admin/sync/priorities",
        "sync-matching": f"{url}/admin/sync/matching",
        "sync-report": f"{url}/admin/sync/report",
        "jobs": f"{url}/admin/jobs?tab=all",
        "arrange": f"{url}/home/arrange",
        "links": f"{url}/p/links",
        "links-manage": f"{url}/p/links/manage",
        "backups": f"{url}/admin/backups",
        "webhooks": f"{url}/admin/webhooks",
        "caches": f"{url}/admin/caches",
        "checkup": f"{url}/admin/checkup",
        "offline": f"{url}/offline",
        "not-found": f"{url}/title/999999999",
    }
    stage.addresses["why"] = f"{stage.addresses['film']}/why"
    stage.addresses["title-report"] = f"{stage.addresses['film']}/report"
    stage.addresses["monitor"] = _first(admin, f"{url}/status", "#monitors a[href^='/status/']")
    stage.addresses["request"], stage.addresses["request-report"] = _requests(admin, url)
    stage.addresses["request-profile"] = f"{url}/admin/requests/profiles/{_profile(admin, url)}"
    _links(admin, url)
    _backup(admin, url)
    stage.addresses["webhook-out"] = f"{url}/admin/webhooks/out/{_subscription(admin, url)}"
    admin.request.post(f"{url}/api/v1/system/checkup", headers={"Origin": url}, fail_on_status_code=True)
    if before is not None:
        before(stage)
    stage.addresses["download"] = _download(admin, url, playlist)
    stage.addresses["job"] = _first(admin, f"{url}/admin/jobs?tab=done", "#jobs a[href^='/admin/jobs/']")
    admin.context.close()
    robin.context.close()
    with portal(folder / "empty", link=True) as newcomer:
        stage.addresses[WIZARD] = newcomer.link or ""
        yield stage


def _links(page: Page, url: str) -> None:
    """Some tiles, in two groups."""
    for title, address, group in (
        ("Router", "http://router.home.example/", "Network"),
        ("Printer", "http://printer.home.example/", "Network"),
        ("Photos", "https://photos.home.example/", ""),
    ):
        wanted = {"title": title, "url": address, "group": group}
        answer = page.request.post(
            f"{url}/api/v1/plugins/links/links",
            data=wanted,
            headers={"Origin": url},
            fail_on_status_code=True,
        )
        assert answer.ok


def _requests(page: Page, url: str) -> tuple[str, str]:
    """Some requests, one of them declined, and a report; returns the pages of one with a message, and of the report."""
    api, own = f"{url}/api/v1", {"Origin": url}

    def found(text: str) -> Any:
        answer = page.request.get(f"{api}/discover/search", params={"text": text}, fail_on_status_code=True)
        return answer.json()["entries"]

    def send(path: str, **body: Any) -> Any:
        return page.request.post(f"{api}/{path}", data=body, headers=own, fail_on_status_code=True).json()

    def title(entry: Any) -> dict[str, Any]:
        return {name: entry[name] for name in ("kind", "ids", "title", "year")}

    # A catalog that takes its time is left out of an answer, and is there in a later one.
    wanted = [eventually(partial(found, text), what=text)[0] for text in ("Glasswing", "Bakers of the Realm")]
    film, show = (send("requests", **title(one), image=one["image"])["request"] for one in wanted)
    send(f"requests/{show['id']}/comments", text="For the long evenings, please.")
    send(f"requests/{film['id']}/decline", reason="It comes to the library next week anyway.")
    here = next(one for one in found("harbour") if one["available"])
    report = send("issues", **title(here), problem="subtitles", message="They are a second late.")
    return f"{url}/requests/{show['id']}", f"{url}/requests/issues/{report['id']}"


def _profile(page: Page, url: str) -> str:
    """Two ways for films, by a service that lets choose how; the id of the first."""
    api = f"{url}/api/v1"
    asked = page.request.get(f"{api}/requests/options", params={"kind": "movie"}, fail_on_status_code=True)
    instance, options = next((key, found) for key, found in asked.json().items() if found)
    made = []
    for name, choice in (("Films in the living room", 0), ("Small files", -1)):
        chosen = {one["name"]: one["choices"][choice]["value"] for one in options[:2]}
        wanted = {"name": name, "kinds": ["movie"], "instance_id": instance, "options": chosen}
        answer = page.request.post(
            f"{api}/request-rules/profiles",
            data=wanted,
            headers={"Origin": url},
            fail_on_status_code=True,
        )
        made.append(str(answer.json()["id"]))
    return made[0]


def _subscription(admin: Page, url: str) -> str:
    """Somebody who is told of requests, with a test that nobody takes; its id."""
    base, headers = f"{url}/api/v1/webhooks/subscriptions", {"Origin": url}
    wanted = {"name": "Home automation", "url": "http://127.0.0.1:9/hook", "events": ["request:update"]}
    made = admin.request.post(base, data=wanted, headers=headers, fail_on_status_code=True).json()
    found = str(made["subscription"]["id"])
    admin.request.post(f"{base}/{found}/test", headers=headers, fail_on_status_code=True)
    return found


def _backup(page: Page, url: str) -> None:
    """One backup, made and tested."""
    page.request.post(f"{url}/api/v1/backups", data={}, headers={"Origin": url}, fail_on_status_code=True)
    page.goto(f"{url}/admin/backups")
    expect(page.locator("main a[href*='/admin/backups/']").first).to_be_visible(timeout=60_000)


def _first(page: Page, address: str, selector: str) -> str:
    """Where the first link leads. The page is loaded until it has one: what a slow catalog knows may come with a later look."""
    found = page.locator(selector).first

    def there() -> bool:
        page.goto(address)
        return found.count() > 0

    eventually(there, what=f"{selector} at {address}")
    href = found.get_attribute("href")
    assert href
    return re.sub(r"(https?://[^/]+).*", r"\1", address) + href


def _download(page: Page, url: str, playlist: str) -> str:
    """Submit a playlist into the library; returns its page once every item has come to an end."""
    page.goto(f"{url}/downloads?url={quote(playlist, safe='')}")
    page.locator("#preview form button[type=submit]").click()
    page.wait_for_url(re.compile(r"/downloads/[0-9a-f-]{36}"))
    expect(page.locator("#download .page-head")).to_contain_text(re.compile("Done"), timeout=90_000)
    return page.url
