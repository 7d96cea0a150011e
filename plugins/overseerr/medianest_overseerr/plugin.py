"""Overseerr, Jellyseerr and Seerr: requests for what the household does not have yet."""

from __future__ import annotations

from medianest_core.sdk import (
    N_,
    Catalogs,
    Contributions,
    Manifest,
    RequestBackends,
    StatusProviders,
    WebhookReceivers,
    hookimpl,
)

manifest = Manifest(
    "overseerr",
    title="Overseerr",
    api="1.0",
    description=N_("Hands requests on to Overseerr, Jellyseerr or Seerr, and finds titles with it."),
    homepage="https://github.com/seerr-team/seerr",
    icon="inbox",
)


@hookimpl
def register_request_backends() -> RequestBackends:
    from medianest_overseerr.requests import SeerrRequests

    return [SeerrRequests]


@hookimpl
def register_catalogs() -> Catalogs:
    from medianest_overseerr.catalog import SeerrCatalog

    return [SeerrCatalog]


@hookimpl
def register_webhook_receivers() -> WebhookReceivers:
    from medianest_overseerr.webhooks import SeerrWebhooks

    return [SeerrWebhooks]


@hookimpl
def register_status_providers() -> StatusProviders:
    from medianest_overseerr.status import SeerrStatus

    return [SeerrStatus]


@hookimpl
def register_contributions() -> Contributions:
    from medianest_overseerr.stages import stages

    return list(stages())
