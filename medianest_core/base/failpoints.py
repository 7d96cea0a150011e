"""Named places at which a test can end the process as `kill -9` would: MEDIANEST_FAILPOINTS="downloads.renamed=kill".

Does nothing unless that variable is set.
"""

from __future__ import annotations

import os
import signal

VARIABLE = "MEDIANEST_FAILPOINTS"


def failpoint(name: str) -> None:
    """End the process here where the environment says so. A path after the name ("name=kill:/path") makes it happen once: the
    file is made first, and where it exists nothing happens."""
    wanted = os.environ.get(VARIABLE)
    if not wanted:
        return
    for entry in wanted.split(","):
        place, _, action = entry.strip().partition("=")
        if place != name or not action.startswith("kill"):
            continue
        _, _, once = action.partition(":")
        if once:
            try:
                os.close(os.open(once, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            except FileExistsError:
                continue
        os.kill(os.getpid(), signal.SIGKILL)
