"""Numbers, times and sizes in words, for the viewer's language and time zone.

Everything takes plain numbers: epoch seconds, seconds, bytes. Jinja filters and globals are made from `HELPERS`.
Babel is imported with the first number or date, which the sign-in page has not.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .i18n import current_locale, gettext, ngettext
from .viewer import viewer

_UNITS = ("kB", "MB", "GB", "TB", "PB")


def zone() -> ZoneInfo:
    """The viewer's time zone; UTC where it is none."""
    try:
        return ZoneInfo(viewer().zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def _local(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC).astimezone(zone())


def _date_words(when: date) -> str:
    # Of a moment only its day: a datetime is a date too, but another one each time.
    return _date_in(current_locale(), date(when.year, when.month, when.day))


def _time_words(when: datetime) -> str:
    return time_in(current_locale(), when.hour, when.minute)


@lru_cache(maxsize=4096)
def _date_in(locale: str, when: date) -> str:
    """Kept, as numbers are: a list names the same few days over and over."""
    from babel.dates import format_date

    return format_date(when, "medium", locale=locale)


@lru_cache(maxsize=4096)
def time_in(locale: str, hour: int, minute: int) -> str:
    """A time of day in words, kept."""
    from babel.dates import format_time

    return format_time(time(hour, minute), "short", locale=locale)


def _span_words(seconds: float, *, direction: bool = False, threshold: float = 0.85) -> str:
    from babel.dates import format_timedelta

    span = timedelta(seconds=seconds)
    return format_timedelta(span, threshold=threshold, add_direction=direction, locale=current_locale())


def _decimal_words(value: float, pattern: str | None = None) -> str:
    return _decimal_in(current_locale(), value, pattern)


@lru_cache(maxsize=4096)
def _decimal_in(locale: str, value: float, pattern: str | None) -> str:
    """Kept, because lists hold the same small numbers over and over, and making words of one takes 50 µs."""
    from babel.numbers import format_decimal

    return str(format_decimal(value, format=pattern, locale=locale))


def iso(at: float) -> str:
    """Machine form for `<time datetime>`: UTC, whole seconds."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def full_time(at: float) -> str:
    """Date and time, as `21 Nov 2026, 10:02`."""
    when = _local(at)
    return f"{_date_words(when.date())}, {_time_words(when)}"


def day(at: float) -> str:
    return _date_words(_local(at).date())


def clock(at: float) -> str:
    """The time of day, with the date when it is not today's."""
    when, now = _local(at), _local(viewer().now())
    text = _time_words(when)
    if when.date() == now.date():
        return text
    return f"{_date_words(when.date())}, {text}"


def age(at: float) -> str:
    """How long ago or ahead, as `3 minutes ago`; under 10 seconds `just now`."""
    delta = at - viewer().now()
    if abs(delta) < 10:
        return gettext("just now")
    return _span_words(delta, direction=True)


def duration(seconds: float) -> str:
    """A length: `1 h 42 min`, `4:05` under an hour, in whole units."""
    whole = max(0, round(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    if hours:
        return gettext("%(hours)s h %(minutes)s min") % {"hours": hours, "minutes": minutes}
    return f"{minutes}:{left:02d}"


def span(seconds: float) -> str:
    """A length of time in words, e.g. "10 minutes"."""
    return _span_words(seconds)


def runtime(seconds: float) -> str:
    """The length of a film: `1 h 42 min` or `42 min`."""
    hours, minutes = divmod(max(0, round(seconds / 60)), 60)
    if hours:
        return gettext("%(hours)s h %(minutes)s min") % {"hours": hours, "minutes": minutes}
    return gettext("%(minutes)s min") % {"minutes": minutes}


def time_left(seconds: float) -> str:
    """A coarse remaining time: `about 3 minutes left`."""
    if seconds < 60:
        return gettext("less than a minute left")
    about = _span_words(seconds, threshold=1.2)
    return gettext("about %(time)s left") % {"time": about}


def size(count: float) -> str:
    """Bytes in decimal units with one figure after the point from megabytes on."""
    value, unit = float(count), ""
    if value < 1000:
        return ngettext("%(num)s byte", "%(num)s bytes", int(value)) % {"num": int(value)}
    for unit in _UNITS:  # noqa: B007
        value /= 1000
        if value < 999.5:
            break
    pattern = "#,##0" if unit == "kB" or value >= 100 else "#,##0.0"
    return f"{_decimal_words(value, pattern)} {unit}"


def rate(per_second: float) -> str:
    """Bytes a second."""
    return gettext("%(size)s/s") % {"size": size(per_second)}


def number(value: float) -> str:
    return _decimal_words(value)


def decimal(value: float, places: int = 1) -> str:
    return _decimal_words(value, f"#,##0.{'0' * places}")


def percent(fraction: float) -> str:
    from babel.numbers import format_percent

    return str(format_percent(min(1.0, max(0.0, fraction)), locale=current_locale()))


def latency(milliseconds: float) -> str:
    if milliseconds < 1000:
        return gettext("%(num)s ms") % {"num": number(round(milliseconds))}
    return gettext("%(num)s s") % {"num": decimal(milliseconds / 1000)}


def fact(value: str | float, kind: str) -> str:
    """A `Fact`'s value in words."""
    if isinstance(value, str):
        return value
    return _FACTS.get(kind, number)(value)


_FACTS: dict[str, Callable[[float], str]] = {
    "datetime": full_time,
    "day": day,
    "age": age,
    "duration": runtime,
    "bytes": size,
    "number": number,
}

HELPERS: dict[str, Callable[..., Any]] = {
    "iso": iso,
    "full_time": full_time,
    "day": day,
    "clock": clock,
    "age": age,
    "duration": duration,
    "runtime": runtime,
    "time_left": time_left,
    "size": size,
    "rate": rate,
    "number": number,
    "decimal": decimal,
    "percent": percent,
    "latency": latency,
    "fact": fact,
}
