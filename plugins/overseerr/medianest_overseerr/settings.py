"""What an admin enters for one Overseerr, Jellyseerr or Seerr."""

from __future__ import annotations

from pydantic import Field

from medianest_core.sdk import HttpUrl, Secret, ServiceSettings


class SeerrSettings(ServiceSettings):
    """Address and API key of a request manager."""

    url: HttpUrl = Field(
        title="Address",
        description="Where it answers, as this portal reaches it; with its sub-path, if it has one.",
        examples=["http://192.168.1.20:5055"],
    )
    api_key: Secret = Field(
        title="API key",
        description="In Overseerr or Seerr open Settings, then General, and copy the API key.",
    )
    verify_tls: bool = Field(
        True,
        title="Check the certificate",
        description="Switch off only for an address with a certificate of your own making.",
        json_schema_extra={"advanced": True},
    )
