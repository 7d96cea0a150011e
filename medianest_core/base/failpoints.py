"""Named places at which a test can end the process as `kill -9` would: MEDIANEST_FAILPOINTS="downloads.renamed=kill".

Does nothing unless that variable is set.
"""

from __future__ import annotations

import os
import signal
from collections import Counter

VARIABLE = "MEDIANEST_FAILPOINTS"
_passed: Counter[str] = Counter()


def armed(name: str) -> bool:
    """Does the environment say anything about this place?"""
    return any(entry.strip().startswith(f"{name}=") for entry in os.environ.get(VARIABLE, "").split(","))


def failpoint(name: str) -> None:
    """End the process here where the environment says so. A path after the name ("name=kill:/path") makes it happen once: the
    file is made first, and where it exists nothing happens. "name=kill@3": the third time that the process comes by."""
    wanted = os.environ.get(VARIABLE)
    if not wanted:
        return
    for entry in wanted.split(","):
        place, _, action = entry.strip().partition("=")
        if place != name or not action.startswith("kill"):
            continue
        action, _, once = action.partition(":")
        _passed[name] += 1
        if _passed[name] < int(action.partition("@")[2] or 1):
            continue
        if once:
            try:
                os.close(os.open(once, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            except FileExistsError:
                continue
        os.kill(os.getpid(), signal.SIGKILL)
