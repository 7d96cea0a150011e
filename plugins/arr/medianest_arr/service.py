"""The service types "radarr" and "sonarr": how an instance is connected and tested."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from medianest_arr.client import ArrClient
from medianest_arr.settings import ArrSettings, RadarrSettings, SonarrSettings
from medianest_core.sdk import N_, CheckResult, Http, Rejected, ServiceType


async def connect(settings: ArrSettings, http: Http) -> ArrClient:
    """The client of one instance; asks nothing yet."""
    app = "Sonarr" if isinstance(settings, SonarrSettings) else "Radarr"
    return ArrClient(http, settings.api_key, app=app, uhd=settings.uhd)


def checking(app: str) -> Callable[[ArrSettings, ArrClient], Awaitable[CheckResult]]:
    """The test of an instance that must be `app`: the two answer alike, and are easily confused."""

    async def check(settings: ArrSettings, client: ArrClient) -> CheckResult:
        system = await client.system()
        if system.app_name.lower() != app.lower():
            raise Rejected(
                N_("This is {found}, not {app}. Add it as {found}, or check the port.").format(
                    found=system.app_name, app=app
                )
            )
        warnings = [
            f"{note.source}: {note.message}"
            for note in await client.health()
            if note.type in {"warning", "error"}
        ]
        if client.moved_to is not None:
            warnings.insert(
                0,
                N_("It redirects each request: enter {place} as its address.").format(place=client.moved_to),
            )
        details = {"Name": system.instance_name, "Database": system.database_type, "Branch": system.branch}
        return CheckResult(
            message=f"{system.app_name} {system.version}",
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
    description=N_("Finds and keeps films."),
    connect=connect,
    check=checking("Radarr"),
    close=ArrClient.close,
)
SONARR = ServiceType(
    "sonarr",
    SonarrSettings,
    title="Sonarr",
    icon="tv",
    description=N_("Finds and keeps series."),
    connect=connect,
    check=checking("Sonarr"),
    close=ArrClient.close,
)
