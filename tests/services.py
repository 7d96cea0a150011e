"""Finds the programs that tests drive for real, and installs what is missing where that is possible (root on Debian).

Run by `make services` before the suite. A test that needs a program fails when it is not there; none is skipped.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

PROGRAMS = {"chromium": "chromium"}
"""Program → Debian package."""


def chromium() -> str | None:
    """Path of a chromium that Playwright can drive, from MEDIANEST_CHROMIUM or PATH."""
    named = os.environ.get("MEDIANEST_CHROMIUM")
    if named:
        return named
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    return None


def main() -> int:
    missing = [package for program, package in PROGRAMS.items() if program == "chromium" and not chromium()]
    if not missing:
        return 0
    if os.geteuid() == 0 and shutil.which("apt-get"):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-q"], env=environment, check=True, stdout=subprocess.DEVNULL)
        subprocess.run(
            ["apt-get", "install", "-y", "-q", "--no-install-recommends", *missing, "fonts-dejavu-core"],
            env=environment,
            check=True,
            stdout=subprocess.DEVNULL,
        )
    still = [package for package in missing if package == "chromium" and not chromium()]
    if still:
        print(f"missing: {', '.join(still)}. Install it, or name it in MEDIANEST_CHROMIUM.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
