"""A portal under load that is killed again and again keeps what it has confirmed, and does each thing once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.crash.siege import Report, besiege

pytestmark = [pytest.mark.full, pytest.mark.timeout(900)]
AGAIN, PATIENCE = 15.0, 120.0
"""Seconds after the end of its lease within which a killed job runs again, where there is a process that could: what is promised,
which most of them must keep, and what the slowest may take on a machine that does other things too."""


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The films of the simulated site, made once for both."""
    return tmp_path_factory.mktemp("films")


def _held(report: Report, kills: int) -> None:
    print(report.text())
    assert report.violations == [], report.text()
    assert report.waiting == [], report.text()
    assert report.missed == {}, report.text()
    assert report.kills >= kills, report.text()
    assert report.waits and report.waits[-1] <= PATIENCE, report.text()
    assert report.waits[len(report.waits) * 3 // 4] <= AGAIN, report.text()
    assert all(of_kind.get("ok") for of_kind in report.commands.values()), report.text()


def test_one_process_on_sqlite(tmp_path: Path, films: Path) -> None:
    _held(besiege(tmp_path, scaled=False, randomly=3, servers=0, seed=1, films=films), kills=25)


def test_web_processes_and_a_worker_on_postgresql_and_redis(tmp_path: Path, films: Path) -> None:
    _held(besiege(tmp_path, scaled=True, randomly=5, servers=3, seed=2, films=films), kills=35)
