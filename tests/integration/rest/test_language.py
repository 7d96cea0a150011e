"""Pages and the messages they leave behind are in the reader's language."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from medianest_core.asgi import Portal
from medianest_core.base.settings import AppSettings


@pytest.mark.parametrize(
    ("asked", "heading", "saved"), [("de", "Konto", "Gespeichert."), ("en-GB", "Account", "Saved.")]
)
async def test_a_message_left_for_the_next_page_is_in_the_readers_language(
    tmp_path: Path, asked: str, heading: str, saved: str
) -> None:
    portal = Portal(AppSettings(data_dir=tmp_path, safe_mode=True, _env_file=None))
    await portal._start()
    try:
        await portal.runtime.services.accounts.setup.add_admin("ada", "a long enough password")
        headers = {"Accept-Language": asked, "Accept": "text/html", "Origin": "http://portal.test"}
        transport = httpx.ASGITransport(app=portal)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://portal.test", headers=headers, follow_redirects=True
        ) as browser:
            form = {"username": "ada", "password": "a long enough password", "next": "/account"}
            assert (await browser.post("/sign-in/local", data=form)).status_code == 200
            page = await browser.post("/account/preferences", data={"display_name": "Ada L.", "version": "1"})
            assert heading in page.text
            assert saved in page.text
            assert saved not in (await browser.get("/account")).text, "it is said once"
            await _times_follow_the_browser(browser)
    finally:
        await portal.runtime.stop()


async def _times_follow_the_browser(browser: httpx.AsyncClient) -> None:
    """Without a choice of the person's, a page is written in the zone the browser tells; nonsense means UTC."""
    user_id = (await browser.get("/api/v1/me", headers={"Accept": "application/json"})).json()["id"]
    pages = {}
    for zone in ("UTC", "Pacific/Kiritimati", "../../etc/passwd"):
        browser.cookies.set("mn_zone", zone)
        page = (await browser.get(f"/admin/users/{user_id}")).text
        # How long ago something was goes on meanwhile.
        pages[zone] = re.sub(r"( data-age>)[^<]*", r"\1", page)
    assert pages["UTC"] != pages["Pacific/Kiritimati"]
    assert pages["UTC"] == pages["../../etc/passwd"]
