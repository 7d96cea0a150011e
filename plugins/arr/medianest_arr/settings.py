"""What an admin enters for one Radarr or Sonarr."""

from __future__ import annotations

from pydantic import Field

from medianest_core.sdk import HttpUrl, Secret, ServiceSettings


class ArrSettings(ServiceSettings):
    """What both need."""

    url: HttpUrl = Field(
        title="Address",
        description="Where it answers, as this portal reaches it; with its URL base, if it has one.",
        examples=["http://192.168.1.20:7878"],
    )
    api_key: Secret = Field(
        title="API key",
        description="Copy it from Settings, General, Security. It is needed also where sign-in is off.",
    )
    verify_tls: bool = Field(
        True,
        title="Check the certificate",
        description="Switch off only for an address with a certificate of your own making.",
        json_schema_extra={"advanced": True},
    )


class RadarrSettings(ArrSettings):
    """Address and API key of a Radarr."""


class SonarrSettings(ArrSettings):
    """Address and API key of a Sonarr."""

    url: HttpUrl = Field(
        title="Address",
        description="Where it answers, as this portal reaches it; with its URL base, if it has one.",
        examples=["http://192.168.1.20:8989"],
    )
