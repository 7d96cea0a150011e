"""The calendar as an iCalendar file, for calendar programs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from medianest_core.domain.calendar.entries import Appearance
from medianest_core.sdk.media import EPISODE, SEASON

_SHORTEST = 60.0
_UNKNOWN = 1800.0


def ics(
    entries: Sequence[Appearance],
    name: str,
    how: Callable[[Appearance], str],
    link: Callable[[Appearance], str],
) -> bytes:
    """name: of the calendar. how: the way an entry appears, in the reader's words. link: its page, or "".

    The same entries give the same bytes, and an event keeps its identity when it moves within its day.
    """
    # Imported by whoever reads a calendar, not by every start.
    from icalendar import Calendar, Event

    made = Calendar()
    made.add("prodid", "-//MediaNest//Calendar//EN")
    made.add("version", "2.0")
    made.add("x-wr-calname", name)
    made.add("x-published-ttl", "PT1H")
    for one in entries:
        event = Event()
        event.add("uid", f"{_identity(one)}@medianest")
        event.add("summary", f"{one.title}: {one.detail}" if one.kind in (EPISODE, SEASON) else one.title)
        if words := how(one):
            event.add("description", words)
        if address := link(one):
            event.add("url", address)
        begins = datetime.fromtimestamp(one.at, UTC)
        event.add("dtstamp", begins)
        if one.day_only:
            event.add("dtstart", begins.date())
            event.add("transp", "TRANSPARENT")
        else:
            event.add("dtstart", begins)
            event.add("dtend", begins + timedelta(seconds=max(one.duration or _UNKNOWN, _SHORTEST)))
        made.add_component(event)
    return bytes(made.to_ical())


def _identity(one: Appearance) -> str:
    named = "/".join((one.kind, one.title, one.how, one.detail))
    return hashlib.blake2b(named.encode(), digest_size=12).hexdigest()
