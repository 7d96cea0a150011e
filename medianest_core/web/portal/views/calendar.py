"""View-models of the calendar."""

from __future__ import annotations

from dataclasses import dataclass

from .common import NORMAL, Action, Badge, Choice, TileState


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarRow:
    """Something that appears. `time` is empty where only the day is known; `path` where there is nothing to open."""

    title: str
    note: str = ""
    time: str = ""
    icon: str = "film"
    path: str = ""
    badge: Badge | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarDay:
    """`date` as "2026-11-21"; `label` in words; `outside` of the month that is shown."""

    date: str
    number: int
    label: str
    rows: tuple[CalendarRow, ...] = ()
    today: bool = False
    outside: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarAddress:
    """The secret address for calendar programs. `url` only right after it was made; times are epoch seconds."""

    url: str = ""
    created_at: float | None = None
    last_used_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarView:
    """`core/calendar.html`. `weeks` for the month; `days`: those on which something appears."""

    heading: str
    tabs: tuple[Choice, ...]
    address: CalendarAddress
    weekdays: tuple[tuple[str, str], ...] = ()
    weeks: tuple[tuple[CalendarDay, ...], ...] = ()
    days: tuple[CalendarDay, ...] = ()
    steps: tuple[Action, ...] = ()
    notes: tuple[TileState, ...] = ()
    file_path: str = "/calendar.ics"
    state: TileState = NORMAL
