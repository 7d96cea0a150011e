"""A handle: one provider of one instance, as the domains use it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Generic

from typing_extensions import TypeVar

from medianest_core.host.instance import InstanceInfo
from medianest_core.sdk.capabilities import Capability
from medianest_core.sdk.errors import NotReady
from medianest_core.sdk.service import Provider

P = TypeVar("P", bound=Provider[Any, Any])


@dataclass(frozen=True)
class Handle(Generic[P]):
    """api: the provider's methods, each through the guard. Those of an instance that is not connected raise NotReady with
    the reason."""

    instance: InstanceInfo
    api: P
    capabilities: frozenset[Capability] = field(default_factory=frozenset)

    def can(self, capability: Capability) -> bool:
        return capability in self.capabilities


class Unavailable:
    """Stands in for a provider that could not be made yet."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise NotReady(self._reason)
