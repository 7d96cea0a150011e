"""When a schedule comes next, in its time zone, whatever the clocks there do."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from medianest_core.sdk.jobs import Schedule

NEVER = float("inf")
FAR = 1e12
"""Epoch seconds that stand for "never" where infinity cannot be stored."""


def next_time(schedule: Schedule, after: float) -> float:
    """The first time later than `after` (both epoch seconds); infinity where there is none. Raises ValueError."""
    times = [NEVER]
    if schedule.every is not None:
        if not schedule.every > 0:
            raise ValueError("`every` must be more than 0 seconds")
        times.append(after + schedule.every)
    if schedule.cron is not None:
        # Imported by the first who needs it, not by every start.
        from cronsim import CronSim, CronSimError

        try:
            times.append(
                next(
                    CronSim(schedule.cron, datetime.fromtimestamp(after, zone_of(schedule.timezone)))
                ).timestamp()
            )
        except CronSimError as error:
            raise ValueError(f"{schedule.cron!r} is no cron time: {error}") from error
        except StopIteration:
            pass
    return min(times)


@lru_cache(maxsize=64)
def zone_of(name: str) -> ZoneInfo:
    """Raises ValueError for a time zone that does not exist."""
    try:
        return ZoneInfo(name)
    except (OSError, KeyError, ValueError) as error:
        raise ValueError(f"There is no time zone {name!r}.") from error


def spec_of(schedule: Schedule) -> str:
    said = f"{schedule.cron or ''}|{schedule.every or ''}"
    return said if schedule.timezone == "UTC" else f"{said}|{schedule.timezone}"


def stored(at: float) -> float:
    return min(at, FAR)
