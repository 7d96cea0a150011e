"""Generic webhooks: anything that can post JSON tells the portal where to look again."""

from __future__ import annotations

from medianest_core.builtin.generic.receiver import JSON, GenericWebhooks
from medianest_core.sdk import N_, Manifest, WebhookReceivers, hookimpl

__all__ = ["JSON", "manifest", "register_webhook_receivers"]

manifest = Manifest(
    "generic",
    title=N_("Other webhooks"),
    api="1.0",
    description=N_("Anything that can post JSON may tell the portal where to look again."),
    icon="webhook",
)


@hookimpl
def register_webhook_receivers() -> WebhookReceivers:
    return [GenericWebhooks]
