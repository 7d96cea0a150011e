"""What services tell of, and who looks into it: each domain names the topics that it follows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from medianest_core.sdk.storage import Transaction


@dataclass(frozen=True, slots=True)
class Told:
    """Something may have changed at a service. instance_id: at which one. keys: in that service's own terms; none: nobody knows
    what exactly."""

    instance_id: str
    topic: str
    keys: Sequence[str] = ()


Follower = Callable[[Transaction, Told], Awaitable[str]]
"""Writes in the transaction what has to follow, such as a job, and returns its name; empty where it does not concern it."""
Followers = Mapping[str, Follower]
"""By topic."""
