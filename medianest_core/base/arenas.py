"""How much memory the C library keeps for itself.

By default glibc gives nearly every thread an arena of its own and returns little of it: our threads wait for files and databases most
of the time, and under the interpreter's lock two never allocate at once for long. Few arenas save a sixth of the process's memory.
"""

from __future__ import annotations

import ctypes
import os

MOST = 2
_M_ARENA_MAX = -8


def share_arenas(most: int = MOST) -> bool:
    """Have all threads that begin from now on share this many.

    False where the operator has chosen (MALLOC_ARENA_MAX), or where the C library is another one, which has none.
    """
    if "MALLOC_ARENA_MAX" in os.environ:
        return False
    try:
        return bool(ctypes.CDLL(None).mallopt(_M_ARENA_MAX, most))
    except (AttributeError, OSError, TypeError):
        return False
