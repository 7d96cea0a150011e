"""Syncs that are killed at named places leave no half title and lose no lock, and the next one leads to what the servers have."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.databases import POSTGRESQL, database_url
from tests.integration.crash.sync_strikes import POINTS

pytestmark = [pytest.mark.full, pytest.mark.timeout(400)]
ROOT = Path(__file__).parents[3]
STRIKES = {"sqlite": 30, POSTGRESQL: 10}


def test_killed_syncs_leave_nothing_half_done(tmp_path: Path, backend: str) -> None:
    wanted = STRIKES[backend]
    run = subprocess.run(
        [
            *(sys.executable, "-m", "tests.integration.crash.sync_strikes"),
            *("--strikes", str(wanted), "--database", database_url(tmp_path)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=380,
        check=False,
    )
    assert run.stdout, run.stderr[-3000:]
    report = json.loads(run.stdout.splitlines()[-1])
    assert not report["violations"], report
    assert report["total"] == wanted, report
    assert set(report["kills"]) == set(POINTS), "a sync was killed at each place"
