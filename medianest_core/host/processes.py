"""Is a process of this machine still there?"""

from __future__ import annotations

import os


def alive(pid: int) -> bool:
    """Whether a process of that number runs; a number that none can have is not running."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True
