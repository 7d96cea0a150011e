"""The rules: settings of a service type that has no provider, because there is nobody to ask."""

from __future__ import annotations

from pydantic import Field

from medianest_core.sdk import Http, ServiceSettings, ServiceType


class Rules(ServiceSettings):
    seasons: int = Field(5, ge=1, title="Seasons", description="Requests for more of them wait for an admin.")
    best: str = Field(
        "4k",
        title="Word for 4K",
        description="In the name of the instance that takes requests for 4K, and that opens what several have.",
    )
    closed: list[str] = Field(
        [], title="Closed", description="Beginnings of addresses for admins alone.", examples=["/downloads"]
    )


class House:
    """The rules in force in this process: those of the instance, else the defaults."""

    rules = Rules()


async def connect(settings: Rules, http: Http) -> Rules:
    """Called for each instance when it is set up, and again after its settings changed."""
    House.rules = settings
    return settings


async def close(rules: Rules) -> None:
    """The instance is gone or switched off."""
    if House.rules is rules:
        House.rules = Rules()


RULES: ServiceType[Rules, Rules] = ServiceType(
    "rules", Rules, title="House rules", icon="puzzle", connect=connect, close=close
)
