"""Radarr and Sonarr: films and series that are looked after."""

from __future__ import annotations

from medianest_core.sdk import Manifest, StatusProviders, hookimpl

manifest = Manifest(
    "arr",
    title="Radarr and Sonarr",
    api="1.0",
    description="Connects to Radarr and Sonarr and shows whether they are up and what they complain about.",
    homepage="https://wiki.servarr.com/",
    icon="film",
)


@hookimpl
def register_status_providers() -> StatusProviders:
    from medianest_arr.status import RadarrStatus, SonarrStatus

    return [RadarrStatus, SonarrStatus]
