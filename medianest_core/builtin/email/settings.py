"""What an admin fills in for a mail server."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from pydantic import Field, field_validator

from medianest_core.sdk import N_, Secret, ServiceSettings, UserError

_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}|[0-9A-Fa-f:.]{2,45}")


class MailSettings(ServiceSettings):
    """encryption: "starttls" begins plainly and switches, "tls" is encrypted from the start, "none" is for servers at home."""

    host: str = Field(title=N_("Mail server"), examples=["smtp.example.org"])
    encryption: Literal["starttls", "tls", "none"] = Field(
        "starttls",
        title=N_("Encryption"),
        description=N_("starttls is common on port 587, tls on port 465; none only within the house."),
    )
    port: int = Field(587, ge=1, le=65_535, title=N_("Port"))
    username: str = Field("", max_length=200, title=N_("User name"))
    password: Secret | None = Field(None, title=N_("Password"))
    sender: str = Field(
        title=N_("Sender"),
        description=N_("The address that messages come from. Your mail server must allow it."),
        examples=["medianest@example.org"],
    )
    sender_name: str = Field("MediaNest", max_length=80, title=N_("Name of the sender"))
    verify_tls: bool = Field(
        True, title=N_("Insist on a valid certificate"), json_schema_extra={"advanced": True}
    )

    @field_validator("host")
    @classmethod
    def _host(cls, value: str) -> str:
        value = value.strip().strip("[]")
        if not _HOST.fullmatch(value):
            raise ValueError(N_("Enter a name or an address, without http://."))
        return value

    @field_validator("sender")
    @classmethod
    def _sender(cls, value: str) -> str:
        from medianest_core.builtin.email.address import checked

        try:
            return checked(value)
        except UserError as error:
            raise ValueError(str(error)) from error

    @field_validator("sender_name")
    @classmethod
    def _name(cls, value: str) -> str:
        return " ".join(value.split())

    @property
    def place(self) -> str:
        """host:port as it stands in addresses."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def typed_hosts(self) -> Sequence[str]:
        return [self.place]
