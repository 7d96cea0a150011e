"""StatusProvider: is the service up, and what does it say about the things it watches?"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from medianest_core.sdk.capabilities import Capability, optional, unsupported
from medianest_core.sdk.service import C, Provider, S


class StatusCapability(Capability):
    HISTORY = "history"
    WATCH = "watch"
    INCIDENTS = "incidents"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that is up or not.

    up None: unknown or paused. response_ms: milliseconds. key: the service's own id of it, where names may repeat or change; the name otherwise.
    maintenance: it is announced to be away now. certificate_ends_at: epoch seconds. url: where people find it.
    """

    name: str
    up: bool | None
    message: str = ""
    response_ms: float | None = None
    group: str = ""
    key: str = ""
    maintenance: bool = False
    certificate_ends_at: float | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of all items now."""

    items: Sequence[Item]
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Beat:
    """One past observation. name: the item's key, or its name where it has none. at: epoch seconds."""

    name: str
    at: float
    up: bool | None
    response_ms: float | None = None
    message: str = ""
    maintenance: bool = False


@dataclass(frozen=True, slots=True)
class Incident:
    """Something announced. started_at, ended_at: epoch seconds; ended_at None while it lasts."""

    title: str
    started_at: float
    ended_at: float | None = None
    message: str = ""
    key: str = ""
    planned: bool = False
    """A maintenance window."""


class StatusProvider(Provider[S, C]):
    own_row: ClassVar[bool] = True
    """Whether the instance itself is listed beside its items. False where they are all there is to say about it."""

    @abstractmethod
    async def snapshot(self) -> Snapshot:
        """The state now; the cheapest call that tells it."""

    @optional(StatusCapability.HISTORY)
    async def history(self, since: float) -> Sequence[Beat]:
        """Observations since `since` (epoch seconds), oldest first."""
        raise unsupported(self, StatusCapability.HISTORY)

    @optional(StatusCapability.WATCH)
    def watch(self) -> AsyncIterator[Snapshot]:
        """Snapshots as they change, for as long as the caller iterates."""
        raise unsupported(self, StatusCapability.WATCH)

    @optional(StatusCapability.INCIDENTS)
    async def incidents(self) -> Sequence[Incident]:
        """Open and recent incidents, newest first."""
        raise unsupported(self, StatusCapability.INCIDENTS)
