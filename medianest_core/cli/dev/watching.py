"""Whether an author has saved something.

Looking at times and sizes a few times a second costs nothing for the hundred files of a plugin, and works on folders that are
mounted into a container or come over the network, where the kernel tells nobody.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

LOOK = 0.1
"""Seconds between two looks."""
_SKIPPED = {"__pycache__", "node_modules", "build", "dist", "venv"}
_LEAVINGS = (".pyc", ".swp", ".tmp", "~")
_MOST = 5000

Seen = Mapping[str, tuple[int, int]]
"""Path → (time of the last change, size)."""


def look(paths: Iterable[Path]) -> Seen:
    """All files at or below the paths, but for hidden ones and what tools leave behind."""
    found: dict[str, tuple[int, int]] = {}
    for path in paths:
        if path.is_dir():
            _scan(str(path), found)
        else:
            _note(str(path), found)
    return found


def _scan(folder: str, found: dict[str, tuple[int, int]]) -> None:
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if len(found) >= _MOST:
                return
            if entry.name.startswith(".") or entry.name.endswith(_LEAVINGS):
                continue
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in _SKIPPED:
                    _scan(entry.path, found)
            else:
                _note(entry.path, found)


def _note(path: str, found: dict[str, tuple[int, int]]) -> None:
    with contextlib.suppress(OSError):
        status = os.stat(path)  # noqa: PTH116  # of thousands of files, each look
        found[path] = (status.st_mtime_ns, status.st_size)


def changed(
    paths: Iterable[Path], before: Seen, *, pause: Callable[[float], None] = time.sleep
) -> tuple[Seen, set[str]]:
    """What is there now, and which files differ from `before`; waits until whoever writes them has come to an end."""
    paths = list(paths)
    now = look(paths)
    if now == before:
        return now, set()
    while True:
        pause(LOOK / 2)
        again = look(paths)
        if again == now:
            break
        now = again
    return now, {path for path in now.keys() | before.keys() if now.get(path) != before.get(path)}
