"""The service that all providers of the kitchen sink are facets of."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from medianest_core.sdk import (
    CheckResult,
    Http,
    HttpUrl,
    Provider,
    Secret,
    ServiceSettings,
    ServiceType,
    SettingsGroup,
)


class Water(SettingsGroup):
    """Settings that belong together."""

    hot: bool = False
    litres: float = Field(9.0, gt=0, description="How much goes in.")


class SinkSettings(ServiceSettings):
    url: HttpUrl = Field(description="Where the sink answers.")
    key: Secret = Field(description="What it lets you in with.")
    extras: list[str] = Field(default_factory=list)
    water: Water = Water()


async def ask(http: Http, secret: Secret, call: str, /, **arguments: Any) -> Any:
    """What the service says to a call."""
    answer = await http.post(f"/{call}", json=arguments, headers={"X-Key": secret.reveal()})
    return answer.json()


async def check(settings: SinkSettings, client: Http) -> CheckResult:
    version = await ask(client, settings.key, "version")
    return CheckResult(f"The sink {version} answers.", version)


SINK = ServiceType("sink", SinkSettings, title="Kitchen sink", check=check)


class Facet(Provider[SinkSettings, Http]):
    """What its providers share."""

    service = SINK

    async def ask(self, call: str, /, **arguments: Any) -> Any:
        return await ask(self.http, self.config.key, call, **arguments)
