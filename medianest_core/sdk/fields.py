"""FieldOwner: a service that knows fields of titles that it does not list itself, found by external ids."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from medianest_core.sdk.capabilities import Capability, optional, unsupported
from medianest_core.sdk.service import C, Provider, S


class FieldCapability(Capability):
    CHANGES = "changes"
    WRITE_BACK = "write_back"


@dataclass(frozen=True, slots=True)
class TitleKey:
    """How an owner is asked about a title: its kind and external ids."""

    id: str
    kind: str
    ids: Mapping[str, str]
    title: str
    year: int | None


@dataclass(frozen=True, slots=True)
class FieldReport:
    """values: title id → field → value. probed: ids that were really looked at. complete: all asked ids were."""

    values: Mapping[str, Mapping[str, Any]]
    probed: frozenset[str]
    complete: bool


class FieldOwner(Provider[S, C]):
    reading: int = 1
    """Raised by a version that reads more out of the same answers, or reads them otherwise: all titles are then asked about again,
    once. Where `fields` names others this happens by itself."""

    @abstractmethod
    def fields(self) -> Mapping[str, Sequence[str]]:
        """kind → names of the fields it can know."""

    @abstractmethod
    async def report(self, keys: Sequence[TitleKey]) -> FieldReport:
        """What it knows of these titles. A title that was not probed loses nothing."""

    @optional(FieldCapability.CHANGES)
    def changes(self, since: float) -> AsyncIterator[Mapping[str, str]]:
        """External ids of titles that changed since `since` (epoch seconds)."""
        raise unsupported(self, FieldCapability.CHANGES)

    @optional(FieldCapability.WRITE_BACK)
    async def write_back(self, key: TitleKey, values: Mapping[str, Any]) -> None:
        """Store values at the service."""
        raise unsupported(self, FieldCapability.WRITE_BACK)
