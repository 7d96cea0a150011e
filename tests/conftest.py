"""Fixtures that start the real thing: the demo as a process of its own, and a real browser."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

ROOT = Path(__file__).parents[1]
START = 120.0
"""Seconds the demo may take to be ready; it makes videos with ffmpeg first."""


@dataclass
class Demo:
    """A running `medianest demo`: what its ready line said."""

    process: subprocess.Popen[str]
    url: str
    admin: dict[str, str]
    plex_username: str
    simulators: dict[str, str]
    data_dir: Path
    log: Path
    command: list[str] = field(default_factory=list)

    def sim(self, name: str, path: str, method: str = "GET", body: object = None) -> Any:
        """Ask a simulator's control API."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(
            f"{self.simulators[name]}{path}",
            data=data,
            method=method,
            headers={"Content-Type": "application/json"},
        )
        with urlopen(request, timeout=10) as reply:
            text = reply.read()
        return json.loads(text) if text else None

    def ledger(self, name: str, kind: str | None = None) -> list[dict[str, Any]]:
        """Side effects of a simulated service."""
        entries: list[dict[str, Any]] = self.sim(name, "/_sim/ledger" + (f"?kind={kind}" if kind else ""))
        return entries


def eventually(condition: Callable[[], Any], *, within: float = 20.0, what: str = "") -> Any:
    """The condition's first true value; fails when there is none in time."""
    deadline = time.monotonic() + within
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"did not happen within {within} s: {what or condition}"
        time.sleep(0.1)


def start_demo(folder: Path, *arguments: str, env: dict[str, str] | None = None) -> Demo:
    """Start `medianest demo --json` on a free port and wait for its ready line."""
    log = folder / f"demo-{time.monotonic_ns()}.log"
    command = [
        sys.executable,
        "-m",
        "medianest_core.cli",
        "demo",
        "--json",
        "--port",
        "0",
        "--no-browser",
        *arguments,
    ]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MEDIANEST_")} | (
        env or {}
    )
    with log.open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment, cwd=folder
        )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, f"the demo did not start:\n{log.read_text(encoding='utf-8')[-4000:]}"
    told = json.loads(line)
    return Demo(
        process,
        told["url"],
        told["admin"],
        told["user"]["plex_username"],
        told["simulators"],
        Path(told["data_dir"]),
        log,
        command,
    )


def stop_demo(demo: Demo) -> int:
    """End it as a person would; returns the exit code."""
    with contextlib.suppress(ProcessLookupError):
        demo.process.send_signal(signal.SIGTERM)
    try:
        return demo.process.wait(20)
    except subprocess.TimeoutExpired:
        demo.process.kill()
        demo.process.wait()
        raise


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """One demo for all tests of this worker that do not break it."""
    running = start_demo(tmp_path_factory.mktemp("demo"))
    yield running
    stop_demo(running)


@pytest.fixture
def own_demo(tmp_path: Path) -> Iterator[Demo]:
    """A demo of the test's own."""
    running = start_demo(tmp_path)
    yield running
    if running.process.poll() is None:
        stop_demo(running)
