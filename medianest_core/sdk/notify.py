"""Notifier: carries a notification to a person outside the portal. Provisional."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

from medianest_core.sdk.capabilities import Capability, optional, unsupported
from medianest_core.sdk.service import C, Provider, S


class NotifyCapability(Capability):
    RICH = "rich"
    ATTACHMENTS = "attachments"
    TEST = "test"
    TARGETS = "targets"


@dataclass(frozen=True, slots=True)
class Message:
    """title and body are plain text. url: a page of the portal, absolute."""

    title: str
    body: str
    url: str | None = None


class Notifier(Provider[S, C]):
    @abstractmethod
    async def send(self, target: str, message: Message) -> None:
        """Deliver to one address."""

    @optional(NotifyCapability.TEST)
    async def test(self, target: str) -> None:
        """Send a message that says it is a test."""
        raise unsupported(self, NotifyCapability.TEST)
