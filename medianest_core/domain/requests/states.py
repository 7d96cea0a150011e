"""The states of a request, and which of them may follow which: one pure function that every change goes through."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from medianest_core.base.texts import N_
from medianest_core.sdk.errors import MediaNestError


class State(StrEnum):
    PENDING = "pending"
    """It waits for an admin."""
    HELD = "held"
    """Something stands against it for now: a plugin's doubt (an admin decides), or a service that is away (it goes on by itself)."""
    APPROVED = "approved"
    SUBMITTING = "submitting"
    """It is being sent; until the answer is known nobody else sends it."""
    PROCESSING = "processing"
    PARTIALLY_AVAILABLE = "partially_available"
    AVAILABLE = "available"
    DECLINED = "declined"
    FAILED = "failed"
    CANCELLED = "cancelled"


TERMINAL = frozenset({State.AVAILABLE, State.DECLINED, State.CANCELLED})
"""Nothing follows these."""
OPEN = frozenset(State) - TERMINAL - {State.FAILED}
"""Something is still going to happen; a second wish for the same joins these."""
UNDECIDED = frozenset({State.PENDING, State.HELD})

_END = frozenset({State.AVAILABLE, State.DECLINED, State.CANCELLED, State.FAILED})
_FOLLOWS: Mapping[State, frozenset[State]] = {
    State.PENDING: _END | {State.APPROVED, State.HELD},
    State.HELD: _END | {State.APPROVED, State.PENDING},
    State.APPROVED: _END | {State.SUBMITTING, State.HELD},
    State.SUBMITTING: _END | {State.PROCESSING, State.PARTIALLY_AVAILABLE, State.HELD},
    State.PROCESSING: _END | {State.PARTIALLY_AVAILABLE},
    State.PARTIALLY_AVAILABLE: _END | {State.PROCESSING},
    State.FAILED: frozenset({State.APPROVED, State.AVAILABLE, State.CANCELLED, State.DECLINED}),
    **dict.fromkeys(TERMINAL, frozenset()),
}


class NotPossible(MediaNestError):
    """The request is in a state in which this cannot be done (409)."""


def step(before: State, wanted: State) -> bool:
    """Whether this is a change: True for one that may happen, False where it is so already. Raises NotPossible."""
    if before is wanted:
        return False
    if wanted not in _FOLLOWS[before]:
        raise NotPossible(N_("This request is past that point."))
    return True


def may(before: State, wanted: State) -> bool:
    """Whether `wanted` may follow."""
    return wanted in _FOLLOWS[before]
