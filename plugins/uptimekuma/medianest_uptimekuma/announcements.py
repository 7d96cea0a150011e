"""What Uptime Kuma announces: incidents of status pages, and maintenance."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from medianest_core.sdk import Incident
from medianest_uptimekuma.times import DAY, epoch, utc

_RECENT = 30 * DAY
_AHEAD = 90 * DAY


def of_page(page: Any) -> list[Incident]:
    """The incidents that a page's payload tells: several in the latest generation, at most one before it."""
    if not isinstance(page, dict):
        return []
    told = page.get("incidents")
    rows = told if isinstance(told, list) else [page.get("incident")]
    return [made for row in rows if isinstance(row, dict) and (made := _incident(row)) is not None]


def of_history(answer: Any) -> list[Incident]:
    """Older incidents of a page, where the server keeps them."""
    rows = answer.get("incidents") if isinstance(answer, dict) else None
    listed = rows if isinstance(rows, list) else []
    return [made for row in listed if isinstance(row, dict) and (made := _incident(row)) is not None]


def maintenance(rows: Iterable[Any], now: float, began: Callable[[str, float], float]) -> list[Incident]:
    """The windows that are on, come within three months or ended within one.

    began(key, now) says when a window without times, switched by hand, was first seen.
    """
    found: list[Incident] = []
    for row in rows:
        if isinstance(row, dict):
            found += _windows(row, now, began)
    return found


def merged(incidents: Iterable[Incident]) -> list[Incident]:
    """Each once, newest first."""
    by_key = {one.key: one for one in incidents}
    return sorted(by_key.values(), key=lambda one: -one.started_at)


def _incident(row: Mapping[str, Any]) -> Incident | None:
    started = utc(row.get("createdDate"))
    title = row.get("title")
    if started is None or not isinstance(title, str):
        return None
    # Incidents before 2.1 cannot end: they are told only while they are pinned.
    over = row.get("active") in (False, 0)
    ended = (utc(row.get("lastUpdatedDate")) or started) if over else None
    return Incident(title, started, ended, str(row.get("content") or ""), f"incident-{row.get('id')}")


def _windows(row: Mapping[str, Any], now: float, began: Callable[[str, float], float]) -> Iterable[Incident]:
    status, key = row.get("status"), f"maintenance-{row.get('id')}"
    if status in ("inactive", "unknown", None) or row.get("active") in (False, 0):
        return
    title, text = str(row.get("title") or ""), str(row.get("description") or "")
    offset = str(row.get("timezoneOffset") or "+00:00")
    slots = row.get("timeslotList")
    told = False
    for slot in slots if isinstance(slots, list) else ():
        start = epoch(slot.get("startDate"), offset) if isinstance(slot, dict) else None
        end = epoch(slot.get("endDate"), offset) if isinstance(slot, dict) else None
        if start is None or start > now + _AHEAD or (end is not None and end < now - _RECENT):
            continue
        told = True
        yield Incident(title, start, end, text, f"{key}-{start:.0f}", planned=True)
    if not told and status == "under-maintenance":
        yield Incident(title, began(key, now), None, text, key, planned=True)
