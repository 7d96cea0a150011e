"""What an admin enters for one Overseerr, Jellyseerr or Seerr."""

from __future__ import annotations

import hashlib
import hmac

from pydantic import Field

from medianest_core.sdk import N_, HttpUrl, Secret, ServiceSettings


class SeerrSettings(ServiceSettings):
    """Address and API key of a request manager, and who approves."""

    url: HttpUrl = Field(
        title=N_("Address"),
        description=N_("Where it answers, as this portal reaches it; with its sub-path, if it has one."),
        examples=["http://192.168.1.20:5055"],
    )
    api_key: Secret = Field(
        title=N_("API key"),
        description=N_("In Overseerr or Seerr open Settings, then General, and copy the API key."),
    )
    approve_there: bool = Field(
        False,
        title=N_("Approve there again"),
        description=N_(
            "Normally what is approved in this portal is approved there at once. Switch on to let each person's own rights there "
            "decide, so that a request may wait for approval a second time."
        ),
    )
    webhook_secret: Secret = Field(
        Secret(""),
        title=N_("Secret of its messages"),
        description=N_(
            "What it sends as its authorization header with each message. Leave empty: the portal makes one and enters it there "
            "when it registers itself."
        ),
        json_schema_extra={"advanced": True},
    )
    image_url: HttpUrl = Field(
        HttpUrl("https://image.tmdb.org/t/p"),
        title=N_("Address of posters"),
        description=N_("Where the posters of titles come from."),
        json_schema_extra={"advanced": True},
    )
    verify_tls: bool = Field(
        True,
        title=N_("Check the certificate"),
        description=N_("Switch off only for an address with a certificate of your own making."),
        json_schema_extra={"advanced": True},
    )

    def message_secret(self) -> str:
        """What its messages must carry: the entered secret, else one made of the API key, which both sides know."""
        entered = self.webhook_secret.reveal()
        if entered:
            return entered
        key = self.api_key.reveal().encode()
        return "MediaNest " + hmac.new(key, b"medianest webhook", hashlib.sha256).hexdigest()

    def image_base(self) -> str:
        """Without a trailing slash."""
        return str(self.image_url).rstrip("/")
