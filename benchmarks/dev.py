"""How long an author waits: from saving a file under `medianest dev` to the new page, answered in full.

A module of a plugin is edited again and again. What is told is the time until a client that keeps asking has the new text, and until it is told
that the pages are to be loaded again, which an open page asks by itself. `--json` prints one object on the last line.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from tests.fakes.hut import developing, write_hut


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
    rows = []
    with tempfile.TemporaryDirectory(prefix="medianest-bench-dev-") as name:
        home = Path(name)
        words = write_hut(home / "project") / "words.py"
        with (
            developing(home / "project", home / "kept") as ready,
            httpx.Client(base_url=ready["url"], headers={"Origin": ready["url"]}, timeout=60) as client,
        ):
            client.post("/api/v1/sign-in/local", json=ready["admin"]).raise_for_status()
            client.get("/p/hut/").raise_for_status()
            for number in range(rounds):
                # At different places between two looks at the files.
                time.sleep(1.0 + number * 0.037)
                rows.append(_edit(client, words, f"words of round {number}"))
    return rows


def _edit(client: httpx.Client, words: Path, greeting: str) -> dict[str, float]:
    run = client.get("/_dev/state").json()["run"]
    words.write_text(f'GREETING = "{greeting}"\n')
    began = time.perf_counter()
    told = _seconds_until(lambda: client.get("/_dev/state").json()["run"] != run)
    _seconds_until(lambda: greeting in client.get("/p/hut/").text)
    return {"told": told, "page": time.perf_counter() - began}


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
