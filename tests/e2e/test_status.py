"""An admin adds a check; members' open pages hear at once when its target goes down and comes back, unless it is for admins only."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import Demo
from tests.e2e.conftest import NewPage
from tests.e2e.steps import sign_in_admin, sign_in_member

pytestmark = pytest.mark.browser
PATIENCE = 60_000
"""Milliseconds: a check runs every ten seconds, on a machine that may be busy."""


class _Site:
    """Answers with whatever status it is told to."""

    def __init__(self) -> None:
        self.status = 200
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(site.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"


@contextmanager
def _site() -> Iterator[_Site]:
    site = _Site()
    thread = threading.Thread(target=site.server.serve_forever, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        site.server.shutdown()
        site.server.server_close()


def _ask(page: Page, demo: Demo, method: str, path: str, body: Any = None) -> Any:
    answer = page.request.fetch(
        f"{demo.url}/api/v1{path}", method=method, data=body, headers={"Origin": demo.url}
    )
    assert answer.ok, f"{method} {path} → {answer.status} {answer.text()[:300]}"
    return answer.json() if answer.body() else None


@pytest.mark.full
def test_an_outage_reaches_open_pages_and_passes(demo: Demo, new_page: NewPage) -> None:
    admin, member = new_page(), new_page()
    sign_in_admin(admin, demo)
    sign_in_member(member, admin, demo, "jordan")
    with _site() as site:
        settings = {"url": site.url, "interval": 10, "retries": 0, "group": "Post"}
        made = _ask(
            admin,
            demo,
            "POST",
            "/services",
            {"plugin": "checks", "service": "http", "title": "Letterbox", "settings": settings},
        )
        try:
            member.goto(f"{demo.url}/status")
            row = member.locator(".monitor", has_text="Letterbox")
            for _ in range(30):
                if row.count():
                    break
                member.wait_for_timeout(1000)
                member.reload()
            expect(row.get_by_text("Up", exact=True)).to_be_visible(timeout=PATIENCE)
            shown = _ask(admin, demo, "GET", "/status/monitors?text=letterbox")["items"][0]
            decision = {"role": "", "needed": True, "version": shown["version"]}
            _ask(admin, demo, "PATCH", f"/status/monitors/{shown['id']}", decision)

            site.status = 500
            expect(row.get_by_text("Down", exact=True)).to_be_visible(timeout=PATIENCE)
            expect(row).not_to_contain_text("500")
            expect(member.locator("#banners")).to_contain_text("Letterbox is down.", timeout=PATIENCE)
            admin.goto(f"{demo.url}/notifications")
            expect(admin.get_by_text("Letterbox does not answer").first).to_be_visible()

            site.status = 200
            expect(row.get_by_text("Up", exact=True)).to_be_visible(timeout=PATIENCE)
            expect(member.locator("#banners")).not_to_contain_text("Letterbox", timeout=PATIENCE)
            expect(admin.get_by_text("Letterbox answers again").first).to_be_visible(timeout=PATIENCE)

            decision = {"role": "admin", "needed": True, "version": shown["version"] + 1}
            _ask(admin, demo, "PATCH", f"/status/monitors/{shown['id']}", decision)
            expect(row).to_have_count(0, timeout=PATIENCE)
        finally:
            _ask(admin, demo, "DELETE", f"/services/{made['id']}?version={made['version']}")
