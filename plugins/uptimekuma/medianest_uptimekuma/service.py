"""The service type "kuma": how an instance is connected, read and tested."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from medianest_core.sdk import CheckResult, Http, Secret, ServiceType
from medianest_uptimekuma.client import KumaClient
from medianest_uptimekuma.models import DOWN, Reading
from medianest_uptimekuma.settings import KumaSettings

if TYPE_CHECKING:
    from medianest_uptimekuma.socket import Visit


async def connect(settings: KumaSettings, http: Http) -> KumaClient:
    """The client of one instance; asks nothing yet."""
    return KumaClient(http)


async def read(settings: KumaSettings, client: KumaClient) -> tuple[Sequence[Reading], str | None]:
    """(monitors, version where it is told), by the first way in that is filled in."""
    if settings.api_key:
        return await client.metrics(settings.api_key), None
    if settings.username and settings.password:
        found = await _visit(client, settings.username, settings.password)
        return found.readings(), found.version
    assert settings.status_page is not None
    return await client.status_page(settings.status_page), None


async def check(settings: KumaSettings, client: KumaClient) -> CheckResult:
    """Each way in that is filled in must work."""
    details: dict[str, str] = {}
    version = None
    readings: Sequence[Reading] = ()
    if settings.status_page:
        readings = await client.status_page(settings.status_page)
        details["Status page"] = _count(readings)
    if settings.username and settings.password:
        found = await _visit(client, settings.username, settings.password)
        readings, version = found.readings(), found.version
        details["Sign-in"] = _count(readings)
    if settings.api_key:
        readings = await client.metrics(settings.api_key)
        details["API key"] = _count(readings)
    down = sum(reading.status == DOWN for reading in readings)
    warnings = () if readings else ("It shows no monitor yet.",)
    message = f"Uptime Kuma{f' {version}' if version else ''}, {_count(readings)}"
    return CheckResult(
        f"{message}, {down} down" if down else message, version=version, details=details, warnings=warnings
    )


async def _visit(client: KumaClient, username: str, password: Secret) -> Visit:
    # Its libraries take long to import, and most instances use an API key.
    from medianest_uptimekuma.socket import visit

    return await visit(client.http, username, password)


def _count(readings: Sequence[Reading]) -> str:
    return "1 monitor" if len(readings) == 1 else f"{len(readings)} monitors"


KUMA = ServiceType(
    "kuma",
    KumaSettings,
    title="Uptime Kuma",
    icon="activity",
    description="Watches services and says which are up.",
    connect=connect,
    check=check,
)
