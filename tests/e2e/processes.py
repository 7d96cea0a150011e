"""The portal and single simulators as processes of their own, for tests that need them apart from the demo."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PYTHON = [sys.executable, "-m", "medianest_core.cli"]


def environment(**more: str) -> dict[str, str]:
    """This process's environment without settings of a portal, and with those given."""
    return {key: value for key, value in os.environ.items() if not key.startswith("MEDIANEST_")} | more


@dataclass
class Portal:
    """A running `medianest serve`. link: the one-time set-up link, while there is no admin."""

    process: subprocess.Popen[str]
    url: str
    link: str | None


@contextlib.contextmanager
def portal(
    data_dir: Path, *arguments: str, link: bool, settings: Mapping[str, str] | None = None
) -> Iterator[Portal]:
    """`medianest serve` on a free port of loopback, ended by SIGTERM; `link` says whether it must print the set-up link.

    settings: environment variables.
    """
    log = data_dir.parent / "serve.log"
    with log.open("a", encoding="utf-8") as errors:
        process = subprocess.Popen(
            [*PYTHON, "serve", "--port", "0", "--data-dir", str(data_dir), *arguments],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=environment(PYTHONUNBUFFERED="1", **(settings or {})),
            cwd=data_dir.parent,
        )
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert first.startswith("MediaNest is at "), log.read_text(encoding="utf-8")[-3000:]
        printed = process.stdout.readline() if link else ""
        yield Portal(process, first.split()[-1], printed.split()[-1] if printed else None)
    finally:
        process.terminate()
        assert process.wait(60) == 0, log.read_text(encoding="utf-8")[-3000:]


@dataclass
class Sim:
    """A running `medianest sim NAME`."""

    process: subprocess.Popen[str]
    url: str
    facts: dict[str, Any]


@contextlib.contextmanager
def simulator(name: str, data_dir: Path, *arguments: str) -> Iterator[Sim]:
    """One simulator on a free port of loopback."""
    process = subprocess.Popen(
        [*PYTHON, "sim", name, "--json", "--port", "0", "--data-dir", str(data_dir), *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, f"the {name} simulator did not start"
        told = json.loads(line)
        yield Sim(process, told["url"], told["facts"])
    finally:
        process.terminate()
        process.wait(60)
