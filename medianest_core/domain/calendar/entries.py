"""What the calendar shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Appearance:
    """A title that appears. at, day_only, kind, ids, detail, how, available, duration: as the SDK's `CalendarEntry`.

    plugin: whose words `how` is. title_id: of the library, of the show for an episode; None where no server has it.
    """

    at: float
    kind: str
    title: str
    ids: Mapping[str, str]
    detail: str
    how: str
    available: bool
    duration: float
    day_only: bool
    plugin: str
    title_id: int | None = None


@dataclass(frozen=True, slots=True)
class Silent:
    """A service that did not answer. reason: in plain words. shown_from: its entries are those of that time, None: they are missing."""

    instance_id: str
    title: str
    reason: str
    shown_from: float | None = None


@dataclass(frozen=True, slots=True)
class Agenda:
    """What appears between two times, soonest first. asked: how many services know such things; none where nobody contributes."""

    starts_at: float
    ends_at: float
    entries: Sequence[Appearance]
    silent: Sequence[Silent] = field(default_factory=tuple)
    asked: int = 0
