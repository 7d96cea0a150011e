"""What the collecting process remembers of each thing that is watched, and how a report of it changes that."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from medianest_core.domain.status.damping import Damping
from medianest_core.domain.status.rings import History, Span
from medianest_core.domain.status.states import State, of_item
from medianest_core.sdk.status import Beat, Item

LONGEST_GAP = 180.0
"""Seconds without a look after which nobody knows how it was in between."""
HOLD = 3600.0
"""Seconds that an observation of the past holds at most."""
MONTH = 30 * 86_400.0
OWN = ""
"""The key of an instance itself, beside the things that it watches."""
_KEY, _NAME, _SECTION, _MESSAGE, _URL = 190, 200, 120, 500, 1000


@dataclass(frozen=True, slots=True)
class Report:
    """How something is now."""

    key: str
    name: str
    state: State
    section: str = ""
    message: str = ""
    url: str | None = None
    response_ms: float | None = None
    certificate_ends_at: float | None = None
    since_at: float | None = field(default=None, compare=False)
    """When it came to be so, where that is known."""

    def same_but_figures(self, other: Report) -> bool:
        """Whether it differs at most in what changes with every look."""
        return (self.state, self.name, self.section, self.url, self.certificate_ends_at) == (
            other.state,
            other.name,
            other.section,
            other.url,
            other.certificate_ends_at,
        )


@dataclass(slots=True)
class Watched:
    """One monitor. dirty: its row has to be written. gap: the time (from, until) that nobody counted and a history may fill."""

    id: int
    instance_id: str
    report: Report
    role: str
    needed: bool
    since_at: float
    seen_at: float | None
    damping: Damping
    gone_at: float | None
    history: History
    gap: tuple[float, float] | None = None
    dirty: bool = False
    counted: bool = False
    """Its history has to be written."""
    missed_at: float | None = None
    """Since when its service does not list it any more."""

    @property
    def state(self) -> State:
        return self.report.state

    def pass_time(self, now: float, *, watching: bool) -> None:
        """Count the time since it was last counted; what nobody watched stays unknown."""
        begin = self.history.counted_at
        if now <= begin:
            return
        if watching and now - begin <= LONGEST_GAP:
            self.history.pass_time(self.state, now)
        else:
            self.history.skip(now)
            self.gap = (self.gap[0] if self.gap else begin, now)
        self.counted = True

    def fill(self, beats: Iterable[Beat]) -> None:
        """Count what a service remembers of the time that nobody watched. beats: of this monitor, oldest first."""
        if self.gap is None:
            return
        begin, end = self.gap
        known = [beat for beat in beats if begin - HOLD < beat.at < end]
        ends = [one.at for one in known[1:]] + [end] * bool(known)
        for beat, following in zip(known, ends, strict=True):
            state = of_item(Item(beat.name, beat.up, maintenance=beat.maintenance))
            until = min(following, beat.at + HOLD, end)
            for ring in self.history.rings.values():
                ring.count_time(state, max(begin, beat.at), until)
            if beat.response_ms is not None and beat.at >= begin:
                self.history.measured(beat.at, beat.response_ms)
        self.gap = None
        self.counted = True


def key_of(text: str) -> str:
    """A service's own key as it is stored."""
    if len(text) > _KEY:
        text = f"{text[:150]}#{hashlib.sha256(text.encode()).hexdigest()[:32]}"
    return _clean(text)


def report_of(item: Item, section: str) -> Report:
    """What a provider says of one thing. section: where it names no group."""
    key = key_of(item.key or item.name)
    return Report(
        key=key,
        name=_clean(item.name)[:_NAME] or key,
        state=of_item(item),
        section=_clean(item.group or section)[:_SECTION],
        message=_clean(item.message)[:_MESSAGE],
        url=item.url[:_URL] if item.url and item.url.startswith(("http://", "https://")) else None,
        response_ms=item.response_ms,
        certificate_ends_at=item.certificate_ends_at,
    )


def reports_of(items: Iterable[Item], section: str) -> dict[str, Report]:
    """By key; of those with the same key the worst one speaks."""
    found: dict[str, Report] = {}
    for item in items:
        report = report_of(item, section)
        known = found.get(report.key)
        if report.key != OWN and (known is None or known.state is not State.DOWN):
            found[report.key] = report
    return found


def load(row: Mapping[str, Any]) -> Watched:
    """row: of monitors joined with monitor_history."""
    return Watched(
        id=row["id"],
        instance_id=row["instance_id"],
        report=Report(
            key=row["key"],
            name=row["name"],
            state=State(row["state"]),
            section=row["section"],
            message=row["message"],
            url=row["url"],
            response_ms=row["response_ms"],
            certificate_ends_at=row["certificate_ends_at"],
        ),
        role=row["role"],
        needed=row["needed"],
        since_at=row["since_at"],
        seen_at=row["seen_at"],
        damping=Damping.load(row["damping"]),
        gone_at=row["gone_at"],
        history=History.load(row, row["counted_at"]),
    )


def row_of(watched: Watched) -> dict[str, Any]:
    """What observing changes of a monitor's row."""
    report = watched.report
    return {
        "name": report.name,
        "section": report.section,
        "url": report.url,
        "state": report.state.value,
        "message": report.message,
        "since_at": watched.since_at,
        "seen_at": watched.seen_at,
        "response_ms": report.response_ms,
        "certificate_ends_at": report.certificate_ends_at,
        "damping": watched.damping.stored(),
        "gone_at": watched.gone_at,
    }


def history_of(watched: Watched) -> dict[str, Any]:
    return {
        **{span.value: watched.history.rings[span].stored() for span in Span},
        "counted_at": watched.history.counted_at,
    }


def _clean(text: str) -> str:
    """Without what a database refuses or a page cannot show."""
    return "".join(one if one.isprintable() else " " for one in text).strip()
