"""Events: "something happened", with a name, a schema and an audience.

An event is stored with a growing sequence number in the transaction that caused it, sent live to its audience, and handed to
listeners: inline ones in the emitting process, durable ones as jobs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict


class Event(BaseModel):
    """Base of every event. `name` as "area:what"; a plugin's start with its own name. Fields are JSON types."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: ClassVar[str]
    transient: ClassVar[bool] = False
    """Transient events (progress) are sent live and kept only briefly; losing one loses nothing."""


@dataclass(frozen=True, slots=True)
class Audience:
    """Who receives an event live: a room. Use the constructors; the server joins sockets to rooms, never the client."""

    room: str

    @classmethod
    def user(cls, user_id: str) -> Audience:
        return cls(f"user:{user_id}")

    @classmethod
    def downloads(cls, user_id: str) -> Audience:
        return cls(f"downloads:{user_id}")

    @classmethod
    def everyone(cls) -> Audience:
        """All active accounts."""
        return cls("everyone")

    @classmethod
    def library(cls) -> Audience:
        return cls("library")

    @classmethod
    def status(cls, role: str = "") -> Audience:
        """Those who look at what is up. role: only people with this role."""
        return cls(f"status-updates:{role}" if role else "status-updates")

    @classmethod
    def admins(cls) -> Audience:
        return cls("admins")

    @classmethod
    def nobody(cls) -> Audience:
        """Only listeners in the server."""
        return cls("")


@dataclass(frozen=True, slots=True)
class Listener:
    """Contribution: call `handler(context, event)` for each event of the type.

    durable: run as a job that survives a crash and is retried; else in the emitting process, after commit.
    """

    event: type[Event]
    handler: Callable[[Any, Any], Awaitable[None]]
    durable: bool = False
