"""In which order sources count, group by group of fields. For admins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from medianest_core.domain.library.ordering.prospect import Example
from medianest_core.domain.library.ordering.ranking import Rankable, Ranked
from medianest_core.domain.library.stored.priorities import GROUP_NAMES
from medianest_core.sdk.permissions import ADMIN
from medianest_core.web.gate.services import Services
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.rest.resource import Resource

sync_priorities = Resource("sync", "/sync/priorities")


class Orders(BaseModel):
    """orders: group of fields ("*" for all that have no order of their own) → ranks, the first first; each a list of instances that
    count alike, of which the newest statement wins. Instances that are not named come last."""

    model_config = ConfigDict(extra="forbid")

    orders: dict[str, list[list[str]]] = Field(max_length=20)


class NewOrders(Orders):
    """version: as read. Left out: whatever it is now."""

    version: int | None = None


class OrdersView(BaseModel):
    """groups: all there are. sources: all that can be named. job_id: of the job that applies, or applied, the last change; the library
    follows as it goes on. former: whether there is an order to go back to."""

    orders: Mapping[str, Sequence[Sequence[str]]]
    version: int
    changed_at: float | None
    changed_by: str | None
    job_id: str | None
    former: bool
    groups: Sequence[str]
    sources: Sequence[Rankable]


class ProspectView(BaseModel):
    """What would change. titles, fields: how many. groups: fields by group. servers: fields by the instance they would come from.
    complete: whether all titles were looked at; in very large libraries the numbers are what was found in the first of them."""

    titles: int
    fields: int
    groups: Mapping[str, int]
    servers: Mapping[str, int]
    examples: Sequence[Example]
    looked_at: int
    of: int
    complete: bool


class Undo(BaseModel):
    """version: as read. Left out: whatever it is now."""

    model_config = ConfigDict(extra="forbid")

    version: int | None = None


@sync_priorities.get(policy=ADMIN)
async def get_priorities(request: Request) -> OrdersView:
    services = services_of(request)
    return _view(services, await services.library.ranking.current())


@sync_priorities.put(policy=ADMIN)
async def set_priorities(request: Request, body: NewOrders) -> OrdersView:
    """Store all orders and begin to merge again; no server is asked. 409 where they changed since `version`."""
    services = services_of(request)
    saved = await services.library.ranking.save(body.orders, body.version, someone(request).id)
    return _view(services, saved)


@sync_priorities.post("/preview", policy=ADMIN)
async def preview_priorities(request: Request, body: Orders) -> ProspectView:
    """What these orders would change, with twenty examples. Nothing is written."""
    found = await services_of(request).library.ranking.preview(body.orders)
    return ProspectView(
        titles=found.titles,
        fields=found.fields,
        groups=dict(found.groups),
        servers=dict(found.servers),
        examples=found.examples,
        looked_at=found.looked_at,
        of=found.of,
        complete=found.complete,
    )


@sync_priorities.post("/undo", policy=ADMIN)
async def undo_priorities(request: Request, body: Undo) -> OrdersView:
    """Go back to the orders before the last change of them."""
    services = services_of(request)
    return _view(services, await services.library.ranking.undo(body.version, someone(request).id))


def _view(services: Services, ranked: Ranked) -> OrdersView:
    orders: dict[str, Any] = dict(ranked.orders)
    return OrdersView(
        orders=orders,
        version=ranked.version,
        changed_at=ranked.at,
        changed_by=ranked.actor,
        job_id=ranked.job_id,
        former=ranked.former,
        groups=GROUP_NAMES,
        sources=services.library.ranking.rankable(),
    )
