"""`medianest plugins list`, in a process of its own, with a plugin that kills its interpreter."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .conftest import BROKEN


def run(tmp_path: Path, *arguments: str) -> str:
    for name in ("os_exits", "asserts", "wrong_major"):
        BROKEN[name].install(tmp_path / "site")
    environment = {
        **os.environ,
        "MEDIANEST_DATA_DIR": str(tmp_path / "data"),
        "PYTHONPATH": str(tmp_path / "site"),
    }
    done = subprocess.run(
        [sys.executable, "-c", "from medianest_core.cli.plugins import app; app()", "list", *arguments],
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_json(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = json.loads(run(tmp_path, "--json"))
    by_name = {row["name"]: row for row in rows}
    assert {"name", "distribution", "version", "api", "state", "reason", "providers", "instances"} <= set(
        rows[0]
    )
    for name in ("overseerr", "uptimekuma", "arr", "tmdb"):
        row = by_name[name]
        assert (row["distribution"], row["api"], row["state"]) == (
            f"medianest-{name}",
            "1.0",
            "needs_settings",
        )
        assert "StatusProvider" in row["providers"] and row["instances"] == []
        assert "has been set up yet" in row["reason"]
    assert by_name["os_exits"]["state"] == by_name["asserts"]["state"] == "import_failed"
    assert "exit code 0" in by_name["os_exits"]["reason"]
    assert by_name["wrong_major"]["state"] == "incompatible"
    assert not (tmp_path / "data" / "medianest.db").exists()


@pytest.mark.full
def test_table(tmp_path: Path) -> None:
    lines = run(tmp_path).splitlines()
    assert lines[0].split()[:5] == ["NAME", "DISTRIBUTION", "VERSION", "API", "STATE"]
    assert any(line.startswith("asserts") and "import_failed" in line for line in lines)
    assert any("this plugin expects another world" in line for line in lines)
