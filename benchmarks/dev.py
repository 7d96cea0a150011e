"""How long an author waits: from saving a file under `medianest dev` to the new page, answered in full.

A plugin of one module is edited again and again. What is told is the time until a client that keeps asking has the new text, and until it is told
that the pages are to be loaded again, which an open page asks by itself. `--json` prints one object on the last line.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx

PROJECT = """
[project]
name = "medianest-bench"
version = "0.1"
dependencies = ["medianest"]

[project.entry-points."medianest.plugins.v1"]
bench = "medianest_bench.plugin"
"""
PLUGIN = """
from medianest_core.sdk import Html, Manifest, Page, hookimpl

manifest = Manifest("bench", title="Bench", api="1.0")

async def page(request):
    return Html("bench/page.html", {"words": "WORDS"})

@hookimpl
def register_contributions():
    return [Page("", page, title="Bench")]
"""


def _write(folder: Path) -> Path:
    package = folder / "medianest_bench"
    (package / "templates" / "bench").mkdir(parents=True)
    (folder / "pyproject.toml").write_text(PROJECT)
    (package / "__init__.py").touch()
    (package / "templates" / "bench" / "page.html").write_text("<p>{{ words }}</p>\n")
    (package / "plugin.py").write_text(PLUGIN)
    return package / "plugin.py"


def _seconds_until(holds: Callable[[], bool]) -> float:
    began = time.perf_counter()
    while True:
        try:
            if holds():
                return time.perf_counter() - began
        except httpx.TransportError:
            # One process ends and the next one begins.
            pass
        time.sleep(0.005)


def measure(rounds: int) -> list[dict[str, float]]:
    """One row for each edit, seconds: page until the new text was answered, told until an open page would load again."""
    with tempfile.TemporaryDirectory(prefix="medianest-bench-dev-") as name:
        home = Path(name)
        file = _write(home / "project")
        command = [sys.executable, "-m", "medianest_core.cli", "dev", str(home / "project"), "--json"]
        kept = {key: value for key, value in os.environ.items() if not key.startswith("MEDIANEST_")}
        process = subprocess.Popen(
            [*command, "--port", "0", "--data-dir", str(home / "kept")],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=kept,
        )
        try:
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            headers = {"Origin": ready["url"]}
            with httpx.Client(base_url=ready["url"], headers=headers, timeout=60) as client:
                client.post("/api/v1/sign-in/local", json=ready["admin"]).raise_for_status()
                client.get("/p/bench/").raise_for_status()
                rows = []
                for number in range(rounds):
                    run = client.get("/_dev/state").json()["run"]
                    words = f"words of round {number}"
                    # At different places between two looks at the files.
                    time.sleep(1.0 + number * 0.037)
                    file.write_text(PLUGIN.replace("WORDS", words))
                    began = time.perf_counter()
                    told = _seconds_until(lambda run=run: client.get("/_dev/state").json()["run"] != run)  # type: ignore[misc]
                    _seconds_until(lambda words=words: words in client.get("/p/bench/").text)  # type: ignore[misc]
                    rows.append({"told": told, "page": time.perf_counter() - began})
                return rows
        finally:
            process.terminate()
            process.wait(30)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    rows = measure(given.rounds)
    found = {
        name: {
            "median": round(statistics.median(row[name] for row in rows), 3),
            "best": round(min(row[name] for row in rows), 3),
            "worst": round(max(row[name] for row in rows), 3),
        }
        for name in ("told", "page")
    }
    for name, values in found.items():
        print(f"seconds from saving to {'the news of it' if name == 'told' else 'the new page'}: {values}")
    if given.json:
        print(json.dumps({"seconds": found, "load": os.getloadavg()[0]}))


if __name__ == "__main__":
    main()
