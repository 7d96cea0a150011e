"""Notifier: carries a notification to a person outside the portal. Provisional.

The core owns who wants to hear of what, when, and how often a message is tried; a notifier hands one message to one address.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from medianest_core.sdk.capabilities import Capability, optional, unsupported
from medianest_core.sdk.errors import ProviderError, UserError
from medianest_core.sdk.service import C, Provider, S
from medianest_core.sdk.texts import N_


class NotifyCapability(Capability):
    RICH = "rich"
    ATTACHMENTS = "attachments"
    TEST = "test"
    TARGETS = "targets"
    BROWSER = "browser"
    """Addresses are push subscriptions that a browser makes, as JSON: {"endpoint", "keys": {"p256dh", "auth"}}."""


@dataclass(frozen=True, slots=True)
class MessageItem:
    """One of several news that a message tells. url: absolute, empty where there is none."""

    title: str
    body: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """title and body are plain text in the reader's language, `locale`. url: a page of the portal, absolute; path: the same below it.

    id: stays the same when the same message is tried again. notes: lines under the message, such as how to end it.
    unsubscribe_url: takes a POST of anybody and ends it. urgent: worth waking someone.

    For those that can show more than text: site: the portal's name. link_title: what to call the link to `url`. code: what is to be
    copied out of the message. items: the news of a summary one by one, more: how many others there are; `body` says all that as well.
    """

    title: str
    body: str
    url: str | None = None
    path: str = "/"
    id: str = ""
    notes: tuple[str, ...] = ()
    unsubscribe_url: str | None = None
    urgent: bool = False
    locale: str = "en"
    site: str = ""
    link_title: str = ""
    code: str = ""
    items: tuple[MessageItem, ...] = ()
    more: str = ""


class MaybeSent(ProviderError):
    """The message was handed over and no answer came: it may have arrived. It is not tried again by itself."""


class Notifier(Provider[S, C]):
    """target_*: what the field is called in which people enter an address; they may enter several.

    confirms: nothing but a code goes to an address before its owner has typed that code into the portal.
    """

    target_title: ClassVar[str] = N_("Address")
    target_help: ClassVar[str] = ""
    target_example: ClassVar[str] = ""
    confirms: ClassVar[bool] = False

    @classmethod
    def check_target(cls, target: str) -> str:
        """The address, tidied. Pure. Raises UserError."""
        if not (tidied := target.strip()):
            raise UserError(N_("Enter an address."), "target")
        return tidied

    @classmethod
    def shown(cls, target: str) -> str:
        """What of a checked address may be shown again; an address may hold secrets. Pure."""
        return "•••"

    @abstractmethod
    async def send(self, target: str, message: Message) -> None:
        """Deliver to one address. NotFound: there is no such address any more, and it is switched off. MaybeSent: see there."""

    @optional(NotifyCapability.TEST)
    async def test(self, target: str) -> None:
        """Send a message that says it is a test."""
        raise unsupported(self, NotifyCapability.TEST)

    @optional(NotifyCapability.BROWSER)
    async def browser_key(self) -> str:
        """The public key that browsers subscribe with: unpadded URL-safe Base64."""
        raise unsupported(self, NotifyCapability.BROWSER)
