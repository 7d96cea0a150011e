"""Syncs ordered, and what a server's machine says of itself, by programs that have the server's webhook id instead of an account."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import Header
from pydantic import BaseModel
from starlette.requests import Request

from medianest_core.domain.accounts.access import Verdict
from medianest_core.domain.webhooks.sync_orders import SyncMessage
from medianest_core.domain.webhooks.system_status import StatusMessage
from medianest_core.sdk.permissions import PUBLIC
from medianest_core.sdk.webhooks import Delivery
from medianest_core.web.gate.problems import Refused
from medianest_core.web.gate.viewer import services_of, viewer_of
from medianest_core.web.rest.resource import Resource

sync_webhook = Resource("webhooks", "/webhooks")
WebhookId = Annotated[
    str | None,
    Header(alias="X-Webhook-ID", max_length=200, description="The secret part of a server's address."),
]


class Ordered(BaseModel):
    """status: "received", or "duplicate" where a message of the same `webhook-id` came before. run_ids, job_ids: of the runs that
    answer it."""

    status: str
    run_ids: Sequence[int]
    job_ids: Sequence[str]


@sync_webhook.post("/sync", policy=PUBLIC, status=202)
async def order_sync(
    request: Request, body: SyncMessage | None = None, webhook_id: WebhookId = None
) -> Ordered:
    """Sync a server, or some of its titles. The webhook id says which server; admins may do without and name any."""
    services = services_of(request)
    orders = services.webhooks.sync_orders
    if webhook_id:
        instance_id, delivery = await _admitted(request, webhook_id)
        done = await orders.accept(instance_id, delivery)
        return Ordered(status=done.status, run_ids=done.run_ids, job_ids=done.job_ids)
    viewer = viewer_of(request)
    if viewer is None or not viewer.is_admin:
        raise Refused(Verdict.SIGN_IN if viewer is None else Verdict.FORBIDDEN)
    order = (body or SyncMessage()).order()
    job_ids = await services.library.orders.request(order, viewer.id, fresh=True)
    return Ordered(status="received", run_ids=await orders.runs_of(job_ids), job_ids=job_ids)


class StatusNoted(BaseModel):
    """status: "received", or "duplicate" where a message of the same `webhook-id` came before."""

    status: str


@sync_webhook.post("/system-status", policy=PUBLIC, status=202)
async def note_system_status(
    request: Request, body: StatusMessage, webhook_id: WebhookId = None
) -> StatusNoted:
    """How busy a server's machine is: normal, elevated, heavy or critical. The webhook id says which server. Admins are told."""
    if not webhook_id:
        raise Refused(Verdict.SIGN_IN)
    instance_id, delivery = await _admitted(request, webhook_id)
    done = await services_of(request).webhooks.system_status.accept(instance_id, delivery)
    return StatusNoted(status=done.status)


async def _admitted(request: Request, webhook_id: str) -> tuple[str, Delivery]:
    """The server that the secret is of, and what was posted. Raises Missing for a wrong secret, UserError for a wrong signature."""
    addresses = services_of(request).webhooks.addresses
    instance_id = await addresses.admit_order(webhook_id)
    headers = {name.lower(): value for name, value in request.headers.items()}
    delivery = Delivery(headers, await request.body())
    addresses.check(webhook_id, delivery)
    return instance_id, delivery
