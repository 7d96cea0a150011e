"""RequestBackend: takes over a request for a title that the household does not have yet. Provisional."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from medianest_core.sdk.capabilities import Capability, optional, unsupported
from medianest_core.sdk.service import C, Provider, S


class RequestCapability(Capability):
    CANCEL = "cancel"
    LIST = "list"
    OPTIONS = "options"
    APPROVE = "approve"
    ISSUES = "issues"


@dataclass(frozen=True, slots=True)
class RequestItem:
    """What is asked for. seasons: numbers, for shows; empty means all."""

    kind: str
    ids: Mapping[str, str]
    title: str
    seasons: Sequence[int] = ()
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RequestState:
    """reference: the backend's id. status: pending, processing, partially_available, available, declined or failed."""

    reference: str
    status: str
    message: str = ""


class RequestBackend(Provider[S, C]):
    @abstractmethod
    async def submit(self, item: RequestItem, user: str) -> RequestState:
        """Send a request on behalf of `user` (the backend's user id, or empty for the owner)."""

    @abstractmethod
    async def state(self, reference: str) -> RequestState:
        """Where a request stands now."""

    @optional(RequestCapability.CANCEL)
    async def cancel(self, reference: str) -> None:
        """Withdraw a request."""
        raise unsupported(self, RequestCapability.CANCEL)

    @optional(RequestCapability.LIST)
    async def list(self, since: float) -> Sequence[RequestState]:
        """Requests changed since `since` (epoch seconds)."""
        raise unsupported(self, RequestCapability.LIST)
