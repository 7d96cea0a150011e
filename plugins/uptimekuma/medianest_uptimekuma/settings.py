"""What an admin enters for one Uptime Kuma: its address and at least one way in."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from medianest_core.sdk import HttpUrl, Secret, ServiceSettings


class KumaSettings(ServiceSettings):
    """Three ways in. The first that is filled in gives the status; the test tries all of them."""

    url: HttpUrl = Field(
        title="Address",
        description="Where Uptime Kuma answers, as this portal reaches it.",
        examples=["http://192.168.1.20:3001"],
    )
    api_key: Secret | None = Field(
        None,
        title="API key",
        description="Best way: in Uptime Kuma open Settings, API Keys, and add one. It can only read, and starts with “uk”.",
    )
    username: str | None = Field(
        None, title="User name", description="Another way: the sign-in of Uptime Kuma itself.", max_length=200
    )
    password: Secret | None = Field(None, title="Password", description="The password of that user.")
    status_page: str | None = Field(
        None,
        title="Status page",
        description="Or the name of a public status page: the last part of its address.",
        examples=["home"],
        pattern=r"^[A-Za-z0-9-]{1,100}$",
    )
    verify_tls: bool = Field(
        True,
        title="Check the certificate",
        description="Switch off only for an address with a certificate of your own making.",
        json_schema_extra={"advanced": True},
    )

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if bool(self.username) != bool(self.password):
            raise ValueError("User name and password belong together: enter both or neither.")
        if not (self.api_key or self.username or self.status_page):
            raise ValueError(
                "Enter an API key, a user name and password, or the name of a public status page."
            )
        return self
