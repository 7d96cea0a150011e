"""A demo with something on every page, and the list of those pages: for screenshots and for what must hold on all of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from playwright.sync_api import Browser, Page, StorageState, expect

from tests.conftest import Demo
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
    "collections": ADMIN,
    "collection": ADMIN,
    "downloads": ADMIN,
    "preview": ADMIN,
    "download": ADMIN,
    "notifications": ADMIN,
    "account": ADMIN,
    "search": ADMIN,
    "admin": ADMIN,
    "users": ADMIN,
    "user": ADMIN,
    "services": ADMIN,
    "service": ADMIN,
    "service-new": ADMIN,
    "plugins": ADMIN,
    "plugin": ADMIN,
    "jobs": ADMIN,
    "job": ADMIN,
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
        context.set_default_timeout(15_000)
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
        "collections": f"{url}/collections",
        "collection": _first(admin, f"{url}/collections", "main a[href^='/collections/']"),
        "downloads": f"{url}/downloads",
        "preview": f"{url}/downloads?url={quote(playlist, safe='')}",
        "notifications": f"{url}/notifications",
        "account": f"{url}/account",
        "search": f"{url}/search?q=harbour",
        "admin": f"{url}/admin",
        "users": f"{url}/admin/users",
        "user": _first(admin, f"{url}/admin/users", "main a[href^='/admin/users/']"),
        "services": f"{url}/admin/services",
        "service": _first(admin, f"{url}/admin/services", "#services a[href^='/admin/services/']"),
        "service-new": f"{url}/admin/services/add/plex/plex",
        "plugins": f"{url}/admin/plugins",
        "plugin": f"{url}/admin/plugins/plex",
        "jobs": f"{url}/admin/jobs?tab=all",
        "not-found": f"{url}/title/999999999",
    }
    if before is not None:
        before(stage)
    stage.addresses["download"] = _download(admin, url, playlist)
    stage.addresses["job"] = _first(admin, f"{url}/admin/jobs?tab=done", "#jobs a[href^='/admin/jobs/']")
    admin.context.close()
    robin.context.close()
    with portal(folder / "empty", link=True) as newcomer:
        stage.addresses[WIZARD] = newcomer.link or ""
        yield stage


def _first(page: Page, address: str, selector: str) -> str:
    page.goto(address)
    found = page.locator(selector).first.get_attribute("href")
    assert found
    return re.sub(r"(https?://[^/]+).*", r"\1", address) + found


def _download(page: Page, url: str, playlist: str) -> str:
    """Submit a playlist into the library; returns its page once every item has come to an end."""
    page.goto(f"{url}/downloads?url={quote(playlist, safe='')}")
    page.locator("#preview form button[type=submit]").click()
    page.wait_for_url(re.compile(r"/downloads/[0-9a-f-]{36}"))
    expect(page.locator("#download .page-head")).to_contain_text(re.compile("Done"), timeout=90_000)
    return page.url
