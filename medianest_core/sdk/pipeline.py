"""Contributions around requests: media types, quota meters and the stages that a request passes on its way. Provisional."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from medianest_core.sdk.requests import RequestItem


@dataclass(frozen=True)
class MediaType:
    """Contribution: a kind of title, e.g. "movie". parent: the kind that holds it, as a show holds seasons. requestable: may people ask for it?"""

    name: str
    title: str
    plural: str
    icon: str = "film"
    parent: str | None = None
    requestable: bool = True


@dataclass(frozen=True)
class QuotaMeter:
    """Contribution: what a quota counts. unit: "requests", "bytes". measure(item) → how much of it the request takes."""

    name: str
    title: str
    unit: str
    measure: Callable[[RequestItem], Awaitable[float]]


class StageState(StrEnum):
    WAITING = "waiting"
    ACTIVE = "active"
    DONE = "done"
    STUCK = "stuck"


@dataclass(frozen=True, slots=True)
class Tracked:
    """A request that is on its way. reference: of the backend instance that took it, empty before."""

    id: str
    item: RequestItem
    backend: str
    reference: str = ""


@dataclass(frozen=True, slots=True)
class StageReport:
    """How far a request is in one stage. at: when it got there, epoch seconds. progress: 0 to 1. ends_at: expected end, epoch seconds.
    message: what happens, or why nothing does, in plain words. actions: names of the stage's actions that would help."""

    state: StageState
    at: float | None = None
    progress: float | None = None
    ends_at: float | None = None
    message: str = ""
    actions: Sequence[str] = ()


@dataclass(frozen=True)
class StageAction:
    """Something safe that an admin can do where a request is stuck, e.g. search again. handler(service client, request) → what was done."""

    name: str
    title: str
    handler: Callable[[Any, Tracked], Awaitable[str]]


@dataclass(frozen=True)
class PipelineStage:
    """Contribution: a step between "approved" and "available" that a service knows about.

    service: name of the service type. look(service client, requests) → request id → report, of those it knows; it is asked for many at once. order: smaller
    comes first; searched is 100, downloading 200, imported 300, scanned 400.
    """

    name: str
    title: str
    service: str
    look: Callable[[Any, Sequence[Tracked]], Awaitable[Mapping[str, StageReport]]]
    order: int = 100
    actions: Sequence[StageAction] = ()
