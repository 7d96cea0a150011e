"""Plex: sign-in, library, collections, webhooks and status of Plex Media Servers."""

from __future__ import annotations

from medianest_core.sdk import (
    N_,
    AuthProviders,
    Contributions,
    Manifest,
    MediaSources,
    StatusProviders,
    WebhookReceivers,
    hookimpl,
)

manifest = Manifest(
    "plex",
    title="Plex",
    api="1.0",
    description=N_("Sign in with Plex, browse its libraries, fill its collections."),
    homepage="https://www.plex.tv/",
    icon="clapperboard",
)


@hookimpl
def register_auth_providers() -> AuthProviders:
    from medianest_plex.auth import PlexAuth

    return [PlexAuth]


@hookimpl
def register_media_sources() -> MediaSources:
    from medianest_plex.media import PlexMedia

    return [PlexMedia]


@hookimpl
def register_status_providers() -> StatusProviders:
    from medianest_plex.status import PlexStatus

    return [PlexStatus]


@hookimpl
def register_webhook_receivers() -> WebhookReceivers:
    from medianest_plex.webhooks import PlexWebhooks

    return [PlexWebhooks]


@hookimpl
def register_contributions() -> Contributions:
    from medianest_plex.stages import stages

    return stages()
