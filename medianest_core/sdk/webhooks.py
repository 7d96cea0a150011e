"""WebhookReceiver: understands what a service posts to us.

The payload is only a hint: handlers read the state again from the service. `verify`, `delivery_id` and `parse` are pure and
run before anything is stored.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from medianest_core.sdk.capabilities import Capability, optional, unsupported
from medianest_core.sdk.service import C, Provider, S


class WebhookCapability(Capability):
    REGISTER = "register"
    UNREGISTER = "unregister"
    PING = "ping"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A request as it came in. headers: lower-case names. body: raw bytes, at most `WebhookReceiver.max_bytes`."""

    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Hint:
    """What a delivery is about.

    topic: "media.changed" (keys: source keys to read again; of a service that lists no media itself, ids that others know titles by:
    "tmdb:603", "tvdb:81189/1x2" for an episode, and "title:Heat" so that servers can be searched), "media.removed", "library.changed", "request.changed" (keys: the service's
    ids of requests), "issue.changed", "status.changed", "test", or one of the plugin's own. summary: one line for the delivery log.
    about: whose things these are where the sender speaks of another service than itself: its id, name or title; "*": any that
    it may concern, and then the keys say nothing.
    """

    topic: str
    keys: Sequence[str] = ()
    summary: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    about: str = ""


class WebhookReceiver(Provider[S, C]):
    max_bytes: ClassVar[int] = 1_000_000

    @abstractmethod
    def verify(self, delivery: Delivery) -> bool:
        """Is this from our service? The secret in the address has been checked already; check what else there is."""

    @abstractmethod
    def delivery_id(self, delivery: Delivery) -> str | None:
        """The service's id of this delivery, or None where it has none: equal hints then coalesce."""

    @abstractmethod
    def parse(self, delivery: Delivery) -> Hint | None:
        """What it is about, or None where it is of no interest. Raises InvalidResponse for what is not understood."""

    @optional(WebhookCapability.REGISTER)
    async def register(self, url: str) -> None:
        """Tell the service to post to `url`."""
        raise unsupported(self, WebhookCapability.REGISTER)

    @optional(WebhookCapability.UNREGISTER)
    async def unregister(self, url: str) -> None:
        """Tell the service to stop."""
        raise unsupported(self, WebhookCapability.UNREGISTER)
