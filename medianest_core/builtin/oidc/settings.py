"""What an admin fills in for an OpenID Connect provider."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field, HttpUrl, field_validator

from medianest_core.sdk import N_, Secret, ServiceSettings


class OidcSettings(ServiceSettings):
    """url: the issuer, without /.well-known/…"""

    url: HttpUrl = Field(
        title=N_("Issuer"),
        description=N_(
            "The provider's address, without /.well-known/openid-configuration. Register /sign-in/return of this portal as the address it may lead back to."
        ),
        examples=["https://auth.example.org/application/o/medianest/"],
    )
    client_id: str = Field(title=N_("Client id"), min_length=1, max_length=255)
    client_secret: Secret | None = Field(
        None, title=N_("Client secret"), description=N_("Empty for a public client; PKCE is used either way.")
    )
    name: str = Field(
        "OpenID Connect",
        title=N_("Name on the button"),
        min_length=1,
        max_length=40,
        examples=["Authentik"],
    )
    allowed_groups: list[str] = Field(
        default_factory=list,
        title=N_("Groups that may come in"),
        description=N_("Empty: everybody whom the provider lets in."),
    )
    admin_groups: list[str] = Field(
        default_factory=list,
        title=N_("Groups whose members are admins"),
        description=N_("With any named here, the provider decides who is an admin at each sign-in."),
    )
    groups_claim: str = Field(
        "groups",
        title=N_("Claim with the groups"),
        description=N_("Dots lead into objects."),
        examples=["groups", "realm_access.roles"],
        max_length=100,
        json_schema_extra={"advanced": True},
    )
    scopes: str = Field(
        "openid profile email groups",
        title=N_("Scopes"),
        description=N_("Those that the provider does not offer are left out."),
        max_length=300,
        json_schema_extra={"advanced": True},
    )
    sign_out_there: bool = Field(
        False,
        title=N_("Signing out here signs out there too"),
        json_schema_extra={"advanced": True},
    )
    more_hosts: list[str] = Field(
        default_factory=list,
        title=N_("Further hosts"),
        description=N_(
            "As host:port, where the provider keeps its keys and tokens at another host than the issuer."
        ),
        examples=["oauth2.example.org:443"],
        json_schema_extra={"advanced": True},
    )

    @field_validator("scopes")
    @classmethod
    def _openid(cls, value: str) -> str:
        words = value.split()
        return " ".join(words if "openid" in words else ["openid", *words])

    @field_validator("allowed_groups", "admin_groups", "more_hosts")
    @classmethod
    def _tidy(cls, value: list[str]) -> list[str]:
        return [one.strip() for one in value if one.strip()]

    def typed_hosts(self) -> Sequence[str]:
        return self.more_hosts
