"""What Uptime Kuma says about its monitors, whichever way it is asked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from medianest_core.sdk import N_, Item

UP, DOWN, PENDING, MAINTENANCE = 1, 0, 2, 3
PLACEHOLDER = "https://"
"""What the address of a monitor without one says."""
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Reading:
    """The last known state of one monitor.

    status: one of the four numbers, or None before its first check. before: the last status that was no new attempt.
    paused: it is not being checked.
    """

    key: str
    name: str
    status: int | None
    ping_ms: float | None = None
    message: str = ""
    group: str = ""
    url: str | None = None
    certificate_ends_at: float | None = None
    before: int | None = None
    paused: bool = False

    def item(self) -> Item:
        """As the portal shows it. While a failed check is being repeated, what held before still holds."""
        away = self.status == MAINTENANCE and not self.paused
        status = self.before if self.status == PENDING else self.status
        up = {UP: True, DOWN: False}.get(status) if status is not None and not self.paused else None
        return Item(
            self.name,
            up=up,
            message=self._message(),
            response_ms=None if self.paused else self.ping_ms,
            group=self.group,
            key=self.key,
            maintenance=away,
            certificate_ends_at=self.certificate_ends_at,
            url=self.url,
        )

    def _message(self) -> str:
        if self.paused:
            return N_("Paused")
        if self.status is None:
            return N_("No result yet")
        if self.status == PENDING:
            return N_("Being checked again")
        return N_("Maintenance") if self.status == MAINTENANCE else self.message[:_LONGEST]


def number(value: Any) -> int | None:
    """A status number, or None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return int(value) if value in (UP, DOWN, PENDING, MAINTENANCE) else None


def ping(value: Any) -> float | None:
    """Milliseconds, or None: -1 and null mean that there was no answer."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and value >= 0 else None


def address(value: Any) -> str | None:
    """Where people find what is watched. Names, passwords and queries in it are for the check alone."""
    if not isinstance(value, str) or value in ("", PLACEHOLDER, "null"):
        return None
    try:
        parts = urlsplit(value)
        host = parts.hostname
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host:
        return None
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}{f':{port}' if port else ''}{parts.path}"


def counts(readings: list[Reading]) -> tuple[int, int]:
    """(how many, how many of them are down)."""
    return len(readings), sum(one.status == DOWN and not one.paused for one in readings)
