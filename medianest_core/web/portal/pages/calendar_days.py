"""Days, weeks and months of the calendar, in the reader's time zone and language."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from medianest_core.domain.calendar.entries import Appearance
from medianest_core.web.portal.formats import time_in, zone
from medianest_core.web.portal.i18n import current_locale
from medianest_core.web.portal.viewer import viewer

FIRST, LAST = 1990, 2100


def today() -> date:
    return datetime.fromtimestamp(viewer().now(), UTC).astimezone(zone()).date()


def day_of(one: Appearance) -> date:
    """The day it stands at: where only the day is known that of the calendar, in every time zone."""
    when = datetime.fromtimestamp(one.at, UTC)
    return when.date() if one.day_only else when.astimezone(zone()).date()


def clock_of(one: Appearance) -> str:
    if one.day_only:
        return ""
    when = datetime.fromtimestamp(one.at, UTC).astimezone(zone())
    return time_in(current_locale(), when.hour, when.minute)


def starts(day: date) -> float:
    """When it begins where the reader is, or at UTC where that is earlier: entries of a day alone stand at midnight UTC."""
    local = datetime.combine(day, time(), tzinfo=zone()).timestamp()
    return min(local, datetime.combine(day, time(), tzinfo=UTC).timestamp())


def ends(day: date) -> float:
    """When it is over in both."""
    following = day + timedelta(days=1)
    local = datetime.combine(following, time(), tzinfo=zone()).timestamp()
    return max(local, datetime.combine(following, time(), tzinfo=UTC).timestamp())


def month_of(text: str) -> date:
    """The first day of "2026-11"; of the present month for anything else."""
    try:
        found = datetime.strptime(text, "%Y-%m").date()  # a month has no time zone
    except ValueError:
        return today().replace(day=1)
    return found if FIRST <= found.year < LAST else today().replace(day=1)


def moved(month: date, by: int) -> date:
    """The first day of the month `by` months on."""
    number = month.year * 12 + month.month - 1 + by
    return date(number // 12, number % 12 + 1, 1)


def weeks(month: date) -> list[list[date]]:
    """The weeks that the month touches, as the reader's country begins them."""
    return calendar.Calendar(_first_weekday()).monthdatescalendar(month.year, month.month)


def weekdays() -> list[tuple[str, str]]:
    """(short, whole) names in the order of a week."""
    from babel.dates import get_day_names

    first, locale = _first_weekday(), current_locale()
    short = get_day_names("abbreviated", "stand-alone", locale)
    whole = get_day_names("wide", "stand-alone", locale)
    return [(str(short[(first + one) % 7]), str(whole[(first + one) % 7])) for one in range(7)]


def month_words(month: date) -> str:
    return _worded(current_locale(), "yMMMM", month)


def day_words(day: date) -> str:
    return _worded(current_locale(), "MMMMEEEEd" if day.year == today().year else "yMMMMEEEEd", day)


@lru_cache(maxsize=2048)
def _worded(locale: str, skeleton: str, day: date) -> str:
    """Kept: it takes a millisecond, and a month has many days."""
    from babel.dates import format_skeleton

    return str(format_skeleton(skeleton, day, locale=locale))


def _first_weekday() -> int:
    from babel import Locale

    return int(Locale.parse(current_locale()).first_week_day)
