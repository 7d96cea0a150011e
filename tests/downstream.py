"""`make downstream`: each plugin and example as whoever installs it has it: its own wheel beside that of the core in an
environment with nothing else, no checkout in reach, and its own tests run there. So it is also proved that wheels hold what they need,
that each distribution names all it requires, and that pytest finds the fixture `medianest` and the contracts in a wheel.

    python -m tests.downstream [NAME …] [--wheels DIR]

NAME is a folder of plugins/ or examples/; all of them by default. --wheels: a folder with the core's wheel, else it is built. What
its tests need beyond pytest a distribution names in the dependency group `test`; versions are those of requirements.lock.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
TOOLS = ("pytest", "pytest-asyncio", "pytest-timeout")
CONFIGURATION = """\
[pytest]
addopts = --import-mode=importlib --strict-markers -p no:cacheprovider
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
timeout = 300
markers =
    full: slow
"""


PATIENCE = """\
try:
    from hypothesis import HealthCheck, settings
except ImportError:
    pass
else:
    settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("busy")
"""
"""How long an example takes to make says something of the machine, not of the distribution."""


@dataclass(frozen=True)
class Tried:
    """How it went. output: of what failed, empty where nothing did. seconds: what it took."""

    name: str
    told: str
    output: str
    seconds: float


def distributions() -> Mapping[str, Path]:
    """Name of the folder → folder, of every plugin and example of this repository."""
    return {
        one.parent.name: one.parent
        for place in ("plugins", "examples")
        for one in sorted((ROOT / place).glob("*/pyproject.toml"))
    }


def uv() -> str:
    """uv as the Makefile finds it. Raises FileNotFoundError."""
    found = shutil.which("uv") or str(ROOT / ".tools/bin/uv")
    if not Path(found).is_file():
        raise FileNotFoundError("uv is missing; run `make setup`")
    return found


def build(folder: Path, target: Path) -> Path:
    """The wheel of a distribution. Raises CalledProcessError."""
    command = [uv(), "build", "-q", "--wheel", "--no-build-isolation", "--python", sys.executable]
    before = set(target.glob("*.whl"))
    _run([*command, "--out-dir", str(target), str(folder)], ROOT)
    (made,) = set(target.glob("*.whl")) - before
    return made


def attempt(folder: Path, core: Path, scratch: Path) -> Tried:
    """Install a distribution beside the core and run its tests. scratch: an empty folder outside the checkout."""
    began = time.monotonic()
    try:
        told, output = _attempt(folder, core, scratch), ""
    except subprocess.CalledProcessError as error:
        told, output = f"{Path(error.cmd[0]).name} failed", f"{error.stdout}\n{error.stderr}"
    return Tried(folder.name, told, output, time.monotonic() - began)


def _attempt(folder: Path, core: Path, scratch: Path) -> str:
    (scratch / "wheels").mkdir(parents=True)
    wheel, python = build(folder, scratch / "wheels"), scratch / "venv/bin/python"
    _run(
        [uv(), "venv", "-q", "--no-python-downloads", "--python", sys.executable, str(scratch / "venv")],
        scratch,
    )
    needs = (
        tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))
        .get("dependency-groups", {})
        .get("test", ())
    )
    install = [
        uv(),
        "pip",
        "install",
        "-q",
        "--python",
        str(python),
        "--constraint",
        str(ROOT / "requirements.lock"),
    ]
    _run([*install, str(core), str(wheel), *TOOLS, *needs], scratch)
    shutil.copytree(folder / "tests", scratch / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    (scratch / "pytest.ini").write_text(CONFIGURATION, "utf-8")
    (scratch / "conftest.py").write_text(PATIENCE, "utf-8")
    where = _run(
        [str(python), "-c", "import medianest_core; print(medianest_core.__file__)"], scratch
    ).strip()
    if not Path(where).is_relative_to(scratch):
        raise subprocess.CalledProcessError(1, [str(python)], where, "the core does not come from its wheel")
    return _run([str(python), "-m", "pytest", "-q", "tests"], scratch).strip().splitlines()[-1]


def _run(command: Sequence[str], cwd: Path) -> str:
    """What it says. Without what this process's environment says of the checkout; some tests look for uv on the path."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("MEDIANEST_", "PYTHON", "VIRTUAL_ENV", "UV_PROJECT", "PYTEST_"))
    }
    kept["PATH"] = os.pathsep.join((str(Path(uv()).parent), kept["PATH"]))
    done = subprocess.run(
        command, cwd=cwd, env=kept, check=True, capture_output=True, text=True, timeout=1200
    )
    return done.stdout


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: how many failed."""
    known = distributions()
    parser = argparse.ArgumentParser(
        prog="python -m tests.downstream", description="Test what is installed from wheels."
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", choices=[*known, []], help="of plugins/ or examples/"
    )
    parser.add_argument("--wheels", type=Path, help="a folder with the core's wheel")
    given = parser.parse_args(arguments)
    failed = 0
    with tempfile.TemporaryDirectory(prefix="downstream-") as folder:
        scratch = Path(folder)
        if given.wheels is not None:
            (core,) = given.wheels.glob("medianest-*.whl")
        else:
            (scratch / "core").mkdir()
            core = build(ROOT, scratch / "core")
        for name in given.names or known:
            tried = attempt(known[name], core.absolute(), scratch / name)
            print(f"{name}: {tried.told} [{tried.seconds:.0f} s]", flush=True)
            if tried.output:
                print(tried.output)
                failed += 1
            shutil.rmtree(scratch / name, ignore_errors=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
