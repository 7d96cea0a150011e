"""Radarr and Sonarr: films and series that are looked after."""

from __future__ import annotations

from medianest_core.sdk import (
    N_,
    Contributions,
    FieldOwners,
    Manifest,
    RequestBackends,
    StatusProviders,
    WebhookReceivers,
    hookimpl,
)

manifest = Manifest(
    "arr",
    title="Radarr and Sonarr",
    api="1.0",
    description=N_(
        "Takes requests for films and series, shows how far they are, what appears when, and what is known of their files."
    ),
    homepage="https://wiki.servarr.com/",
    icon="film",
)


@hookimpl
def register_status_providers() -> StatusProviders:
    from medianest_arr.status import RadarrStatus, SonarrStatus

    return [RadarrStatus, SonarrStatus]


@hookimpl
def register_request_backends() -> RequestBackends:
    from medianest_arr.film_requests import RadarrRequests
    from medianest_arr.series_requests import SonarrRequests

    return [RadarrRequests, SonarrRequests]


@hookimpl
def register_field_owners() -> FieldOwners:
    from medianest_arr.fields import RadarrFields, SonarrFields

    return [RadarrFields, SonarrFields]


@hookimpl
def register_webhook_receivers() -> WebhookReceivers:
    from medianest_arr.webhooks import RadarrWebhooks, SonarrWebhooks

    return [RadarrWebhooks, SonarrWebhooks]


@hookimpl
def register_contributions() -> Contributions:
    from medianest_arr.calendar import SOURCES
    from medianest_arr.stages import stages

    return [*stages(), *SOURCES]
