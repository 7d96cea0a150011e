"""Counts the tasks that plugins have running, so that one which forgets them is known before the memory is gone."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping

MANY = 200
"""Tasks of one plugin that are too many."""


def tasks_of(owner: Callable[[str], str]) -> Mapping[str, int]:
    """Plugin → how many tasks of the running loop are its own coroutines. owner: module name → plugin, or ""."""
    found: Counter[str] = Counter()
    for task in asyncio.all_tasks():
        # One that has begun or not: its frame is there until it ends.
        frame = getattr(task.get_coro(), "cr_frame", None)
        if frame is not None and (plugin := owner(str(frame.f_globals.get("__name__", "")))):
            found[plugin] += 1
    return found
