"""What is kept for a while, how each cache fares in the process that answers, and emptying one. For admins."""

from __future__ import annotations

from starlette.requests import Request

from medianest_core.cache.cached import Facts
from medianest_core.sdk.permissions import ADMIN
from medianest_core.store.repos import audit
from medianest_core.web.gate.problems import Problem
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.rest.resource import Resource

caches = Resource("caches", "/caches")


@caches.get(policy=ADMIN)
async def list_caches(request: Request) -> list[Facts]:
    return await services_of(request).caches.facts()


@caches.delete("/{name}", policy=ADMIN)
async def clear_cache(request: Request, name: str) -> None:
    """Empty it; what it held is asked for again when it is next needed."""
    services = services_of(request)
    if not await services.caches.clear(name):
        raise Problem(404, "There is no such cache.", code="missing")
    async with services.db.begin() as tx:
        await audit.record(tx, actor=someone(request).id, action="caches.clear", target=name)
