"""Keeps the garbage collector out of the way while a run makes very many objects that are freed by counting anyway."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_RELAXED = (100_000, 20, 50)
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
    try:
        yield
    finally:
        _runs -= 1
        if _runs == 0 and _normal is not None:
            gc.set_threshold(*_normal)
