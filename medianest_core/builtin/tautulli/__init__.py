"""Tautulli: what it notices on a media server, posted by its webhook agent, makes the portal look there at once."""

from __future__ import annotations

from medianest_core.builtin.tautulli.receiver import TAUTULLI, TautulliWebhooks
from medianest_core.sdk import N_, Manifest, WebhookReceivers, hookimpl

__all__ = ["TAUTULLI", "manifest", "register_webhook_receivers"]

manifest = Manifest(
    "tautulli",
    title=N_("Tautulli"),
    api="1.0",
    description=N_("Its messages make the portal look at a media server at once."),
    icon="bell",
)


@hookimpl
def register_webhook_receivers() -> WebhookReceivers:
    return [TautulliWebhooks]
