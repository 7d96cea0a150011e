"""What Tautulli posts: JSON from a template that the admin pastes there, with headers of their choice and no signature.

It speaks of a media server, not of itself: its keys are that server's.
"""

from __future__ import annotations

import json

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
TEMPLATE = json.dumps(
    {
        "action": "{action}",
        "media_type": "{media_type}",
        "title": "{title}",
        "rating_key": "{rating_key}",
        "parent_rating_key": "{parent_rating_key}",
        "grandparent_rating_key": "{grandparent_rating_key}",
    },
    indent=2,
)
"""What the admin pastes as JSON data of its webhook agent, for "Recently Added" and the triggers that tell of the server."""
_UP_OR_DOWN = {
    "intdown": N_("The media server does not answer Tautulli."),
    "extdown": N_("The media server cannot be reached from outside."),
    "intup": N_("The media server answers Tautulli again."),
    "extup": N_("The media server can be reached from outside again."),
}
_LEAVES = ("movie", "episode", "track")


class TautulliSettings(ServiceSettings):
    server: str = Field(
        "",
        max_length=100,
        title=N_("Media server"),
        description=N_("Its name in the portal, as under Services. Empty: all media servers are looked at."),
    )
    secret: Secret | None = Field(
        None,
        title=N_("Secret"),
        description=N_(
            "Tautulli must send it in the header X-MediaNest-Secret. Without one the address alone protects."
        ),
    )


TAUTULLI: ServiceType[TautulliSettings, Http] = ServiceType(
    "tautulli",
    TautulliSettings,
    title=N_("Tautulli"),
    icon="bell",
    description=N_(
        "Add a notification agent of type Webhook there, with method POST and the address that the portal shows under Webhooks."
        " As JSON data of the triggers that tell of new media and of the server, paste the text from the guide."
    ),
)


class TautulliWebhooks(WebhookReceiver[TautulliSettings, Http]):
    service = TAUTULLI
    max_bytes = 100_000

    def verify(self, delivery: Delivery) -> bool:
        return is_admitted(delivery, HEADER, self.config.secret)

    def delivery_id(self, delivery: Delivery) -> str | None:
        return None

    def parse(self, delivery: Delivery) -> Hint | None:
        message = object_of(delivery, N_("This is not a message of Tautulli with the text from the guide."))
        action = text_of(message.get("action")).casefold()
        about = self.config.server.strip() or ANY_SERVER
        if not action:
            raise InvalidResponse(
                N_("The message has no action. Paste the text from the guide into Tautulli.")
            )
        if action == "test":
            return Hint("test", summary=N_("A test message"))
        if action in _UP_OR_DOWN:
            return Hint("status.changed", summary=_UP_OR_DOWN[action], about=about)
        if action != "created":
            return None
        title = text_of(message.get("title")) or "?"
        kind = text_of(message.get("media_type"))
        summary = N_("New: {title}").format(title=title)
        keys = [
            key
            for name in ("grandparent_rating_key", "parent_rating_key", "rating_key")
            if (key := text_of(message.get(name))).isdigit()
        ]
        facts = {"action": action, "kind": kind}
        if about == ANY_SERVER or kind not in _LEAVES or not keys:
            # Of a series or an album it tells once for everything new below it.
            return Hint("library.changed", summary=summary, facts=facts, about=about)
        return Hint("media.changed", keys, summary, facts, about=about)
