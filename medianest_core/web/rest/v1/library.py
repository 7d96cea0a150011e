"""The library: titles with filters, search, details, and what is new. Read from the database, never from a server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import Depends, Path, Query
from pydantic import BaseModel
from starlette.requests import Request

from medianest_core.domain.library.reading.facets import Facets
from medianest_core.domain.library.reading.query import LibraryQuery, Page, TitleRow
from medianest_core.domain.library.reading.titles import (
    Availability,
    Change,
    Episode,
    RecentTitle,
    Season,
    TitleDetail,
)
from medianest_core.sdk.permissions import ADMIN, USER
from medianest_core.web.gate.problems import Problem
from medianest_core.web.gate.viewer import services_of
from medianest_core.web.rest.resource import Cursor, Limit, Resource

library = Resource("library", "/library")
TitleId = Annotated[int, Path(ge=0, le=2**53)]
Many = Annotated[list[str], Query(max_length=50)]
Numbers = Annotated[list[int], Query(max_length=20)]
Year = Annotated[int | None, Query(ge=0, le=9999)]
Where = Annotated[
    Literal["", "now", "several", "single"],
    Query(description="now: on a server that answers. several, single: on that many servers."),
]


class TitleView(BaseModel):
    """values: merged fields by name. images: asset → image id, served at "/img/{id}?w=300".

    provenance: field path with dots between its parts → instance id, or "lock".
    """

    row: TitleRow
    values: Mapping[str, Any]
    images: Mapping[str, str]
    cast: Sequence[Mapping[str, Any]]
    availability: Sequence[Availability]
    seasons: Sequence[Season]
    parents: Sequence[TitleRow]
    provenance: Mapping[str, str]
    ids: Mapping[str, str]


class Link(BaseModel):
    url: str


async def _filters(
    kind: Many = [],  # noqa: B006  # read by FastAPI, never changed
    genre: Many = [],  # noqa: B006  # as above
    quality: Numbers = [],  # noqa: B006  # as above
    instance: Many = [],  # noqa: B006  # as above
    decade: Numbers = [],  # noqa: B006  # as above
    year_from: Year = None,
    year_to: Year = None,
    availability: Where = "",
    hdr: bool = False,
    text: Annotated[str, Query(max_length=200)] = "",
) -> LibraryQuery:
    # Asynchronous only so that it is not given to a thread.
    return LibraryQuery(
        kinds=tuple(kind),
        genres=tuple(genre),
        year_from=year_from,
        year_to=year_to,
        decades=tuple(one for one in decade if 0 <= one < 10_000),
        qualities=tuple(one for one in quality if 0 <= one < 100_000),
        hdr=hdr,
        instance_ids=tuple(instance),
        availability=availability,
        text=text,
    )


Filters = Annotated[LibraryQuery, Depends(_filters)]
"""What narrows a list of titles, as it stands in the address."""


@library.get("/titles", policy=USER)
async def list_titles(
    request: Request,
    filters: Filters,
    sort: Literal["title", "added", "year", "rating", "released"] = "title",
    descending: bool = False,
    cursor: Cursor = None,
    limit: Limit = 60,
) -> Page:
    """Movies, shows and other titles of the top level. Repeat a filter for several values: any of them."""
    return await services_of(request).library.list_titles(
        replace(
            filters,
            sort=sort,
            descending=descending,
            cursor=cursor,
            limit=limit,
        )
    )


@library.get("/facets", policy=USER)
async def get_facets(request: Request, filters: Filters) -> Facets:
    """What the filters can be, with counts beside what is chosen already."""
    return await services_of(request).library.facets(filters)


@library.get("/search", policy=USER)
async def search(
    request: Request, text: Annotated[str, Query(max_length=200)], limit: Limit = 20
) -> list[TitleRow]:
    """Best matches first."""
    return await services_of(request).library.search(text, limit)


@library.get("/recent", policy=USER)
async def recent(request: Request, limit: Limit = 24) -> list[RecentTitle]:
    """What came last."""
    return await services_of(request).library.recent(limit)


@library.get("/titles/{title_id}", policy=USER)
async def get_title(request: Request, title_id: TitleId) -> TitleView:
    detail = await _detail(request, title_id)
    provenance = {".".join(str(part) for part in path): source for path, source in detail.provenance.items()}
    return TitleView(
        row=detail.row,
        values=detail.values,
        images=detail.images,
        cast=detail.cast,
        availability=detail.availability,
        seasons=detail.seasons,
        parents=detail.parents,
        provenance=provenance,
        ids=detail.ids,
    )


@library.get("/titles/{title_id}/seasons", policy=USER)
async def list_seasons(request: Request, title_id: TitleId) -> Sequence[Season]:
    """Of a show."""
    return (await _detail(request, title_id)).seasons


@library.get("/titles/{title_id}/episodes", policy=USER)
async def list_episodes(request: Request, title_id: TitleId) -> list[Episode]:
    """Of a season, or of a show without seasons."""
    detail = await _detail(request, title_id)
    return await services_of(request).library.episodes(detail.row.id)


@library.get("/titles/{title_id}/changes", policy=ADMIN)
async def list_changes(request: Request, title_id: TitleId, limit: Limit = 100) -> list[Change]:
    """What syncs changed of it, and why."""
    detail = await _detail(request, title_id)
    return await services_of(request).library.changes(detail.row.id, limit)


@library.get("/titles/{title_id}/link", policy=USER)
async def deep_link(request: Request, title_id: TitleId, instance: str | None = None) -> Link:
    """Address that opens it in the service's own player."""
    detail = await _detail(request, title_id)
    return Link(url=await services_of(request).library.deep_link(detail.row.id, instance))


async def _detail(request: Request, title_id: int) -> TitleDetail:
    """Of the title, or of the one that it was joined into."""
    library = services_of(request).library
    detail: TitleDetail | None = await library.title(title_id)
    if detail is None and (heir := await library.matching.living(title_id)) is not None:
        detail = await library.title(heir)
    if detail is None:
        raise Problem(404, "There is no such title.", code="missing")
    return detail
