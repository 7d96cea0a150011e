"""Requests for titles: of the person who asks; admins see everyone's and decide. What is someone else's does not exist."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request as HttpRequest

from medianest_core.domain.requests.entries import (
    Allowance,
    Outcome,
    Request,
    RequestDetail,
    RequestPage,
)
from medianest_core.domain.requests.watchlists import Watching
from medianest_core.domain.requests.wishes import Wish
from medianest_core.sdk.permissions import ADMIN, OWNER, USER
from medianest_core.sdk.requests import RequestOption
from medianest_core.web.gate.problems import Problem
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.rest.resource import Cursor, Limit, Resource

requests = Resource("requests", "/requests")
State = Literal[
    "pending",
    "held",
    "approved",
    "submitting",
    "processing",
    "partially_available",
    "available",
    "declined",
    "failed",
    "cancelled",
]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Episode(Strict):
    season: int = Field(ge=0, lt=10_000)
    number: int = Field(ge=0, lt=100_000)


class NewRequest(Strict):
    """kind: a media type. ids: catalog → id, of the title; for seasons and episodes of their show. seasons, episodes: left out, all of it.
    variant: empty or "4k". profile_id: left out, the usual one. options: for admins. for_user: for admins, account it is for.
    comment: the first of its thread."""

    kind: str = Field(max_length=40)
    ids: dict[str, str] = Field(max_length=10)
    title: str = Field(max_length=500)
    year: int | None = Field(None, ge=1000, le=9999)
    image: str | None = Field(None, max_length=600)
    seasons: list[int] = Field(default_factory=list, max_length=500)
    episodes: list[Episode] = Field(default_factory=list, max_length=500)
    variant: str = Field("", max_length=20)
    profile_id: str | None = Field(None, max_length=36)
    options: dict[str, str] = Field(default_factory=dict, max_length=20)
    for_user: str | None = Field(None, max_length=36)
    comment: str = Field("", max_length=2000)


class Reason(Strict):
    """reason: shown to the person. version: as read, for a 409."""

    reason: str = Field("", max_length=2000)
    version: int | None = None


class Way(Strict):
    """profile_id, instance_id, options: instead of what was chosen so far. version: as read, for a 409."""

    profile_id: str | None = Field(None, max_length=36)
    instance_id: str | None = Field(None, max_length=36)
    options: dict[str, str] | None = Field(None, max_length=20)
    version: int | None = None


class Whom(Strict):
    """user_id: for admins; left out, yourself."""

    user_id: str | None = Field(None, max_length=36)


class Words(Strict):
    text: str = Field("", max_length=2000)


class Changes(Strict):
    """What is left out stays. seasons: of a show; none of them, all. profile_id: empty, the usual one. comment: added to its thread.
    version: as read, for a 409."""

    seasons: list[int] | None = Field(None, max_length=500)
    profile_id: str | None = Field(None, max_length=36)
    comment: str = Field("", max_length=2000)
    version: int | None = None


class Watch(Strict):
    """version: as read, for a 409."""

    enabled: bool
    version: int | None = None


class Left(BaseModel):
    """request: as it is then; null where it was left to others who follow it."""

    request: Request | None


@requests.post(policy=USER, status=201)
async def submit(request: HttpRequest, body: NewRequest) -> Outcome:
    """Ask for a title. result: "created", "joined" where someone had asked already, "available" where all of it is there."""
    wish = Wish(
        kind=body.kind,
        ids=body.ids,
        title=body.title,
        year=body.year,
        image=body.image,
        seasons=tuple(body.seasons),
        episodes=tuple((one.season, one.number) for one in body.episodes),
        variant=body.variant,
        profile_id=body.profile_id,
        options=body.options,
        for_user=body.for_user,
        comment=body.comment,
    )
    return await services_of(request).requests.submit(someone(request), wish)


@requests.get(policy=USER)
async def list_requests(
    request: HttpRequest,
    state: Annotated[list[State], Query(max_length=10)] = [],  # noqa: B006  # read by FastAPI, never changed
    kind: Annotated[list[str], Query(max_length=10)] = [],  # noqa: B006  # as above
    everyone: bool = False,
    user_id: Annotated[str | None, Query(max_length=36)] = None,
    undecided: bool = False,
    cursor: Cursor = None,
    limit: Limit = 30,
) -> RequestPage:
    """Those you follow, newest first. everyone, user_id: for admins. undecided: those that wait for an admin."""
    return await services_of(request).requests.list(
        someone(request),
        everyone=everyone,
        states=state,
        kinds=kind,
        user_id=user_id,
        undecided=undecided,
        cursor=cursor,
        limit=limit,
    )


@requests.get("/counts", policy=USER)
async def count_requests(request: HttpRequest, everyone: bool = False) -> Mapping[str, int]:
    """state → how many, and how many wait for an admin."""
    return await services_of(request).requests.counts(someone(request), everyone=everyone)


@requests.get("/allowances", policy=USER)
async def list_allowances(
    request: HttpRequest, user_id: Annotated[str | None, Query(max_length=36)] = None
) -> Sequence[Allowance]:
    """What you may ask for, and how much of it is left. user_id: for admins."""
    return await services_of(request).requests.allowances(someone(request), user_id)


@requests.get("/options", policy=ADMIN)
async def list_options(
    request: HttpRequest,
    kind: Annotated[str, Query(max_length=40)],
    variant: Annotated[str, Query(max_length=20)] = "",
    instance_id: Annotated[str | None, Query(max_length=36)] = None,
) -> Mapping[str, Sequence[RequestOption]]:
    """Instance → what can be chosen there for such a request."""
    return await services_of(request).requests.options(kind, variant, instance_id)


@requests.get("/watchlist", policy=USER)
async def get_watchlist(request: HttpRequest) -> Watching:
    """Whether your list at a service is read, and what became of what stands there."""
    return await services_of(request).requests.watching(someone(request))


@requests.put("/watchlist", policy=USER)
async def set_watchlist(request: HttpRequest, body: Watch) -> Watching:
    """Ask by itself for what you put on your list, or do not."""
    return await services_of(request).requests.watch(someone(request), body.enabled, version=body.version)


@requests.get("/{request_id}", policy=OWNER)
async def get_request(request: HttpRequest, request_id: str) -> RequestDetail:
    """With who follows it, its thread, and its timeline."""
    found = await services_of(request).requests.detail(someone(request), request_id)
    if found is None:
        raise missing()
    return found


@requests.patch("/{request_id}", policy=OWNER)
async def edit_request(request: HttpRequest, request_id: str, body: Changes) -> Request:
    """While nobody has decided about it."""
    return _found(await services_of(request).requests.edit(someone(request), request_id, **body.model_dump()))


@requests.delete("/{request_id}", policy=ADMIN)
async def remove_request(request: HttpRequest, request_id: str, version: int | None = None) -> None:
    """Forget it, and withdraw it where it is on its way."""
    if not await services_of(request).requests.remove(someone(request), request_id, version=version):
        raise missing()


@requests.post("/{request_id}/approve", policy=ADMIN)
async def approve_request(request: HttpRequest, request_id: str, body: Way) -> Request:
    return _found(
        await services_of(request).requests.approve(someone(request), request_id, **body.model_dump())
    )


@requests.post("/{request_id}/decline", policy=ADMIN)
async def decline_request(request: HttpRequest, request_id: str, body: Reason) -> Request:
    return _found(
        await services_of(request).requests.decline(
            someone(request), request_id, body.reason, version=body.version
        )
    )


@requests.post("/{request_id}/retry", policy=ADMIN)
async def retry_request(request: HttpRequest, request_id: str, body: Way) -> Request:
    """Send again what failed or waits for a service."""
    return _found(
        await services_of(request).requests.retry(someone(request), request_id, **body.model_dump())
    )


@requests.post("/{request_id}/cancel", policy=OWNER)
async def cancel_request(request: HttpRequest, request_id: str, body: Reason) -> Left:
    """Withdraw it. Where others follow it too, you only leave it to them."""
    service, viewer = services_of(request).requests, someone(request)
    if await service.get(viewer, request_id) is None:
        raise missing()
    return Left(request=await service.cancel(viewer, request_id, body.reason, version=body.version))


@requests.put("/{request_id}/participants", policy=OWNER)
async def follow_request(request: HttpRequest, request_id: str, body: Whom) -> Request:
    """Follow it."""
    return _found(await services_of(request).requests.follow(someone(request), request_id, body.user_id))


@requests.delete("/{request_id}/participants", policy=OWNER)
async def unfollow_request(
    request: HttpRequest, request_id: str, user_id: Annotated[str | None, Query(max_length=36)] = None
) -> None:
    """Stop following it. user_id: for admins."""
    if not await services_of(request).requests.unfollow(someone(request), request_id, user_id):
        raise missing()


@requests.post("/{request_id}/comments", policy=OWNER, status=201)
async def comment_on_request(request: HttpRequest, request_id: str, body: Words) -> RequestDetail:
    found = await services_of(request).requests.comment(someone(request), request_id, body.text)
    if found is None:
        raise missing()
    return found


@requests.delete("/{request_id}/comments/{comment_id}", policy=OWNER)
async def remove_comment(request: HttpRequest, request_id: str, comment_id: str) -> None:
    """Your own; admins any."""
    if not await services_of(request).requests.remove_comment(someone(request), request_id, comment_id):
        raise missing()


def _found(request: Request | None) -> Request:
    if request is None:
        raise missing()
    return request


def missing() -> Problem:
    return Problem(404, "There is no such request.", code="missing")
