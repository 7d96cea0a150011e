"""Killed at any point on the way to the backend: the next process finds what there is, and there is one request."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from medianest_core.base.failpoints import VARIABLE

ROOT = Path(__file__).parents[3]
POINTS = ("requests.committed", "requests.marked", "requests.sent")


def process(folder: Path, killed_at: str = "") -> int:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MEDIANEST_")}
    if killed_at:
        environment[VARIABLE] = f"{killed_at}=kill"
    done = subprocess.run(
        [sys.executable, "-m", "tests.integration.requests.child", str(folder)],
        cwd=ROOT,
        env=environment,
        timeout=90,
        check=False,
    )
    return done.returncode


@pytest.mark.full
@pytest.mark.parametrize("point", POINTS)
def test_one_request_whenever_it_is_killed(tmp_path: Path, point: str) -> None:
    assert process(tmp_path, point) == -signal.SIGKILL
    made = tmp_path / "created"
    assert made.exists() is (point == "requests.sent"), "it was killed where it should be"
    assert process(tmp_path) == 0
    assert len(made.read_text().splitlines()) == 1
