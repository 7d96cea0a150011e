"""Optional abilities of providers.

A provider kind lists its optional methods by marking them with a member of its capability enum. A provider has a
capability when it overrides the method; calling one that is not overridden raises `Unsupported` by itself. So an optional
method added later breaks no provider.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar

from medianest_core.sdk.errors import Unsupported
from medianest_core.sdk.texts import N_

F = TypeVar("F", bound=Callable[..., Any])
_MARK = "__medianest_capability__"


class Capability(StrEnum):
    """Base of each kind's capability enum."""


def optional(capability: Capability) -> Callable[[F], F]:
    """Mark a base-class method as the default of an optional ability."""

    def mark(function: F) -> F:
        setattr(function, _MARK, capability)
        return function

    return mark


def unsupported(provider: object, capability: Capability) -> Unsupported:
    """The error that a default implementation raises."""
    return Unsupported(
        N_("{provider} does not support {capability}.").format(
            provider=type(provider).__name__, capability=capability.value
        )
    )


def capabilities_of(provider: type) -> frozenset[Capability]:
    """The capabilities whose methods the class overrides."""
    found: set[Capability] = set()
    for base in provider.__mro__:
        for name, member in vars(base).items():
            mark = getattr(member, _MARK, None)
            if isinstance(mark, Capability) and not hasattr(getattr(provider, name), _MARK):
                found.add(mark)
    return frozenset(found)
