"""Reads public status pages: their monitors, the checks of these, and what is announced there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from medianest_core.sdk import Beat, InvalidResponse
from medianest_uptimekuma.models import DOWN, MAINTENANCE, PENDING, UP, Reading, address, number, ping
from medianest_uptimekuma.times import days_ahead, utc


def readings(page: Any, beats: Any, now: float) -> list[Reading]:
    """The monitors of all groups, each once, with their newest check. Raises InvalidResponse."""
    rows = _rows(beats)
    made: dict[str, Reading] = {}
    for group, monitor in _monitors(page):
        key = str(monitor.get("id"))
        known = rows.get(key) or ()
        last: Mapping[str, Any] = known[-1] if known else {}
        before = next((row.get("status") for row in reversed(known) if row.get("status") != PENDING), None)
        made.setdefault(
            key,
            Reading(
                key,
                str(monitor.get("name")),
                number(last.get("status")),
                ping(last.get("ping")),
                group=group,
                url=address(monitor.get("url")),
                certificate_ends_at=days_ahead(monitor.get("certExpiryDaysRemaining"), now),
                before=number(before),
            ),
        )
    return list(made.values())


def beats(answer: Any, since: float) -> list[Beat]:
    """All checks that a page tells since then, oldest first. Raises InvalidResponse."""
    found: list[Beat] = []
    for key, rows in _rows(answer).items():
        for row in rows:
            at = utc(row.get("time"))
            if at is not None and at >= since:
                found.append(beat(key, at, number(row.get("status")), ping(row.get("ping")), ""))
    found.sort(key=lambda one: one.at)
    return found


def beat(key: str, at: float, status: int | None, ping_ms: float | None, message: str) -> Beat:
    """One check as the portal keeps it."""
    up = {UP: True, DOWN: False}.get(status) if status is not None else None
    return Beat(key, at, up, ping_ms, message, maintenance=status == MAINTENANCE)


def _rows(answer: Any) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    known = answer.get("heartbeatList") if isinstance(answer, dict) else None
    if not isinstance(known, dict):
        raise InvalidResponse("The address answers, but not like Uptime Kuma.")
    return {
        str(key): [row for row in rows if isinstance(row, dict)]
        for key, rows in known.items()
        if isinstance(rows, list)
    }


def _monitors(page: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    groups = page.get("publicGroupList") if isinstance(page, dict) else None
    if not isinstance(groups, list):
        raise InvalidResponse("The address answers, but not like Uptime Kuma.")
    for group in groups:
        members = group.get("monitorList") if isinstance(group, dict) else None
        for monitor in members if isinstance(members, list) else ():
            if isinstance(monitor, dict) and monitor.get("id") is not None:
                yield str(group.get("name") or ""), monitor
