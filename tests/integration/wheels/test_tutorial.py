"""The tutorial for authors, word for word: its files are written, its commands run, and what it shows is what comes out.

Only its two ports are others, so that nothing else on this machine is in the way.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.wheels.conftest import ROOT

GUIDE = ROOT / "docs/plugin-authors/tutorial.md"
BLOCK = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
PORTS = ("8484", "9321")
MARK = "#-- said"


def script(text: str, folder: Path) -> tuple[str, list[str]]:
    """What the tutorial does as one shell script, and what it shows of the answers, in order."""
    steps, shown, before = ["set -eu"], [], 0
    for number, found in enumerate(BLOCK.finditer(text)):
        if found["language"] == "python":
            (path,) = re.findall(r"`([\w/]+\.py)`$", text[before : found.start()].strip())
            source = folder / f"block-{number}"
            source.write_text(found["text"], "utf-8")
            steps += [f"mkdir -p $(dirname {path})", f"cp {shlex.quote(str(source))} {path}"]
        elif found["language"] == "console":
            for line in found["text"].splitlines():
                if line.startswith("$ "):
                    steps += [f"echo {shlex.quote(f'{MARK} {line}')}", line[2:]]
                else:
                    shown.append(line)
        before = found.end()
    return "\n".join(steps) + "\n", shown


@pytest.fixture
def ports() -> Iterator[dict[str, str]]:
    """Free ones in the place of those that are written."""
    with socket.socket() as one, socket.socket() as two:
        for each in (one, two):
            each.bind(("127.0.0.1", 0))
        numbers = [str(each.getsockname()[1]) for each in (one, two)]
    yield dict(zip(PORTS, numbers, strict=True))


def test_it_can_be_read(tmp_path: Path) -> None:
    steps, shown = script(GUIDE.read_text("utf-8"), tmp_path)
    assert "pytest -q test_lamp.py" in steps and "data/plugins/lamp.py" in steps and len(shown) == 1
    plugin = next(text for text in map(Path.read_text, sorted(tmp_path.iterdir())) if "hookimpl" in text)
    lines = [line for line in plugin.splitlines() if line.strip()]
    assert len(lines) <= 32, "thirty lines is what it says"


@pytest.mark.full
@pytest.mark.timeout(600)
def test_it_works_as_it_is_written(
    wheels: Path, clean: dict[str, str], ports: dict[str, str], tmp_path: Path
) -> None:
    text = GUIDE.read_text("utf-8")
    for written, free in ports.items():
        assert written in text
        text = text.replace(written, free)
    (tmp_path / "blocks").mkdir()
    (tmp_path / "home").mkdir()
    steps, shown = script(text, tmp_path / "blocks")
    (tmp_path / "tutorial.sh").write_text(steps, "utf-8")
    mine = {
        "HOME": str(tmp_path / "home"),
        "MEDIANEST_PORT": ports["8484"],
        # Where packages come from is not the tutorial's concern: ours from here, all others as they are locked.
        "UV_FIND_LINKS": str(wheels),
        "UV_CONSTRAINT": str(ROOT / "requirements.lock"),
        **({"UV_CACHE_DIR": cache} if (cache := _cache(clean)) else {}),
    }
    process = subprocess.Popen(
        ["bash", str(tmp_path / "tutorial.sh")],
        cwd=tmp_path / "home",
        env={**clean, **mine},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=500)
    finally:
        # What the tutorial leaves running in the background ends with it.
        os.killpg(process.pid, signal.SIGTERM)
    log = tmp_path / "home/portal.log"
    assert process.returncode == 0, said[-4000:] + (log.read_text("utf-8")[-2000:] if log.exists() else "")
    for line in shown:
        assert line in said, line
    assert re.search(r"\d\d passed", said), said[-2000:]
    assert str(ROOT) not in (tmp_path / "home/portal.log").read_text("utf-8")


def _cache(clean: dict[str, str]) -> str:
    """uv's cache, which it would look for in the home folder."""
    from tests.integration.wheels.conftest import uv

    told = subprocess.run([uv(), "cache", "dir"], env=clean, capture_output=True, text=True, check=True)
    return told.stdout.strip()
