"""Taking over the people of a service that knows some. For admins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import Field
from starlette.requests import Request

from medianest_core.domain.requests.people import Someone
from medianest_core.sdk.permissions import ADMIN
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.rest.resource import Resource
from medianest_core.web.rest.v1.requests import Strict

people = Resource("users", "/people")


class Chosen(Strict):
    """ids: of the service's people. active: they may come in at once; else an admin lets them in after their first sign-in."""

    ids: list[str] = Field(min_length=1, max_length=5000)
    active: bool = False


@people.get(policy=ADMIN)
async def list_sources(request: Request) -> Mapping[str, str]:
    """Instance → name of the services whose people can be taken over."""
    return services_of(request).requests.people.sources()


@people.get("/{instance_id}", policy=ADMIN)
async def list_people(request: Request, instance_id: str) -> Sequence[Someone]:
    """Everyone there. state: "new", "known" here already, or "no_way_in" where nothing here signs them in."""
    return await services_of(request).requests.people.preview(instance_id)


@people.route("POST", "/{instance_id}", policy=ADMIN, status=201)
async def take_people(request: Request, instance_id: str, body: Chosen) -> Sequence[Someone]:
    """Make accounts without a password for these; answers those that are new."""
    return await services_of(request).requests.people.take(
        instance_id, set(body.ids), active=body.active, actor=someone(request).id
    )
