"""The service types "radarr" and "sonarr": how an instance is connected and tested."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from medianest_arr.client import ArrClient
from medianest_arr.settings import ArrSettings, RadarrSettings, SonarrSettings
from medianest_core.sdk import CheckResult, Http, Rejected, ServiceType


async def connect(settings: ArrSettings, http: Http) -> ArrClient:
    """The client of one instance; asks nothing yet."""
    return ArrClient(http, settings.api_key)


def checking(app: str) -> Callable[[ArrSettings, ArrClient], Awaitable[CheckResult]]:
    """The test of an instance that must be `app`: the two answer alike, and are easily confused."""

    async def check(settings: ArrSettings, client: ArrClient) -> CheckResult:
        system = await client.system()
        if system.app.lower() != app.lower():
            raise Rejected(f"This is {system.app}, not {app}. Add it as {system.app}, or check the port.")
        warnings = [
            f"{note.source}: {note.message}"
            for note in await client.health()
            if note.kind in {"warning", "error"}
        ]
        if client.moved_to is not None:
            warnings.insert(0, f"It redirects each request: enter {client.moved_to} as its address.")
        details = {"Name": system.name, "Database": system.database, "Branch": system.branch}
        return CheckResult(
            message=f"{system.app} {system.version}",
            version=system.version or None,
            details={name: value for name, value in details.items() if value},
            warnings=tuple(warnings[:6]),
        )

    return check


RADARR = ServiceType(
    "radarr",
    RadarrSettings,
    title="Radarr",
    icon="film",
    description="Finds and keeps films.",
    connect=connect,
    check=checking("Radarr"),
)
SONARR = ServiceType(
    "sonarr",
    SonarrSettings,
    title="Sonarr",
    icon="tv",
    description="Finds and keeps series.",
    connect=connect,
    check=checking("Sonarr"),
)
