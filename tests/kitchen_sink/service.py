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
    valve: Secret | None = Field(None, description="What opens it.")


class Tap(SettingsGroup):
    """One of many, each with a secret of its own."""

    name: str = Field(description="What is written on it.")
    pin: Secret = Field(description="What turns it.")


class SinkSettings(ServiceSettings):
    url: HttpUrl = Field(description="Where the sink answers.")
    key: Secret = Field(description="What it lets you in with.")
    extras: list[str] = Field(default_factory=list)
    water: Water = Water()
    taps: list[Tap] = Field(default_factory=list, description="Where it comes out.")


async def ask(http: Http, settings: SinkSettings, call: str, /, **arguments: Any) -> Any:
    """What the service says to a call."""
    headers = {
        "X-Key": settings.key.reveal(),
        "X-Valve": settings.water.valve.reveal() if settings.water.valve else "",
        "X-Pins": ",".join(f"{tap.name}={tap.pin.reveal()}" for tap in settings.taps),
    }
    answer = await http.post(f"/{call}", json=arguments, headers=headers)
    return answer.json()


async def check(settings: SinkSettings, client: Http) -> CheckResult:
    version = await ask(client, settings, "version")
    return CheckResult(f"The sink {version} answers.", version)


SINK = ServiceType("sink", SinkSettings, title="Kitchen sink", check=check)


class Facet(Provider[SinkSettings, Http]):
    """What its providers share."""

    service = SINK

    async def ask(self, call: str, /, **arguments: Any) -> Any:
        return await ask(self.http, self.config, call, **arguments)
