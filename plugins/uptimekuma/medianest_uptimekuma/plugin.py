"""Uptime Kuma: which services of the household are up."""

from __future__ import annotations

from medianest_core.sdk import N_, Manifest, StatusProviders, WebhookReceivers, hookimpl

manifest = Manifest(
    "uptimekuma",
    title="Uptime Kuma",
    api="1.0",
    description=N_(
        "Shows what Uptime Kuma watches: live by sign-in, by API key, or from a public status page."
    ),
    homepage="https://uptimekuma.org/",
    icon="activity",
)


@hookimpl
def register_status_providers() -> StatusProviders:
    from medianest_uptimekuma.status import KumaStatus

    return [KumaStatus]


@hookimpl
def register_webhook_receivers() -> WebhookReceivers:
    from medianest_uptimekuma.webhooks import KumaWebhooks

    return [KumaWebhooks]
