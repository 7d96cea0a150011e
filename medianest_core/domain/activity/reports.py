"""What stages answer: checked before it is believed, and compared with what they said before."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from medianest_core.sdk.errors import InvalidResponse
from medianest_core.sdk.pipeline import StageReport, StageState

LONGEST = 1000
_LATE = 20.0
"""Seconds by which an expected end may move before anyone is told."""


@dataclass(frozen=True, slots=True)
class Said:
    """A report as it is kept. at, ends_at: epoch seconds. progress: 0 to 1."""

    state: StageState
    at: float | None = None
    progress: float | None = None
    ends_at: float | None = None
    message: str = ""
    actions: tuple[str, ...] = ()


def believed(answer: object, asked: Collection[str], actions: Collection[str]) -> dict[str, Said]:
    """Request id → report, of those that were asked for; a report that is none is left out. actions: names that the stage has. Raises
    InvalidResponse for what is no answer at all."""
    if not isinstance(answer, Mapping):
        raise InvalidResponse("The service answered with something that is not understood.")
    found = {name: _said(one, actions) for name, one in answer.items() if name in asked}
    if found and not any(found.values()):
        raise InvalidResponse("The service answered with something that is not understood.")
    return {name: one for name, one in found.items() if one is not None}


def _said(report: object, actions: Collection[str]) -> Said | None:
    if not isinstance(report, StageReport) or not isinstance(report.state, StageState):
        return None
    share = _number(report.progress)
    offered = report.actions if isinstance(report.actions, list | tuple) else ()
    return Said(
        report.state,
        _number(report.at),
        None if share is None else min(1.0, max(0.0, share)),
        _number(report.ends_at),
        report.message[:LONGEST] if isinstance(report.message, str) else "",
        tuple(name for name in offered if name in actions),
    )


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    number = float(value)
    return number if math.isfinite(number) and 0 <= number < 1e11 else None


def percent(said: Said) -> int | None:
    """Whole percents, as people see them; never 100 before it is done."""
    if said.progress is None:
        return None
    rounded = round(said.progress * 100)
    return rounded if said.progress >= 1.0 else min(rounded, 99)


def same(before: Said | None, after: Said | None) -> bool:
    """Whether people would see no difference."""
    if before is None or after is None:
        return before is after
    return (
        (before.state, before.message, before.actions) == (after.state, after.message, after.actions)
        and percent(before) == percent(after)
        and _near(before.at, after.at, 1.0)
        and _near(before.ends_at, after.ends_at, _LATE)
    )


def _near(one: float | None, other: float | None, within: float) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= within


def kept(before: Mapping[str, Said], answer: Mapping[str, Said], asked: Collection[str]) -> dict[str, Said]:
    """What is known of the requests that were asked for: what the stage says now, and of those it does not name any more only what it called
    done: done goes back only by its own word."""
    found: dict[str, Said] = {}
    for name in asked:
        said = answer.get(name)
        if said is None and (old := before.get(name)) is not None and old.state is StageState.DONE:
            said = old
        if said is not None:
            found[name] = said
    return found
