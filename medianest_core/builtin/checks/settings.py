"""What an admin fills in for a check."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pydantic import Field, field_validator

from medianest_core.sdk import N_, HttpUrl, ServiceSettings

_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}|[0-9A-Fa-f:.]{2,45}")
_STATUSES = re.compile(r"\s*\d{3}\s*(-\s*\d{3}\s*)?(,\s*\d{3}\s*(-\s*\d{3}\s*)?)*")


class CheckSettings(ServiceSettings):
    """What all checks have. interval, timeout: seconds."""

    group: str = Field(
        "", max_length=80, title=N_("Group"), description=N_("Where it stands on the status page.")
    )
    interval: float = Field(60, ge=10, le=86_400, title=N_("Seconds between two checks"))
    retries: int = Field(
        1,
        ge=0,
        le=10,
        title=N_("Tries again before it counts as down"),
        json_schema_extra={"advanced": True},
    )
    timeout: float = Field(
        10, ge=1, le=60, title=N_("Seconds to wait for an answer"), json_schema_extra={"advanced": True}
    )

    @property
    def target(self) -> str:
        """What is looked at, for people."""
        return self.base_url()


class HttpSettings(CheckSettings):
    url: HttpUrl = Field(title=N_("Address"), examples=["https://example.org/"])
    statuses: str = Field(
        "200-399",
        max_length=80,
        title=N_("Statuses that are good"),
        examples=["200-299, 401"],
        json_schema_extra={"advanced": True},
    )
    keyword: str = Field(
        "",
        max_length=200,
        title=N_("Words on the page"),
        description=N_("Leave empty to look only at the status."),
    )
    absent: bool = Field(False, title=N_("The words must not be there"), json_schema_extra={"advanced": True})
    verify_tls: bool = Field(
        True, title=N_("Insist on a valid certificate"), json_schema_extra={"advanced": True}
    )

    @field_validator("statuses")
    @classmethod
    def _statuses(cls, value: str) -> str:
        if not _STATUSES.fullmatch(value):
            raise ValueError(N_("Enter numbers such as 200-299, 401."))
        return value

    def good(self, status: int) -> bool:
        """Is this what the admin expects?"""
        for part in self.statuses.split(","):
            low, _, high = part.partition("-")
            if int(low) <= status <= int(high or low):
                return True
        return False


class PortSettings(CheckSettings):
    host: str = Field(title=N_("Host"), examples=["nas.home"])
    port: int = Field(ge=1, le=65_535, title=N_("Port"))

    @field_validator("host")
    @classmethod
    def _host(cls, value: str) -> str:
        value = value.strip().strip("[]")
        if not _HOST.fullmatch(value):
            raise ValueError(N_("Enter a name or an address, without http://."))
        return value

    @property
    def place(self) -> str:
        """host:port as it stands in addresses."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def target(self) -> str:
        return self.place

    def typed_hosts(self) -> Sequence[str]:
        return [self.place]


class CertificateSettings(PortSettings):
    port: int = Field(443, ge=1, le=65_535, title=N_("Port"))
    days: int = Field(
        14,
        ge=0,
        le=365,
        title=N_("Days before its end that count as trouble"),
    )
    trusted: bool = Field(
        True,
        title=N_("It must come from a known authority"),
        description=N_(
            "Switch it off for certificates that you made yourself: then only their end is watched."
        ),
    )
    interval: float = Field(3600, ge=10, le=86_400, title=N_("Seconds between two checks"))
