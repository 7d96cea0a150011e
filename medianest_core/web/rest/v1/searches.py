"""Searches that the person who asks keeps."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from medianest_core.domain.accounts.saved import SavedSearch
from medianest_core.sdk.permissions import USER
from medianest_core.web.gate.problems import Problem
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.rest.resource import Resource

searches = Resource("searches", "/searches")
Place = Literal["library", "discover"]


class NewSearch(BaseModel):
    """query: what stands behind "?" of the page's address; what is no filter is dropped. One of the same name is replaced."""

    model_config = ConfigDict(extra="forbid")

    place: Place
    name: str = Field(max_length=80)
    query: str = Field(max_length=4000)


@searches.get(policy=USER)
async def list_searches(request: Request, place: Place | None = None) -> list[SavedSearch]:
    """By name."""
    return await services_of(request).accounts.saved.of(someone(request).id, place)


@searches.post(policy=USER, status=201)
async def save_search(request: Request, body: NewSearch) -> SavedSearch:
    return await services_of(request).accounts.saved.save(
        someone(request).id, body.place, body.name, body.query
    )


@searches.delete("/{search_id}", policy=USER)
async def remove_search(request: Request, search_id: str) -> None:
    if not await services_of(request).accounts.saved.remove(someone(request).id, search_id):
        raise Problem(404, "There is no such search.", code="missing")
