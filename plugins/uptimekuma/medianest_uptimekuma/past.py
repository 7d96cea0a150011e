"""What a signed-in connection tells of the past: single checks of the last day, and counts by the hour for a month before it.

A thousand monitors have more of a past than can be asked for in passing, so that there is a limit of time: what was not told in it
stays unknown.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from medianest_core.sdk import Beat, ProviderError
from medianest_uptimekuma.models import ping
from medianest_uptimekuma.session import Session
from medianest_uptimekuma.times import DAY
from medianest_uptimekuma.track import Track

SECONDS = 8.0
_HOUR = 3600.0
_CHECKS, _COUNTS = DAY, 30 * DAY
_MONITORS, _AT_ONCE = 400, 4
_ASIDE = 60.0
"""Seconds of the past that are not worth a question."""
Ask = Callable[[str, float], Awaitable[Sequence[Beat]]]


async def recorded(session: Session, since: float) -> list[Beat]:
    """Observations since then, oldest first, as far as they can be had. Raises ProviderError where there is no connection."""
    board, now = await session.board(), time.time()
    found = list(board.beats(since))
    known = {one.key: board.reaches_back(one.key) for one in board.readings() if not one.paused}
    counts = (board.version or "").split(".")[0] not in ("", "0", "1")
    ends = time.monotonic() + SECONDS

    def left() -> float:
        return ends - time.monotonic()

    async def hours(key: str, before: float) -> Sequence[Beat]:
        wide = min(720, _hours(now - max(since, now - _COUNTS)))
        rows = await _told(session, "getMonitorChartData", key, wide, left())
        return [beat for row in rows for beat in of_hour(key, row) if since <= beat.at < before]

    async def checks(key: str, before: float) -> Sequence[Beat]:
        begin = max(since, now - _CHECKS)
        track = Track({}, kept=100_000)
        track.replace(await _told(session, "getMonitorBeats", key, _hours(now - begin), left()))
        return [beat for beat in track.beats(key, begin) if beat.at < before]

    if counts and since < now - _CHECKS:
        # The hours are little to ask for and reach far: they come first.
        for beats in await _all(hours, [(key, min(at, now - _CHECKS)) for key, at in known.items()], left):
            found += beats
    lacking = [(key, at) for key, at in known.items() if at > max(since, now - _CHECKS) + _ASIDE]
    for beats in await _all(checks, lacking, left):
        found += beats
    found.sort(key=lambda beat: beat.at)
    return found


def of_hour(key: str, row: Any) -> list[Beat]:
    """The counts of one hour as observations that hold until the next: up first, then down for its share of the hour."""
    if not isinstance(row, dict):
        return []
    at, up, down = (_count(row.get(name)) for name in ("timestamp", "up", "down"))
    if at is None or up is None or down is None or up + down == 0:
        return []
    took = ping(row.get("avgPing")) if up else None
    made = [Beat(key, at, True, took or None)] if up else []
    if down:
        made.append(Beat(key, at + _HOUR * up / (up + down), False))
    return made


async def _all(
    ask: Ask, questions: Sequence[tuple[str, float]], left: Callable[[], float]
) -> Iterable[Sequence[Beat]]:
    slots = asyncio.Semaphore(_AT_ONCE)

    async def one(key: str, before: float) -> Sequence[Beat]:
        async with slots:
            if left() <= 0.3:
                return []
            try:
                return await ask(key, before)
            except ProviderError:
                return []

    return await asyncio.gather(*(one(key, before) for key, before in questions[:_MONITORS]))


async def _told(session: Session, event: str, key: str, hours: int, timeout: float) -> list[Any]:
    answer = await session.call(event, int(key) if key.isdecimal() else key, hours, timeout=timeout)
    rows = answer.get("data") if isinstance(answer, dict) and answer.get("ok") is True else None
    return rows if isinstance(rows, list) else []


def _hours(seconds: float) -> int:
    return max(1, -int(-seconds // _HOUR))


def _count(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        return None
    return float(value)
