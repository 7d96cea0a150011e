"""What a check found, in words for the person who runs the portal.

The words are English; whoever shows them in another language finds them in the catalogues again (see `texts.N_`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from medianest_core.base.texts import N_

MOST_SKEW = 30.0
"""Seconds that clocks may differ: one-time codes and signed messages are refused by then."""


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"
    """Works, but will disappoint somebody."""
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """check: what was looked at. text: what was found. remedy: what to do, "" where nothing needs doing."""

    check: str
    level: Level
    text: str
    remedy: str = ""


def ok(check: str, text: str) -> Finding:
    return Finding(check, Level.OK, text)


def warning(check: str, text: str, remedy: str) -> Finding:
    return Finding(check, Level.WARNING, text, remedy)


def problem(check: str, text: str, remedy: str) -> Finding:
    return Finding(check, Level.PROBLEM, text, remedy)


def clock(check: str, whose: str, ahead: float) -> Finding:
    """ahead: seconds by which this machine's clock is ahead of that other one."""
    if abs(ahead) <= MOST_SKEW:
        return ok(check, N_("This machine and {who} agree about the time.").format(who=whose))
    text = (
        N_("This machine's clock is {seconds} seconds ahead of that of {who}.")
        if ahead > 0
        else N_("This machine's clock is {seconds} seconds behind that of {who}.")
    )
    return problem(
        check,
        text.format(seconds=f"{abs(ahead):.0f}", who=whose),
        N_("Let both take the time from the network: `timedatectl set-ntp true`."),
    )
