"""What an admin enters for one Uptime Kuma: its address and at least one way in."""

from __future__ import annotations

import re
from typing import Self

from pydantic import Field, field_validator, model_validator

from medianest_core.sdk import N_, HttpUrl, Secret, ServiceSettings

_CODE = re.compile(r"\d{6}")


class KumaSettings(ServiceSettings):
    """Three ways in. The status comes by the best one that is filled in: sign-in, API key, status page; the test tries all."""

    url: HttpUrl = Field(
        title=N_("Address"),
        description=N_("Where Uptime Kuma answers, as this portal reaches it."),
        examples=["http://192.168.1.20:3001"],
    )
    username: str | None = Field(
        None,
        title=N_("User name"),
        description=N_(
            "The best way: the sign-in of Uptime Kuma itself. Only so the status is live and has a history."
        ),
        max_length=200,
    )
    password: Secret | None = Field(None, title=N_("Password"), description=N_("The password of that user."))
    second_factor: Secret | None = Field(
        None,
        title=N_("Second factor"),
        description=N_(
            "Only where that user has one: its secret key, as Uptime Kuma shows it below the code to scan. A code of six"
            " digits works too, but only until the portal restarts."
        ),
    )
    session_token: Secret | None = Field(
        None,
        title=N_("Session token"),
        description=N_(
            "Instead of user name and password: what a signed-in browser keeps under “token” for Uptime Kuma's page. It is"
            " good until the password changes."
        ),
        json_schema_extra={"advanced": True},
    )
    api_key: Secret | None = Field(
        None,
        title=N_("API key"),
        description=N_(
            "Another way: in Uptime Kuma open Settings, API Keys, and add one. It can only read, and starts with “uk”."
        ),
    )
    status_page: str | None = Field(
        None,
        title=N_("Status page"),
        description=N_("Or the name of a public status page: the last part of its address."),
        examples=["home"],
        pattern=r"^[A-Za-z0-9-]{1,100}$",
    )
    verify_tls: bool = Field(
        True,
        title=N_("Check the certificate"),
        description=N_("Switch off only for an address with a certificate of your own making."),
        json_schema_extra={"advanced": True},
    )

    @field_validator("second_factor")
    @classmethod
    def _usable(cls, value: Secret | None) -> Secret | None:
        if value:
            from medianest_uptimekuma.sign_in import secret_of

            if not is_code(value) and secret_of(value) is None:
                raise ValueError(N_("This is neither a secret key nor a code of six digits."))
        return value

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if bool(self.username) != bool(self.password):
            raise ValueError(N_("User name and password belong together: enter both or neither."))
        if not (self.api_key or self.signs_in or self.status_page):
            raise ValueError(
                N_("Enter a user name and password, an API key, or the name of a public status page.")
            )
        return self

    @property
    def signs_in(self) -> bool:
        """Whether the live connection is possible."""
        return bool(self.session_token or (self.username and self.password))


def is_code(secret: Secret) -> bool:
    """Whether it is a code that counts once, rather than the key that makes such codes."""
    return _CODE.fullmatch(re.sub(r"\s", "", secret.reveal())) is not None
