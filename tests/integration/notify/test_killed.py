"""Killed at any point on the way out: nothing is lost, each attempt sends once, and what is not known is written down as such."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from medianest_core.base.failpoints import VARIABLE

ROOT = Path(__file__).parents[3]


def process(folder: Path, killed_at: str = "") -> int:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MEDIANEST_")}
    if killed_at:
        environment[VARIABLE] = f"{killed_at}=kill"
    done = subprocess.run(
        [sys.executable, "-m", "tests.integration.notify.child", str(folder)],
        cwd=ROOT,
        env=environment,
        timeout=100,
        check=False,
    )
    return done.returncode


@pytest.mark.full
@pytest.mark.parametrize(
    ("point", "sent", "ends"),
    [
        ("jobs.committed", 1, "sent"),
        ("notify.marked", 1, "unclear sent"),
        ("notify.sent", 2, "unclear sent"),
    ],
)
def test_a_notification_survives_the_portal(tmp_path: Path, point: str, sent: int, ends: str) -> None:
    assert process(tmp_path, point) == -signal.SIGKILL
    box = tmp_path / "box"
    assert box.exists() is (point == "notify.sent"), "it was killed where it should be"
    assert process(tmp_path) == 0
    lines = box.read_text().splitlines()
    assert len(lines) == sent and len({line.split()[0] for line in lines}) == 1, "the same message each time"
    assert (tmp_path / "ends").read_text() == ends
