"""Memory while a run makes very many objects that are freed by counting anyway: the garbage collector keeps out of the way, and what
is free goes back to the system."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

_RELAXED = (100_000, 20, 50)
_MMAP_THRESHOLD = -3
_LARGE = 256 * 1024
"""Bytes from which on a piece of memory is asked of the system and given back to it by itself. Left alone the C library raises this
to the size of a page of a listing; then pages and small objects share one heap, and the holes between them stay ours."""
_runs = 0
_normal: tuple[int, int, int] | None = None


@contextmanager
def relaxed() -> Iterator[None]:
    """Collect rarely inside the block; the normal pace returns when the last of several such blocks ends."""
    global _runs, _normal
    if _runs == 0:
        _normal = gc.get_threshold()
        gc.set_threshold(*_RELAXED)
    _runs += 1
    _keep_apart()
    try:
        yield
    finally:
        _runs -= 1
        if _runs == 0 and _normal is not None:
            gc.set_threshold(*_normal)
        give_back()


def give_back() -> None:
    """What is free goes back to the system, where the C library can do that (glibc). Takes some milliseconds without the GIL."""
    library = _library()
    if library is not None:
        library.malloc_trim(0)


@cache
def _keep_apart() -> None:
    library = _library()
    if library is not None:
        library.mallopt(_MMAP_THRESHOLD, _LARGE)


@cache
def _library() -> Any:
    """The C library, if it is the one that has these functions."""
    try:
        library = ctypes.CDLL(None)
        return library if library.malloc_trim and library.mallopt else None
    except (OSError, AttributeError):
        return None
