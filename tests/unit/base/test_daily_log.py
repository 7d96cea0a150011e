"""Log files by day: each day its own, old ones go, several writers lose nothing."""

from __future__ import annotations

import json
import logging
import multiprocessing
from pathlib import Path

import pytest

from medianest_core.base.clock import FakeClock
from medianest_core.base.daily_log import DailyFile
from medianest_core.base.logging import SECURITY, configure, get_logger
from medianest_core.base.settings import AppSettings

DAY = 86_400.0
NOON = 1_763_726_400.0  # 2025-11-21 12:00 UTC


def _record(text: str) -> logging.LogRecord:
    return logging.LogRecord("test", logging.INFO, __file__, 1, text, None, None)


def test_each_day_has_its_file_and_old_ones_go(tmp_path: Path) -> None:
    clock = FakeClock(NOON)
    (tmp_path / "other-2020-01-01.log").touch()
    handler = DailyFile(tmp_path, "portal", keep_days=2, clock=clock)
    for day in range(5):
        handler.emit(_record(f"day {day}"))
        clock.advance(DAY)
    handler.close()
    kept = sorted(path.name for path in tmp_path.iterdir())
    assert kept == [
        "other-2020-01-01.log",
        "portal-2025-11-23.log",
        "portal-2025-11-24.log",
        "portal-2025-11-25.log",
    ]
    assert (tmp_path / "portal-2025-11-25.log").read_text() == "day 4\n"


def test_a_folder_that_takes_no_log_is_named_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    handler = DailyFile(tmp_path / "logs", "portal", keep_days=2, clock=FakeClock(NOON))
    for _ in range(3):
        handler.emit(_record("not kept"))
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert str(tmp_path / "logs") in said
    (tmp_path / "logs").mkdir()
    handler.emit(_record("kept"))
    handler.close()
    assert (tmp_path / "logs" / "portal-2025-11-21.log").read_text() == "kept\n"


def _write(folder: Path, mark: str) -> None:
    handler = DailyFile(folder, "portal", keep_days=2, clock=FakeClock(NOON))
    for number in range(500):
        handler.emit(_record(f"{mark}{number}"))
    handler.close()


def test_processes_lose_no_line_of_each_other(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write, args=(tmp_path, mark)) for mark in "ab"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    lines = (tmp_path / "portal-2025-11-21.log").read_text().splitlines()
    assert sorted(lines) == sorted(f"{mark}{number}" for mark in "ab" for number in range(500))


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    configure(AppSettings(data_dir=tmp_path))
    return tmp_path / "logs"


def test_sign_ins_and_admins_changes_are_kept_apart(logs: Path) -> None:
    get_logger("medianest_core.elsewhere").info("a page was read")
    get_logger(SECURITY).info("wrong password", ip="192.0.2.1")
    apart = next(logs.glob("security-*.log")).read_text().splitlines()
    everything = next(logs.glob("medianest-*.log")).read_text().splitlines()
    assert [json.loads(line)["event"] for line in apart] == ["wrong password"]
    assert [json.loads(line)["event"] for line in everything] == ["a page was read", "wrong password"]
