"""What `make dist` makes, and an environment with nothing but that: no checkout, no Node."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
NODE = {"node", "nodejs", "npm", "npx", "deno", "corepack"}


def uv() -> str:
    """uv as the Makefile finds it."""
    found = shutil.which("uv") or str(ROOT / ".tools/bin/uv")
    assert Path(found).is_file(), "uv is missing; run `make setup`"
    return found


@pytest.fixture(scope="session")
def wheels() -> Path:
    """The folder `dist/`, made anew: once in a run, by the worker that comes first, while the others wait for it."""
    folder = ROOT / "dist"
    folder.mkdir(exist_ok=True)
    made = folder / f".made-{os.environ.get('PYTEST_XDIST_TESTRUNUID', os.getpid())}"
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            for one in folder.glob(".made-*"):
                one.unlink()
            subprocess.run(["make", "-s", "dist", f"UV={uv()}"], cwd=ROOT, check=True, timeout=240)
            made.touch()
    return folder


@pytest.fixture(scope="session")
def bare_path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PATH with what the system has, but nothing that could run JavaScript or build the assets."""
    folder = tmp_path_factory.mktemp("bin")
    for place in ("/usr/bin", "/bin", "/usr/local/bin"):
        for program in Path(place).iterdir() if Path(place).is_dir() else ():
            link = folder / program.name
            if program.name not in NODE and not link.is_symlink():
                link.symlink_to(program)
    if not (folder / "uv").is_symlink():
        (folder / "uv").symlink_to(uv())
    assert shutil.which("node", path=str(folder)) is None
    return str(folder)


@pytest.fixture(scope="session")
def clean(bare_path: str) -> dict[str, str]:
    """This process's environment without settings of a portal, without our checkout, without Node."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("MEDIANEST_", "PYTHON", "VIRTUAL_ENV", "UV_PROJECT"))
    }
    return {**kept, "PATH": bare_path}


@pytest.fixture(scope="session")
def installed(wheels: Path, clean: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment made by the script that the container image runs; returns its folder."""
    home = tmp_path_factory.mktemp("install")
    done = subprocess.run(
        [str(wheels / "install.sh"), str(wheels), str(home / "venv")],
        cwd=home,
        env=clean,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return home / "venv"
