"""How far a sync is: numbers per instance, kind of title and operation, with the time left."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class InstanceProgress:
    """done, total: records looked at in the present and earlier libraries, and how many there are. state: "waiting", "listing",
    "done" or "failed". section: title of the library that is read now. kinds: records looked at, by kind. compared, changes: titles
    whose values of an operation were compared, and values that changed, by operation."""

    title: str
    started: float
    state: str = "waiting"
    done: int = 0
    expected: int | None = None
    before: int = 0
    changed: int = 0
    unchanged: int = 0
    message: str = ""
    section: str = ""
    kinds: Counter[str] = field(default_factory=Counter)
    compared: Counter[str] = field(default_factory=Counter)
    changes: Counter[str] = field(default_factory=Counter)

    def facts(self, now: float) -> dict[str, Any]:
        total = max(self.expected, self.done) if self.expected is not None else None
        spent = now - self.started
        left = None
        if total is not None and self.done and self.state == "listing" and spent > 0:
            left = round((total - self.done) * spent / self.done, 1)
        return {
            "title": self.title,
            "state": self.state,
            "done": self.done,
            "total": total,
            "eta": left,
            "changed": self.changed,
            "unchanged": self.unchanged,
            "message": self.message or self.section,
            "kinds": dict(self.kinds),
            "ops": {
                name: {"done": self.compared[name], "changed": self.changes[name]}
                for name in dict.fromkeys([*self.compared, *self.changes])
            },
        }


@dataclass(slots=True)
class RunProgress:
    """All instances of one run."""

    timer: Callable[[], float] = time.monotonic
    instances: dict[str, InstanceProgress] = field(default_factory=dict)

    def of(self, instance_id: str, title: str) -> InstanceProgress:
        return self.instances.setdefault(instance_id, InstanceProgress(title, self.timer()))

    def facts(self) -> dict[str, dict[str, Any]]:
        now = self.timer()
        return {instance: one.facts(now) for instance, one in self.instances.items()}

    def totals(self) -> tuple[int, int | None, float | None]:
        """(done, total, seconds left) over all instances; None where one of them does not know."""
        facts = list(self.facts().values())
        done = sum(one["done"] for one in facts)
        totals = [one["total"] for one in facts]
        left = [one["eta"] for one in facts if one["state"] == "listing"]
        return (
            done,
            None if None in totals or not totals else sum(totals),
            None if None in left or not left else max(left),
        )
