"""What Uptime Kuma says about its monitors, in its three dialects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from medianest_core.sdk import InvalidResponse, Item

UP, DOWN, PENDING, MAINTENANCE = 1, 0, 2, 3
_WORDS = {PENDING: "Being checked again", MAINTENANCE: "Maintenance"}


@dataclass(frozen=True, slots=True)
class Reading:
    """The last known state of one monitor. status: one of the four numbers, or None before its first beat."""

    name: str
    status: int | None
    ping_ms: float | None = None
    message: str = ""
    group: str = ""

    def item(self) -> Item:
        up = {UP: True, DOWN: False}.get(self.status) if self.status is not None else None
        message = _WORDS.get(self.status, self.message) if self.status is not None else "No result yet"
        return Item(self.name, up=up, message=message, response_ms=self.ping_ms, group=self.group)


def status_page(page: Any, beats: Any) -> Sequence[Reading]:
    """Readings of a public status page: its groups, and the newest beat of each monitor. Raises InvalidResponse."""
    groups = page.get("publicGroupList") if isinstance(page, dict) else None
    known = beats.get("heartbeatList") if isinstance(beats, dict) else None
    if not isinstance(groups, list) or not isinstance(known, dict):
        raise InvalidResponse("The address answers, but not like Uptime Kuma.")
    readings = []
    for group in groups:
        for monitor in group.get("monitorList") or ():
            rows = known.get(str(monitor.get("id"))) or ()
            last: Mapping[str, Any] = rows[-1] if rows else {}
            readings.append(
                Reading(
                    str(monitor.get("name")),
                    number(last.get("status")),
                    ping(last.get("ping")),
                    group=str(group.get("name") or ""),
                )
            )
    return readings


def monitors(
    listed: Mapping[str, Any], beats: Mapping[str, Sequence[Mapping[str, Any]]]
) -> Sequence[Reading]:
    """Readings after a sign-in. listed: monitor id → monitor. beats: monitor id → rows, oldest first."""
    readings = []
    for key, monitor in listed.items():
        if not isinstance(monitor, dict):
            continue
        rows = beats.get(str(key)) or ()
        last: Mapping[str, Any] = rows[-1] if rows else {}
        paused = monitor.get("active") in (False, 0)
        readings.append(
            Reading(
                str(monitor.get("name")),
                None if paused else number(last.get("status")),
                None if paused else ping(last.get("ping")),
                str(last.get("msg") or ""),
            )
        )
    return readings


def number(value: Any) -> int | None:
    """A status number, or None for anything else."""
    return (
        int(value)
        if isinstance(value, int | float) and int(value) in (UP, DOWN, PENDING, MAINTENANCE)
        else None
    )


def ping(value: Any) -> float | None:
    """Milliseconds, or None: -1 and null mean that there was no answer."""
    return float(value) if isinstance(value, int | float) and value >= 0 else None
