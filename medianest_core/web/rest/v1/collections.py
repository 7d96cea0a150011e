"""Collections: read from the stored copy; making and changing them happens at the server."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from medianest_core.domain.library.service import CollectionCard, CollectionDetail
from medianest_core.sdk.permissions import ADMIN, USER
from medianest_core.web.gate.problems import Problem
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.rest.resource import Resource
from medianest_core.web.rest.v1.library import TitleId

collections = Resource("collections", "/collections")
TitleIds = Annotated[list[Annotated[int, Field(ge=0, le=2**53)]], Field(min_length=1, max_length=500)]


class NewCollection(BaseModel):
    """library: key of the server's section."""

    model_config = ConfigDict(extra="forbid")

    library: str = Field(max_length=200)
    title: str = Field(min_length=1, max_length=200)
    title_ids: TitleIds


class Titles(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title_ids: TitleIds


@collections.get(policy=USER)
async def list_collections(request: Request, instance: str | None = None) -> list[CollectionCard]:
    return await services_of(request).library.collections(instance)


@collections.get("/{instance_id}/{key}", policy=USER)
async def get_collection(request: Request, instance_id: str, key: str) -> CollectionDetail:
    """One with its titles, in its order."""
    found: CollectionDetail | None = await services_of(request).library.collection(instance_id, key)
    if found is None:
        raise Problem(404, "There is no such collection.", code="missing")
    return found


@collections.post("/{instance_id}", policy=ADMIN, status=201)
async def create_collection(request: Request, instance_id: str, body: NewCollection) -> CollectionDetail:
    key = await services_of(request).library.create_collection(
        instance_id, body.library, body.title, body.title_ids, someone(request).id
    )
    return await get_collection(request, instance_id, key)


@collections.post("/{instance_id}/{key}/titles", policy=ADMIN)
async def add_titles(request: Request, instance_id: str, key: str, body: Titles) -> CollectionDetail:
    """Those that are in it already stay as they are."""
    await get_collection(request, instance_id, key)
    await services_of(request).library.add_to_collection(
        instance_id, key, body.title_ids, someone(request).id
    )
    return await get_collection(request, instance_id, key)


@collections.delete("/{instance_id}/{key}/titles/{title_id}", policy=ADMIN)
async def remove_title(request: Request, instance_id: str, key: str, title_id: TitleId) -> None:
    await get_collection(request, instance_id, key)
    await services_of(request).library.remove_from_collection(instance_id, key, title_id, someone(request).id)
