"""`kill -9` while an owner is asked: nothing that was answered is asked again, and in the end everything is there."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path

import orjson
import pytest

from tests.integration.library.enriching import FILMS

pytestmark = pytest.mark.full


def run(folder: Path, deadly: int) -> int:
    command = [sys.executable, "-m", "tests.integration.library.enriching", str(folder), str(deadly)]
    return subprocess.run(command, timeout=120, check=False).returncode


def asked(folder: Path) -> list[str]:
    return (folder / "asked").read_text().split()


def test_a_killed_job_goes_on_where_it_was(tmp_path: Path) -> None:
    assert run(tmp_path, 3) == -signal.SIGKILL
    assert len(asked(tmp_path)) == 150
    [database] = tmp_path.glob("*.db")
    with sqlite3.connect(database) as connection:
        # Its lease would run out by itself, a minute later.
        connection.execute("UPDATE jobs SET lease_until = 0 WHERE state = 'leased'")
    assert run(tmp_path, 0) == 0
    counted = Counter(asked(tmp_path))
    assert counted.keys() == {str(n) for n in range(FILMS)}
    twice = [one for one, count in counted.items() if count > 1]
    assert len(twice) == 50, "only what was asked at the very moment of death"
    with sqlite3.connect(database) as connection:
        docs = [orjson.loads(row[0])["values"] for row in connection.execute("SELECT doc FROM title_docs")]
    assert {(one["ids"]["tmdb"], one["tagline"]) for one in docs} == {
        (str(n), f"Tag {n}") for n in range(FILMS)
    }
