"""Importing a library without what it would take along only because that is installed."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import cast


@contextlib.contextmanager
def kept_out(*names: str) -> Iterator[None]:
    """Within the block these cannot be imported, unless they already have been."""
    absent = [name for name in names if name not in sys.modules]
    for name in absent:
        # What the import system takes for "there is no such module".
        sys.modules[name] = cast(ModuleType, None)
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]
