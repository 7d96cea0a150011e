"""What Jellyfin's Webhook plugin posts: JSON, often called plain text, with headers of the admin's choice and no signature.

With "Send All Properties" it posts everything it knows under fixed names; of these a few are read. The ids in it are Jellyfin's own,
which no other server knows: so a message says only that something changed, not what to read again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from medianest_core.builtin.posted import ANY_SERVER, is_admitted, object_of, text_of
from medianest_core.sdk import (
    N_,
    Delivery,
    Hint,
    Http,
    InvalidResponse,
    Secret,
    ServiceSettings,
    ServiceType,
    WebhookReceiver,
)

HEADER = "x-medianest-secret"
_ADDED, _DELETED = "itemadded", "itemdeleted"


class JellyfinSettings(ServiceSettings):
    server: str = Field(
        "",
        max_length=100,
        title=N_("Media server"),
        description=N_(
            "The server with the same files, by its name under Services. Empty: all media servers are looked at."
        ),
    )
    secret: Secret | None = Field(
        None,
        title=N_("Secret"),
        description=N_(
            "Jellyfin must send it in the header X-MediaNest-Secret. Without one the address alone protects."
        ),
    )


JELLYFIN: ServiceType[JellyfinSettings, Http] = ServiceType(
    "jellyfin",
    JellyfinSettings,
    title=N_("Jellyfin"),
    icon="bell",
    description=N_(
        "In its Webhook plugin add a generic destination with the address that the portal shows under Webhooks, choose Item Added and"
        " Item Deleted, and switch on Send All Properties."
    ),
)


class JellyfinWebhooks(WebhookReceiver[JellyfinSettings, Http]):
    service = JELLYFIN
    max_bytes = 200_000

    def verify(self, delivery: Delivery) -> bool:
        return is_admitted(delivery, HEADER, self.config.secret)

    def delivery_id(self, delivery: Delivery) -> str | None:
        return None

    def parse(self, delivery: Delivery) -> Hint | None:
        message = object_of(delivery, N_("This is not a message of Jellyfin's Webhook plugin."))
        what = text_of(message.get("NotificationType"))
        if not what:
            raise InvalidResponse(
                N_(
                    "The message has no NotificationType. Switch on Send All Properties in Jellyfin's Webhook plugin."
                )
            )
        about = self.config.server.strip() or ANY_SERVER
        if what.casefold() == "generic":
            return Hint("test", summary=N_("A test message"))
        facts = {"action": what, "kind": text_of(message.get("ItemType")).casefold()}
        if what.casefold() == _ADDED:
            summary = N_("New: {title}").format(title=_title(message))
            return Hint("library.changed", summary=summary, facts=facts, about=about)
        if what.casefold() == _DELETED:
            summary = N_("Gone: {title}").format(title=_title(message))
            return Hint("media.removed", summary=summary, facts=facts, about=about)
        return None


def _title(message: Mapping[str, Any]) -> str:
    """With the series of an episode or season."""
    name, series = text_of(message.get("Name")), text_of(message.get("SeriesName"))
    return f"{series}: {name}" if series and series != name else name or "?"
