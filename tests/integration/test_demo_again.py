"""A demo kept in a folder is the same demo when it is started again: services, library and admin."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import FEW, eventually
from tests.e2e.processes import environment

pytestmark = pytest.mark.full


def _start(folder: Path) -> tuple[subprocess.Popen[str], dict[str, Any]]:
    command = [sys.executable, "-m", "medianest_core.cli", "demo", "--json", "--port", "0", "--no-browser"]
    few = [part for name in FEW for part in ("--only", name)]
    process = subprocess.Popen(
        [*command, *few, "--still", "--data-dir", str(folder), "--items", "20"],
        stdout=subprocess.PIPE,
        text=True,
        env=environment(PYTHONUNBUFFERED="1"),
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, "the demo did not start"
    return process, json.loads(line)


def _services(ready: dict[str, Any]) -> dict[str, str]:
    """State of each configured instance by its name, once all have been asked."""
    found: dict[str, str] = {}
    with httpx.Client(base_url=ready["url"], headers={"Origin": ready["url"]}, timeout=60) as client:
        client.post("/api/v1/sign-in/local", json=ready["admin"]).raise_for_status()

        def all_asked() -> bool:
            nonlocal found
            answer = client.get("/api/v1/services").raise_for_status().json()
            found = {one["name"]: one["state"] for one in answer}
            return not {"new", "setting_up"} & set(found.values())

        eventually(all_asked, within=90)
    return found


def test_second_start_finds_its_simulators_again(tmp_path: Path) -> None:
    seen = []
    for _ in range(2):
        process, ready = _start(tmp_path)
        try:
            seen.append((ready["simulators"], ready["admin"], _services(ready)))
        finally:
            process.terminate()
            assert process.wait(60) == 0
    assert seen[0][:2] == seen[1][:2]
    assert set(seen[1][2].values()) == {"ready"}, seen[1][2]


def test_a_simulator_that_is_not_installed_is_named(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "medianest_core.cli",
        "demo",
        "--only",
        "nothing",
        "--data-dir",
        str(tmp_path),
    ]
    run = subprocess.run(command, capture_output=True, text=True, env=environment(), timeout=60)
    assert run.returncode == 2
    assert "There is no simulator nothing. Installed: " in run.stderr
