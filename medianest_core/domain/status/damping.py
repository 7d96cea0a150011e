"""What people are told of a thing that goes down and comes back, and when it is left unsaid because it does so all the time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from medianest_core.domain.status.states import State

WINDOW = 900.0
MOST = 4
"""More changes than this within the window (seconds) are flapping."""
Told = Literal["", "down", "up", "flapping"]


@dataclass(frozen=True, slots=True)
class Damping:
    """changes: when it lately went down or came back, oldest first. told: what people know; "" and "up" are the same to them."""

    changes: tuple[float, ...] = ()
    told: Told = ""

    @classmethod
    def load(cls, stored: Mapping[str, Any]) -> Damping:
        return cls(tuple(stored.get("changes", ())), stored.get("told", ""))

    def stored(self) -> dict[str, Any]:
        return {"changes": list(self.changes), "told": self.told}

    def flapping(self, now: float) -> bool:
        return len([one for one in self.changes if one > now - WINDOW]) > MOST

    def change(self, state: State, now: float) -> tuple[Damping, Told]:
        """It went down or came back: the new memory, and what to tell now ("" for nothing)."""
        recent = (*(one for one in self.changes if one > now - WINDOW), now)[-(MOST + 1) :]
        memory = Damping(recent, self.told)
        if memory.flapping(now):
            return (memory, "") if self.told == "flapping" else (Damping(recent, "flapping"), "flapping")
        return memory.settle(state, now)

    def settle(self, state: State, now: float) -> tuple[Damping, Told]:
        """Nothing changed: what is still to be told, once it no longer flaps."""
        if self.flapping(now) or state not in (State.UP, State.DOWN):
            return self, ""
        if state is State.DOWN:
            return (self, "") if self.told == "down" else (Damping(self.changes, "down"), "down")
        if self.told in ("", "up"):
            return self, ""
        return Damping(self.changes, "up"), "up"
