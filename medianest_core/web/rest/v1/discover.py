"""Titles that exist in the world, whether the household has them or not: search, feeds and details of all catalogs together."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from starlette.requests import Request

from medianest_core.domain.discover.entries import Details, FeedInfo, Results, parse_key
from medianest_core.sdk.permissions import USER
from medianest_core.web.gate.problems import Problem
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.rest.resource import Resource

discover = Resource("discover", "/discover")
Number = Annotated[int, Query(ge=1, le=500, description="Page, from 1.")]


@discover.get("/feeds", policy=USER)
async def list_feeds(request: Request) -> list[FeedInfo]:
    """Lists that can be browsed now, the best first."""
    return services_of(request).discover.feeds()


@discover.get("/feed", policy=USER)
async def get_feed(
    request: Request, name: Annotated[str, Query(min_length=1, max_length=100)], page: Number = 1
) -> Results:
    """A page of a feed, by its name. Pictures are served at "/img/{image}?w=300"."""
    return await services_of(request).discover.feed(someone(request), name, page)


@discover.get("/search", policy=USER)
async def search(request: Request, text: Annotated[str, Query(max_length=200)], page: Number = 1) -> Results:
    """Best matches first. troubles: catalogs that are missing from the answer, with the reason."""
    return await services_of(request).discover.search(someone(request), text, page)


@discover.get("/details", policy=USER)
async def get_details(
    request: Request,
    key: Annotated[str, Query(max_length=200, description="Of an entry: kind, provider and id.")],
) -> Details:
    """Everything known of one title. 404 where no catalog knows it; 503 where none that could know it answers."""
    named = parse_key(key)
    if named is None:
        raise Problem(422, "key: kind, provider and id are needed, with colons between them.", code="invalid")
    found = await services_of(request).discover.details(someone(request), *named)
    if found.entry is None:
        if found.troubles:
            raise Problem(503, found.troubles[0].reason, code="not_ready")
        raise Problem(404, "There is no such title.", code="missing")
    return found
