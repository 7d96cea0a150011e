"""What an admin enters for one Radarr or Sonarr."""

from __future__ import annotations

from pydantic import Field

from medianest_core.sdk import N_, HttpUrl, Secret, ServiceSettings


class ArrSettings(ServiceSettings):
    """What both need."""

    url: HttpUrl = Field(
        title=N_("Address"),
        description=N_("Where it answers, as this portal reaches it; with its URL base, if it has one."),
        examples=["http://192.168.1.20:7878"],
    )
    api_key: Secret = Field(
        title=N_("API key"),
        description=N_("Copy it from Settings, General, Security. It is needed also where sign-in is off."),
    )
    uhd: bool = Field(
        False,
        title=N_("Keeps the 4K copies"),
        description=N_(
            "Switch on for an instance that holds nothing but 4K: requests for 4K go to it, all others do not."
        ),
    )
    quality_profile: str = Field(
        "",
        title=N_("Quality profile"),
        description=N_("Its name there, for requests that name none. Empty: the first."),
        examples=["HD-1080p"],
        json_schema_extra={"advanced": True},
    )
    root_folder: str = Field(
        "",
        title=N_("Root folder"),
        description=N_(
            "Where new titles are kept, as the service sees it, for requests that name none. Empty: the one with the most space."
        ),
        examples=["/data/movies"],
        json_schema_extra={"advanced": True},
    )
    tags: str = Field(
        "",
        title=N_("Tags"),
        description=N_("Names of tags that each requested title gets, with commas between them."),
        examples=["portal"],
        json_schema_extra={"advanced": True},
    )
    webhook_user: str = Field(
        "",
        title=N_("User name of its messages"),
        description=N_("As entered in its connection under Settings, Connect. Empty: medianest."),
        json_schema_extra={"advanced": True},
    )
    webhook_password: Secret = Field(
        Secret(""),
        title=N_("Password of its messages"),
        description=N_(
            "When set, only messages that carry it are taken: as basic authentication or in the header X-Webhook-Secret."
        ),
        json_schema_extra={"advanced": True},
    )
    verify_tls: bool = Field(
        True,
        title=N_("Check the certificate"),
        description=N_("Switch off only for an address with a certificate of your own making."),
        json_schema_extra={"advanced": True},
    )


class RadarrSettings(ArrSettings):
    """Address and API key of a Radarr."""


class SonarrSettings(ArrSettings):
    """Address and API key of a Sonarr."""

    url: HttpUrl = Field(
        title=N_("Address"),
        description=N_("Where it answers, as this portal reaches it; with its URL base, if it has one."),
        examples=["http://192.168.1.20:8989"],
    )
