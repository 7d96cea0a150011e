from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from medianest_core.base.failpoints import VARIABLE, failpoint

SCRIPT = "from medianest_core.base.failpoints import failpoint; failpoint('a.b'); print('alive')"


def test_nothing_happens_unless_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    failpoint("a.b")
    monkeypatch.setenv(VARIABLE, "other=kill")
    failpoint("a.b")


def run(value: str) -> subprocess.CompletedProcess[bytes]:
    root = Path(__file__).parents[3]
    return subprocess.run(
        [sys.executable, "-c", SCRIPT], env={VARIABLE: value}, cwd=root, capture_output=True, check=False
    )


def test_the_process_ends_as_if_killed(tmp_path: Path) -> None:
    assert run("x=kill,a.b=kill").returncode == -signal.SIGKILL
    once = f"a.b=kill:{tmp_path / 'once'}"
    assert run(once).returncode == -signal.SIGKILL
    assert run(once).stdout == b"alive\n"


def test_it_may_happen_only_the_third_time() -> None:
    script = SCRIPT.replace("failpoint('a.b'); ", "[print(failpoint('a.b'), flush=True) for _ in range(4)]; ")
    root = Path(__file__).parents[3]
    ended = subprocess.run(
        [sys.executable, "-c", script],
        env={VARIABLE: "a.b=kill@3"},
        cwd=root,
        capture_output=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (-signal.SIGKILL, b"None\nNone\n")
