"""What an admin enters for one Plex server."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from urllib.parse import quote

from pydantic import Field

from medianest_core.sdk import N_, HttpUrl, Secret, ServiceSettings

ACCOUNT_HOSTS = ("plex.tv:443", "clients.plex.tv:443", "app.plex.tv:443")
PEOPLE_HOST = "metadata-static.plex.tv"
"""Where Plex keeps photographs of actors; public, without any token."""

_NAMESPACE = uuid.UUID("6c1f9a0e-0d0c-5f5c-9a51-0f3c7d1e7f52")


class PlexSettings(ServiceSettings):
    """Address and token of a Plex Media Server, and the addresses of Plex's own services."""

    url: HttpUrl = Field(
        title=N_("Address"),
        description=N_("Where the Plex Media Server answers, as this portal reaches it."),
        examples=["http://192.168.1.20:32400"],
    )
    token: Secret = Field(
        title=N_("Token"),
        description=N_(
            "The X-Plex-Token of the server's owner. In Plex Web open any title, choose Get Info, then View XML: "
            "the token is the last part of the address."
        ),
    )
    client_identifier: str = Field(
        "",
        title=N_("Device identifier"),
        description=N_(
            "Under which identifier Plex knows this portal. Leave empty to let the portal make one that stays the same."
        ),
        max_length=80,
        json_schema_extra={"advanced": True},
    )
    account_url: HttpUrl = Field(
        HttpUrl("https://plex.tv"),
        title=N_("Account service"),
        description=N_("Where Plex accounts are kept."),
        json_schema_extra={"advanced": True},
    )
    discover_url: HttpUrl = Field(
        HttpUrl("https://discover.provider.plex.tv"),
        title=N_("Catalogue of Plex"),
        description=N_("Where people's watchlists are kept."),
        json_schema_extra={"advanced": True},
    )
    link_url: HttpUrl = Field(
        HttpUrl("https://plex.tv/link"),
        title=N_("Page for codes"),
        description=N_("Where people type the four characters of a sign-in code."),
        json_schema_extra={"advanced": True},
    )
    auth_url: HttpUrl = Field(
        HttpUrl("https://app.plex.tv/auth"),
        title=N_("Page for the sign-in window"),
        description=N_("What the sign-in window opens."),
        json_schema_extra={"advanced": True},
    )
    web_url: HttpUrl = Field(
        HttpUrl("https://app.plex.tv"),
        title=N_("Plex Web"),
        description=N_("Where “Play in Plex” leads."),
        json_schema_extra={"advanced": True},
    )

    def hosts(self) -> Sequence[str]:
        """The hosts of all addresses above, Plex's account service and its photographs."""
        return sorted({*super().hosts(), *ACCOUNT_HOSTS, f"{PEOPLE_HOST}:443"})

    def account_base(self) -> str:
        """The account service's address without a trailing slash."""
        return str(self.account_url).rstrip("/")

    def discover_base(self) -> str:
        """The catalogue's address without a trailing slash."""
        return str(self.discover_url).rstrip("/")

    def web_link(self, machine: str, key: str) -> str:
        """Address of a title in Plex Web."""
        details = quote(f"/library/metadata/{key}", safe="")
        return f"{str(self.web_url).rstrip('/')}/desktop/#!/server/{machine}/details?key={details}"

    def device_identifier(self, salt: str) -> str:
        """The identifier to send: the configured one, else one derived from `salt`, so that it never changes by itself."""
        return self.client_identifier.strip() or str(uuid.uuid5(_NAMESPACE, salt))
