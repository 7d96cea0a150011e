"""How far requests are: what is on its way, the timeline of each, and what admins can do where one is stuck."""

from __future__ import annotations

from pydantic import Field
from starlette.requests import Request as HttpRequest

from medianest_core.domain.activity.entries import Done, InFlightPage, Timeline
from medianest_core.sdk.permissions import ADMIN, OWNER, USER
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.rest.resource import Cursor, Limit, Resource
from medianest_core.web.rest.v1.requests import Strict, missing

activity = Resource("requests")


class Help(Strict):
    """One of the `actions` of a step: its instance_id and stage, and the action's name."""

    instance_id: str = Field(max_length=36)
    stage: str = Field(max_length=40)
    action: str = Field(max_length=40)


@activity.get("/activity", policy=USER)
async def list_in_flight(
    request: HttpRequest, everyone: bool = False, cursor: Cursor = None, limit: Limit = 30
) -> InFlightPage:
    """Your requests on their way, each with the step it is at. everyone: for admins."""
    return await services_of(request).activity.in_flight(
        someone(request), everyone=everyone, cursor=cursor, limit=limit
    )


@activity.get("/requests/{request_id}/timeline", policy=OWNER)
async def get_timeline(request: HttpRequest, request_id: str) -> Timeline:
    """What was decided, what services say of it, and what is still to come."""
    found = await services_of(request).activity.timeline(someone(request), request_id)
    if found is None:
        raise missing()
    return found


@activity.post("/requests/{request_id}/actions", policy=ADMIN)
async def help_on(request: HttpRequest, request_id: str, body: Help) -> Done:
    """Do what a step offers, such as searching again. Answers what was done."""
    message = await services_of(request).activity.act(
        someone(request), request_id, body.instance_id, body.stage, body.action
    )
    if message is None:
        raise missing()
    return Done(message)
