"""Jellyfin: what its Webhook plugin posts makes the portal look at once where the same files are served."""

from __future__ import annotations

from medianest_core.builtin.jellyfin.receiver import JELLYFIN, JellyfinWebhooks
from medianest_core.sdk import N_, Manifest, WebhookReceivers, hookimpl

__all__ = ["JELLYFIN", "manifest", "register_webhook_receivers"]

manifest = Manifest(
    "jellyfin",
    title=N_("Jellyfin"),
    api="1.0",
    description=N_("Its messages make the portal look at once at the servers that share its files."),
    icon="bell",
)


@hookimpl
def register_webhook_receivers() -> WebhookReceivers:
    return [JellyfinWebhooks]
