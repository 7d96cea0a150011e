"""Uptime Kuma: which services of the household are up."""

from __future__ import annotations

from medianest_core.sdk import Manifest, StatusProviders, hookimpl

manifest = Manifest(
    "uptimekuma",
    title="Uptime Kuma",
    api="1.0",
    description="Shows what Uptime Kuma watches: by API key, by sign-in, or from a public status page.",
    homepage="https://uptimekuma.org/",
    icon="activity",
)


@hookimpl
def register_status_providers() -> StatusProviders:
    from medianest_uptimekuma.status import KumaStatus

    return [KumaStatus]
