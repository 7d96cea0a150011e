"""An author's small project, and `medianest dev` at work on it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.e2e.processes import environment

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


def write_hut(folder: Path) -> Path:
    """The project in `folder`; returns its package, which has a page at /p/hut/ that says what `words.py` says."""
    package = folder / "src" / "medianest_hut"
    (package / "templates" / "hut").mkdir(parents=True)
    (folder / "pyproject.toml").write_text(PROJECT)
    (package / "__init__.py").touch()
    (package / "plugin.py").write_text(PLUGIN)
    (package / "words.py").write_text('GREETING = "Good morning"\n')
    (package / "templates" / "hut" / "page.html").write_text("<p>{{ greeting }}</p>\n")
    return package


@contextmanager
def developing(project: Path, data_dir: Path) -> Iterator[dict[str, Any]]:
    """`medianest dev` on a free port: its "url", and "admin" with username and password."""
    command = [sys.executable, "-m", "medianest_core.cli", "dev", str(project), "--json", "--port", "0"]
    process = subprocess.Popen(
        [*command, "--data-dir", str(data_dir)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment(PYTHONUNBUFFERED="1"),
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, "it did not start"
        yield json.loads(line)
    finally:
        process.terminate()
        assert process.wait(60) == 0
