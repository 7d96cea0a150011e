"""When a notification may leave the portal: quiet hours and the hour of the daily summary, in the reader's time zone. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class Times:
    """quiet_from, quiet_to: minutes since midnight; without them, or where they are equal, no hour is quiet.

    digest_hour: 0 to 23. urgent: what is urgent goes out at once, also in quiet hours and past the summary.
    """

    quiet_from: int | None = None
    quiet_to: int | None = None
    digest_hour: int = 8
    urgent: bool = False
    zone: str = "UTC"
    version: int = 0

    @property
    def has_quiet(self) -> bool:
        return self.quiet_from is not None and self.quiet_to is not None and self.quiet_from != self.quiet_to


def due(times: Times, at: float, *, digest: bool, urgent: bool) -> float:
    """When something that came up at `at` goes out: epoch seconds, not before `at`."""
    if urgent and times.urgent:
        return at
    return after_quiet(times, next_digest(times, at) if digest else at)


def is_quiet(times: Times, at: float) -> bool:
    """Whether that moment is within the quiet hours."""
    if not times.has_quiet:
        return False
    assert times.quiet_from is not None and times.quiet_to is not None
    local = datetime.fromtimestamp(at, _zone(times.zone))
    minute = local.hour * 60 + local.minute
    if times.quiet_from < times.quiet_to:
        return times.quiet_from <= minute < times.quiet_to
    return minute >= times.quiet_from or minute < times.quiet_to


def after_quiet(times: Times, at: float) -> float:
    """`at`, or the end of the quiet hours it falls into."""
    if not is_quiet(times, at):
        return at
    assert times.quiet_to is not None
    # Where the clocks jump over the end, the other reading of it is still within them.
    return min(moment for moment in _shown(times.zone, times.quiet_to, at) if not is_quiet(times, moment))


def next_digest(times: Times, at: float) -> float:
    """The summary that takes what came up at `at`."""
    return min(_shown(times.zone, times.digest_hour * 60, at))


def _shown(zone: str, minute: int, at: float) -> list[float]:
    """The next moments, none before `at`, at which a clock on the wall shows that minute of the day."""
    where = _zone(zone)
    today = datetime.fromtimestamp(at, where).date()
    found = []
    for days in (-1, 0, 1, 2):
        shown = datetime.combine(today + timedelta(days=days), time(minute // 60, minute % 60), where)
        # In the night that the clocks go back, an hour is shown twice.
        found += [shown.timestamp(), shown.replace(fold=1).timestamp()]
    return [moment for moment in found if moment >= at]


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")
