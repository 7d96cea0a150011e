"""Contribution to the calendar: when titles that a service looks for appear. Provisional."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class CalendarEntry:
    """Something that appears. at: epoch seconds; midnight UTC where `day_only` says that only the day is known. kind: a media type.

    ids: external ids; of the show for an episode. how: the way it appears in plain words, e.g. N_("In cinemas"). detail: what tells it
    from others of its title, e.g. "S01E04 The Ferry". available: it can be watched already. duration: seconds, 0 unknown.
    """

    at: float
    kind: str
    title: str
    ids: Mapping[str, str] = field(default_factory=dict)
    detail: str = ""
    how: str = ""
    available: bool = False
    duration: float = 0.0
    day_only: bool = False


@dataclass(frozen=True)
class CalendarSource:
    """Contribution: what a service knows of when titles appear.

    service: name of the service type. look(service client, start, end) → what appears between two times, epoch seconds. It is asked
    for a month at a time, by each instance, and the answer is kept for some minutes.
    """

    name: str
    service: str
    look: Callable[[Any, float, float], Awaitable[Sequence[CalendarEntry]]]
