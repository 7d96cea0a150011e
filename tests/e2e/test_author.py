"""An author at work: the open page follows what is saved, by itself."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.conftest import PATIENCE, watch
from tests.e2e.steps import sign_in_local
from tests.fakes.hut import developing, write_hut

pytestmark = pytest.mark.full
BETWEEN = ("net::ERR_", "WebSocket connection to", "/socket.io/")
"""What the console says while one process of the portal ends and the next begins."""


def test_the_open_page_shows_what_is_saved(browser: Browser, tmp_path: Path) -> None:
    package, problems = write_hut(tmp_path / "hut"), list[str]()
    with developing(tmp_path / "hut", tmp_path / "kept") as ready:
        context = browser.new_context()
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        watch(page, problems)
        sign_in_local(page, ready["url"], ready["admin"]["username"], ready["admin"]["password"])
        page.goto(f"{ready['url']}/p/hut/")
        # The page is touched no more from here on.
        mistakes = page.get_by_role("alert", name="medianest dev")
        expect(page.get_by_text("Good morning", exact=True)).to_be_visible()
        expect(mistakes).to_have_count(0)

        (package / "words.py").write_text('GREETING = "Good evening"\n')
        expect(page.get_by_text("Good evening", exact=True)).to_be_visible()

        (package / "words.py").write_text('GREETING = "Good night"\nnot python at all\n')
        expect(mistakes).to_contain_text("SyntaxError")
        expect(mistakes).to_contain_text(re.compile(r'words\.py", line 2'))

        (package / "words.py").write_text("GREETING = None\n")
        expect(mistakes).to_contain_text(re.compile(r'plugin\.py", line 8, in page[^`]*AttributeError'))

        (package / "words.py").write_text('GREETING = "Good morning"\n')
        expect(page.get_by_text("Good morning", exact=True)).to_be_visible()
        expect(mistakes).to_have_count(0)
        context.close()
    # What a page that fails answers with is told above.
    assert [one for one in problems if not any(said in one for said in (*BETWEEN, "502", "500"))] == []
