"""What the way of a request looks like from outside: plain values, as pages, the API and live updates show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from medianest_core.domain.requests.entries import Decision, Request
from medianest_core.sdk.pipeline import StageState


@dataclass(frozen=True, slots=True)
class Offer:
    """Something safe that an admin can do about a stage. title: in English, as the plugin says it."""

    name: str
    title: str


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the way.

    key: "decision.<number>", "stage.<name>" or "ahead.<state>", different within one timeline. kind: "decision" (`decision` says which), "stage" of a service, or "ahead"
    for what is still to come. title: of a stage, in English; of another step its state. plugin, instance_id, service: whose word it is (service: its name). at:
    when it got there. progress: 0 to 1. ends_at: expected end. Times: epoch seconds. message: what happens, or why nothing does.
    """

    key: str
    kind: str
    title: str
    state: StageState
    at: float | None = None
    progress: float | None = None
    ends_at: float | None = None
    message: str = ""
    plugin: str = ""
    instance_id: str = ""
    service: str = ""
    stage: str = ""
    actions: Sequence[Offer] = ()
    decision: Decision | None = None


@dataclass(frozen=True, slots=True)
class Silence:
    """A service that does not answer now. since_at: since when. answered_at: when it last did; what is shown of it is from then."""

    instance_id: str
    title: str
    since_at: float
    reason: str = ""
    answered_at: float | None = None


@dataclass(frozen=True, slots=True)
class Timeline:
    """The whole way of a request: what was decided, what services say, what is still to come. now: the step that it is at; None where no service
    says anything."""

    request_id: str
    steps: Sequence[Step]
    now: Step | None = None
    silent: Sequence[Silence] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class InFlight:
    """A request on its way, and the step that it is at."""

    request: Request
    now: Step | None


@dataclass(frozen=True, slots=True)
class InFlightPage:
    """next_cursor: None at the end."""

    items: Sequence[InFlight]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Done:
    """What came of an action, in a sentence."""

    message: str
