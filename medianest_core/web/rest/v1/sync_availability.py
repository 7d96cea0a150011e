"""Which server says something about which field of which title. For admins."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Query
from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.responses import StreamingResponse

from medianest_core.domain.library.reading.field_index import Wanted
from medianest_core.sdk.permissions import ADMIN
from medianest_core.web.gate.tags import unchanged
from medianest_core.web.gate.viewer import services_of
from medianest_core.web.rest.resource import Resource

sync_availability = Resource("sync", "/sync/availability")
Titles = dict[str, dict[str, list[str]]]


class FieldAvailability(BaseModel):
    """Title → field path, with dots between its parts → ids of the instances that have it. The seasons and episodes of a show
    stand below it: "seasons.1.episodes.3.summary". Titles of further kinds stand under the name of their kind.

    Titles of one name are told apart by their year, as in "Heat (1995)".
    """

    model_config = ConfigDict(extra="allow")

    movies: Titles
    tv: Titles
    __pydantic_extra__: dict[str, Titles]


@sync_availability.get(policy=ADMIN)
async def get_availability(
    request: Request,
    instance: Annotated[list[str], Query(max_length=50)] = [],  # noqa: B006  # read by FastAPI, never changed
    title: Annotated[str, Query(max_length=300)] = "",
    title_id: Annotated[int | None, Query(ge=0, le=2**53)] = None,
) -> FieldAvailability:
    """Everything, or only what these instances say, or only the titles of one name. Sent piece by piece as it is read."""
    library = services_of(request).library
    if (held := unchanged(request, await library.generation())) is not None:
        return cast(FieldAvailability, held)
    if title_id is not None:
        title_id = await library.matching.living(title_id) or title_id
    wanted = Wanted(tuple(instance), title.strip(), title_id)
    # What is sent has the shape that is announced, and is never in memory as a whole.
    return cast(
        FieldAvailability,
        StreamingResponse(library.fields.document(wanted), media_type="application/json"),
    )
