"""`medianest dev` in the hands of an author: a plugin that is not installed, edited, broken and mended while it is served."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.conftest import eventually
from tests.fakes.hut import PROJECT, developing, write_hut

pytestmark = pytest.mark.full
WITHIN = 90.0


@pytest.fixture
def hut(tmp_path: Path) -> Path:
    return write_hut(tmp_path / "hut")


@pytest.fixture
def browser(tmp_path: Path, hut: Path) -> Iterator[httpx.Client]:
    with (
        developing(tmp_path / "hut", tmp_path / "kept") as ready,
        httpx.Client(base_url=ready["url"], headers={"Origin": ready["url"]}, timeout=60) as client,
    ):
        client.post("/api/v1/sign-in/local", json=ready["admin"]).raise_for_status()
        yield client


def test_what_is_saved_is_what_is_served(browser: httpx.Client, hut: Path) -> None:
    shown = browser.get("/p/hut/").text
    assert "Good morning" in shown and "/_dev/reload.js" in shown and 'class="dev-errors"' not in shown
    run = browser.get("/_dev/state").json()["run"]

    def page() -> str:
        """The page as it is served; empty while the process changes."""
        try:
            return browser.get("/p/hut/").text
        except httpx.TransportError:
            return ""

    (hut / "words.py").write_text('GREETING = "Good evening"\n')
    eventually(lambda: "Good evening" in page(), within=WITHIN)
    assert browser.get("/_dev/state").json()["run"] != run

    (hut / "words.py").write_text('GREETING = "Good night"\nnot python at all\n')
    eventually(lambda: "SyntaxError" in page(), within=WITHIN)
    assert re.search(r"words\.py&quot;, line 2", page())
    assert "SyntaxError" in browser.get("/").text

    (hut / "words.py").write_text("GREETING = None\n")
    eventually(lambda: "AttributeError" in page(), within=WITHIN)
    assert re.search(r"plugin\.py&quot;, line 8, in page", page())
    assert page().count("line 8, in page") == 1
    # What a running plugin did wrong stays in sight on other pages, until a file is saved.
    eventually(lambda: "AttributeError" in browser.get("/").text, within=WITHIN)
    assert "AttributeError" not in browser.get("/", headers={"Host": "portal.example"}).text

    (hut.parents[1] / "pyproject.toml").write_text("[project")
    eventually(lambda: "pyproject.toml cannot be read" in page(), within=WITHIN)

    (hut.parents[1] / "pyproject.toml").write_text(PROJECT)
    (hut / "words.py").write_text('GREETING = "Good morning"\n')
    (hut / "templates" / "hut" / "page.html").write_text("<p>{{ greeting }}, neighbour</p>\n")
    eventually(lambda: "Good morning, neighbour" in page(), within=WITHIN)
    assert 'class="dev-errors"' not in page()
