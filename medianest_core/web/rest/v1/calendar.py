"""The calendar: when the titles that services look for appear, and the secret address under which calendar programs read it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from pydantic import BaseModel
from starlette.requests import Request

from medianest_core.domain.accounts.addresses import AddressInfo
from medianest_core.domain.calendar.entries import Agenda
from medianest_core.domain.calendar.service import DAY
from medianest_core.sdk.permissions import USER
from medianest_core.web.gate.problems import Problem
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.rest.resource import Resource

calendar = Resource("calendar", "/calendar")
Seconds = Annotated[float | None, Query(ge=0, le=4_102_444_800, description="Epoch seconds.")]


class NewAddress(BaseModel):
    """url: shown only now."""

    url: str


@calendar.get(policy=USER)
async def get_agenda(request: Request, start: Seconds = None, end: Seconds = None) -> Agenda:
    """What appears from `start` (today) until before `end` (four weeks later), at most half a year of it."""
    services = services_of(request)
    first = services.clock.now() // DAY * DAY if start is None else start
    return await services.calendar.agenda(first, first + 28 * DAY if end is None else end)


@calendar.get("/address", policy=USER)
async def get_address(request: Request) -> AddressInfo:
    """What there is to say of your secret address; the address itself is not known any more."""
    found = await services_of(request).accounts.addresses.of(someone(request).id)
    if found is None:
        raise Problem(404, "There is no address.", code="missing")
    return found


@calendar.post("/address", policy=USER, status=201, session_only=True)
async def renew_address(request: Request) -> NewAddress:
    """A new secret address; the one before stops working."""
    services = services_of(request)
    token = await services.accounts.addresses.renew(someone(request).id)
    own = (services.settings.public_url or str(request.base_url).partition("/api/")[0]).rstrip("/")
    return NewAddress(url=f"{own}/calendar/feed/{token}.ics")


@calendar.delete("/address", policy=USER)
async def remove_address(request: Request) -> None:
    if not await services_of(request).accounts.addresses.revoke(someone(request).id):
        raise Problem(404, "There is no address.", code="missing")
