"""Overseerr, Jellyseerr and Seerr: requests for what the household does not have yet."""

from __future__ import annotations

from medianest_core.sdk import Manifest, StatusProviders, hookimpl

manifest = Manifest(
    "overseerr",
    title="Overseerr",
    api="1.0",
    description="Connects to Overseerr, Jellyseerr or Seerr and shows whether it is up.",
    homepage="https://github.com/seerr-team/seerr",
    icon="inbox",
)


@hookimpl
def register_status_providers() -> StatusProviders:
    from medianest_overseerr.status import SeerrStatus

    return [SeerrStatus]
