"""What a simulated service really did: an append-only list of side effects that tests can ask."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import TypedDict


class Entry(TypedDict):
    """One side effect. `seq` grows by one and survives `clear`; `at` is epoch seconds UTC."""

    seq: int
    kind: str
    at: float
    facts: dict[str, object]


class Ledger:
    """Side effects in the order in which they happened."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._seq = 0

    def record(self, kind: str, **facts: object) -> Entry:
        """Append one side effect; `facts` must be JSON values."""
        self._seq += 1
        entry: Entry = {"seq": self._seq, "kind": kind, "at": time.time(), "facts": facts}
        self._entries.append(entry)
        return entry

    def entries(self, kind: str | None = None, *, since: int = 0) -> list[Entry]:
        """All entries, or those of one kind, whose `seq` is above `since`."""
        return [e for e in self._entries if e["seq"] > since and kind in (None, e["kind"])]

    def facts(self, kind: str) -> list[Mapping[str, object]]:
        """Only the facts of the entries of one kind."""
        return [entry["facts"] for entry in self.entries(kind)]

    async def wait_for(self, kind: str, count: int = 1, *, timeout: float = 60.0) -> list[Entry]:
        """Return the entries of `kind` once there are at least `count`; TimeoutError after `timeout` seconds."""
        async with asyncio.timeout(timeout):
            while len(found := self.entries(kind)) < count:  # noqa: ASYNC110  # writers need not run in this loop
                await asyncio.sleep(0.01)
        return found

    def clear(self) -> None:
        """Forget everything; the sequence goes on."""
        self._entries.clear()
