"""`medianest dev` in the hands of an author: a plugin that is not installed, edited, broken and mended while it is served."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.conftest import eventually
from tests.e2e.processes import environment

pytestmark = pytest.mark.full
WITHIN = 90.0

PROJECT = """
[project]
name = "medianest-hut"
version = "0.3"
dependencies = ["medianest"]

[project.entry-points."medianest.plugins.v1"]
hut = "medianest_hut.plugin"
"""
PLUGIN = """
from medianest_core.sdk import Html, Manifest, Page, hookimpl
from medianest_hut.words import GREETING

manifest = Manifest("hut", title="Hut", api="1.0")

async def page(request):
    return Html("hut/page.html", {"greeting": GREETING.strip()})

@hookimpl
def register_contributions():
    return [Page("", page, title="Hut")]
"""


@pytest.fixture
def hut(tmp_path: Path) -> Path:
    package = tmp_path / "hut" / "src" / "medianest_hut"
    (package / "templates" / "hut").mkdir(parents=True)
    (tmp_path / "hut" / "pyproject.toml").write_text(PROJECT)
    (package / "__init__.py").touch()
    (package / "plugin.py").write_text(PLUGIN)
    (package / "words.py").write_text('GREETING = "Good morning"\n')
    (package / "templates" / "hut" / "page.html").write_text("<p>{{ greeting }}</p>\n")
    return package


@pytest.fixture
def browser(tmp_path: Path, hut: Path) -> Iterator[httpx.Client]:
    command = [
        sys.executable,
        "-m",
        "medianest_core.cli",
        "dev",
        str(tmp_path / "hut"),
        "--json",
        "--port",
        "0",
    ]
    process = subprocess.Popen(
        [*command, "--data-dir", str(tmp_path / "kept")],
        stdout=subprocess.PIPE,
        text=True,
        env=environment(PYTHONUNBUFFERED="1"),
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, "it did not start"
        ready = json.loads(line)
        with httpx.Client(base_url=ready["url"], headers={"Origin": ready["url"]}, timeout=60) as client:
            client.post("/api/v1/sign-in/local", json=ready["admin"]).raise_for_status()
            yield client
    finally:
        process.terminate()
        assert process.wait(30) == 0


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
