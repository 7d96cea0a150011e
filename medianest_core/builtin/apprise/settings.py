"""What an admin fills in for Apprise."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pydantic import Field, field_validator

from medianest_core.sdk import N_, ServiceSettings

_PLACE = re.compile(r"([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:\d{1,5})?")


class AppriseSettings(ServiceSettings):
    """hosts: "host" or "host:port" in the house that people's addresses may lead to."""

    hosts_at_home: list[str] = Field(
        default_factory=list,
        max_length=50,
        title=N_("Servers of the house"),
        description=N_(
            "Addresses that people enter reach public servers only, and those named here, for example a Gotify of your own."
        ),
        examples=["gotify.home:8080"],
    )
    ports: list[int] = Field(
        default_factory=list,
        max_length=20,
        title=N_("Ports of public servers beside 80 and 443"),
        json_schema_extra={"advanced": True},
    )

    @field_validator("hosts_at_home")
    @classmethod
    def _hosts(cls, value: list[str]) -> list[str]:
        if not all(_PLACE.fullmatch(one) for one in value):
            raise ValueError(N_("Enter names or addresses, each with or without a port, without http://."))
        return value

    @field_validator("ports")
    @classmethod
    def _ports(cls, value: list[int]) -> list[int]:
        if not all(0 < port < 65_536 for port in value):
            raise ValueError(N_("A port is a number from 1 to 65535."))
        return value

    def typed_hosts(self) -> Sequence[str]:
        return self.hosts_at_home

    def hosts(self) -> Sequence[str]:
        return ["*", *(f"*:{port}" for port in self.ports), *self.hosts_at_home]
