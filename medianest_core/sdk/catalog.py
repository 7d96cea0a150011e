"""Catalog: knows titles that exist in the world, whether the household has them or not. Provisional."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from medianest_core.sdk.capabilities import Capability, optional, unsupported
from medianest_core.sdk.service import C, Provider, S


class CatalogCapability(Capability):
    DISCOVER = "discover"
    EXTERNAL_IDS = "external_ids"
    IMAGES = "images"


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """One title. image: absolute address of a poster, or None."""

    kind: str
    ids: Mapping[str, str]
    title: str
    year: int | None = None
    summary: str = ""
    image: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)


class Catalog(Provider[S, C]):
    @abstractmethod
    async def search(self, text: str, page: int = 1) -> Sequence[CatalogEntry]:
        """Titles that match, best first."""

    @abstractmethod
    async def details(self, kind: str, ids: Mapping[str, str]) -> CatalogEntry:
        """Everything known about one title. Raises NotFound."""

    @optional(CatalogCapability.DISCOVER)
    async def discover(self, feed: str, page: int = 1) -> Sequence[CatalogEntry]:
        """A feed such as "trending"."""
        raise unsupported(self, CatalogCapability.DISCOVER)
