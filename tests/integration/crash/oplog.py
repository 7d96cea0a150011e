"""What was asked of the portal and what it said: the record that the final state is held against."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any


class Outcome(StrEnum):
    OK = "ok"
    """The client saw a 2xx: it holds for ever."""
    FAIL = "fail"
    """The portal refused: it must never show."""
    UNKNOWN = "unknown"
    """No answer, or one that leaves it open: it may have happened, but once."""


@dataclass
class Op:
    """One command. key: what tells its effect from those of others. said: what the answer named."""

    number: int
    kind: str
    key: str
    asked_at: float
    answered_at: float | None = None
    outcome: Outcome = Outcome.UNKNOWN
    status: int = 0
    said: Mapping[str, Any] = field(default_factory=dict)


class OpLog:
    """Commands of any number of threads, in the order in which they were asked."""

    def __init__(self) -> None:
        self._ops: list[Op] = []
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)

    def next_number(self) -> int:
        return next(self._numbers)

    def begin(self, number: int, kind: str, key: str) -> Op:
        """Noted before it is sent: what dies on the way has been asked for."""
        op = Op(number, kind, key, time.time())
        with self._lock:
            self._ops.append(op)
        return op

    def end(self, op: Op, outcome: Outcome, status: int = 0, **said: Any) -> None:
        with self._lock:
            op.answered_at, op.outcome, op.status, op.said = time.time(), outcome, status, said

    def of(self, kind: str) -> list[Op]:
        with self._lock:
            return [op for op in self._ops if op.kind == kind]

    def counts(self) -> dict[str, dict[str, int]]:
        """kind → outcome → how many."""
        found: dict[str, dict[str, int]] = {}
        with self._lock:
            for op in self._ops:
                of_kind = found.setdefault(op.kind, {})
                of_kind[op.outcome.value] = of_kind.get(op.outcome.value, 0) + 1
        return found

    def write(self, path: Path) -> None:
        with self._lock:
            path.write_text("".join(json.dumps(asdict(op)) + "\n" for op in self._ops), encoding="utf-8")
