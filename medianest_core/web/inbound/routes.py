"""The address services post to: the token first, then the size, then the receiver's own check, then one transaction."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from medianest_core.domain.webhooks.entries import NotFromThem
from medianest_core.sdk.permissions import PUBLIC
from medianest_core.sdk.webhooks import Delivery
from medianest_core.web.gate.problems import Problem
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.viewer import services_of

MOST_BYTES = 5_000_000
"""No receiver may ask for more."""
MOST_OF_ORDER = 200_000


def routes() -> list[BaseRoute]:
    """Public by policy: the token in the address is what lets a service in."""
    return [
        page(
            "/webhooks/sync/{instance}/{token}",
            order_sync,
            methods=("POST",),
            policy=PUBLIC,
            name="webhook-sync",
        ),
        page(
            "/webhooks/{plugin}/{instance}/{token}",
            receive,
            methods=("POST",),
            policy=PUBLIC,
            name="webhook",
        ),
    ]


async def receive(request: Request) -> Response:
    """202 once the delivery is stored; 404 for a wrong address, 413, 422, 403 where it is not from the service."""
    webhooks = services_of(request).webhooks
    handle = await webhooks.addresses.admit(
        request.path_params["plugin"], request.path_params["instance"], request.path_params["token"]
    )
    limit = min(int(handle.api.max_bytes), MOST_BYTES)
    body = await _body(request, limit)
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        accepted = await webhooks.deliveries.accept(handle, Delivery(headers, body))
    except NotFromThem:
        raise Problem(
            403, "This is not from the service that has this address.", code="not_verified"
        ) from None
    return JSONResponse({"status": accepted.status}, 202)


async def order_sync(request: Request) -> Response:
    """202 with the runs once they are asked for; 404 for a wrong address, 413, 422 for what is not understood or not allowed."""
    webhooks = services_of(request).webhooks
    instance_id = await webhooks.addresses.admit_order(
        request.path_params["token"], request.path_params["instance"]
    )
    body = await _body(request, MOST_OF_ORDER)
    headers = {name.lower(): value for name, value in request.headers.items()}
    delivery = Delivery(headers, body)
    webhooks.addresses.check(request.path_params["token"], delivery)
    done = await webhooks.sync_orders.accept(instance_id, delivery)
    return JSONResponse({"status": done.status, "run_ids": done.run_ids, "job_ids": done.job_ids}, 202)


async def _body(request: Request, limit: int) -> bytes:
    too_large = Problem(413, f"At most {limit} bytes are taken here.", code="too_large")
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise too_large
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise too_large
    return bytes(body)
