"""Subscriptions to channels and playlists: each person's own."""

from __future__ import annotations

from dataclasses import replace

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from medianest_core.domain.downloads.filters import Wanted
from medianest_core.domain.downloads.following import Subscription
from medianest_core.sdk.permissions import OWNER, USER
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.rest.resource import Resource

subscriptions = Resource("subscriptions", "/subscriptions")


class Wishes(BaseModel):
    """every: seconds between two looks, of 900, 3600, 21600, 86400 or 604800. title: text, or a pattern with * and ?. shortest, longest:
    seconds. after: epoch seconds. keep: so many of the newest videos. keep_days: those published in so many days. What is beyond goes away
    with its files. earlier: also what is there already."""

    model_config = ConfigDict(extra="forbid")

    every: float = 21_600.0
    title: str = Field("", max_length=200)
    shortest: float | None = None
    longest: float | None = None
    after: float | None = None
    shorts: bool = False
    earlier: bool = False
    keep: int | None = None
    keep_days: int | None = None
    quality: str = Field("", max_length=40)
    container: str = Field("", max_length=20)


class NewSubscription(Wishes):
    url: str = Field(max_length=2000)


class SubscriptionChange(BaseModel):
    """What is left out stays. version: as read, for a 409 when it changed."""

    model_config = ConfigDict(extra="forbid")

    wishes: Wishes | None = None
    paused: bool | None = None
    version: int = 0


@subscriptions.get(policy=USER)
async def list_subscriptions(request: Request) -> list[Subscription]:
    """Your own, by name."""
    return await services_of(request).downloads.following.list(someone(request))


@subscriptions.post(policy=USER, status=201)
async def subscribe(request: Request, body: NewSubscription) -> Subscription:
    """Have what is new in a channel or playlist downloaded by itself."""
    return await services_of(request).downloads.following.add(someone(request), Wanted(**body.model_dump()))


@subscriptions.get("/{subscription_id}", policy=OWNER)
async def get_subscription(request: Request, subscription_id: str) -> Subscription:
    return await services_of(request).downloads.following.get(someone(request), subscription_id)


@subscriptions.patch("/{subscription_id}", policy=OWNER)
async def change_subscription(
    request: Request, subscription_id: str, body: SubscriptionChange
) -> Subscription:
    """Other wishes, or a pause."""
    following, viewer, version = services_of(request).downloads.following, someone(request), body.version
    found = await following.get(viewer, subscription_id)
    if body.wishes is not None:
        wanted = Wanted(url=found.wanted.url, **body.wishes.model_dump())
        await following.change(viewer, subscription_id, wanted, version)
        version += 1
    if body.paused is not None:
        await following.pause(viewer, subscription_id, body.paused, version)
    return await following.get(viewer, subscription_id)


@subscriptions.get("/{subscription_id}/beyond", policy=OWNER)
async def beyond(
    request: Request, subscription_id: str, keep: int | None = None, keep_days: int | None = None
) -> list[str]:
    """Titles of the videos that would be removed at once if you kept so many, or those of so many days; the newest first."""
    following, viewer = services_of(request).downloads.following, someone(request)
    found = await following.get(viewer, subscription_id)
    return list(
        await following.beyond(viewer, subscription_id, replace(found.wanted, keep=keep, keep_days=keep_days))
    )


@subscriptions.post("/{subscription_id}/look", policy=OWNER, status=202)
async def look_now(request: Request, subscription_id: str) -> Subscription:
    """Look for something new now."""
    following, viewer = services_of(request).downloads.following, someone(request)
    await following.look_now(viewer, subscription_id)
    return await following.get(viewer, subscription_id)


@subscriptions.delete("/{subscription_id}", policy=OWNER)
async def unsubscribe(request: Request, subscription_id: str) -> None:
    """What was downloaded stays."""
    await services_of(request).downloads.following.remove(someone(request), subscription_id)
