"""How long whoever asks is willing to wait, beyond what is usual: the bounds of calls and requests made meanwhile stretch that far."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

_seconds: ContextVar[float] = ContextVar("patience", default=0.0)


@contextlib.contextmanager
def bearing(seconds: float) -> Iterator[None]:
    """Tasks that are started inside have this patience."""
    token = _seconds.set(seconds)
    try:
        yield
    finally:
        _seconds.reset(token)


def at_least(usual: float) -> float:
    """Seconds: what is usual, or the present patience where that is longer."""
    return max(usual, _seconds.get())
