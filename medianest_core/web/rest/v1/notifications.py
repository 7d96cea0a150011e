"""The inbox of the person who asks, and how they are told outside the portal."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from medianest_core.domain.notify.channel import Channel, Kind
from medianest_core.domain.notify.deliveries import DeliveryInfo
from medianest_core.domain.notify.outside import Outside, TopicInfo
from medianest_core.domain.notify.service import Inbox
from medianest_core.domain.notify.times import Times
from medianest_core.sdk.permissions import USER
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.rest.resource import Cursor, Limit, Resource

notifications = Resource("notifications", "/notifications")


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Read(Strict):
    """ids: left out, all of them."""

    ids: list[str] | None = Field(None, max_length=500)


class Unread(BaseModel):
    unread: int


class Ways(BaseModel):
    """kinds: what admins have set up. links: whether messages can carry links to the portal."""

    kinds: Sequence[Kind]
    channels: Sequence[Channel]
    topics: Sequence[TopicInfo]
    times: Times
    links: bool


class NewChannel(Strict):
    """target: an address, or a browser's push subscription as JSON text."""

    instance_id: str = Field(max_length=36)
    target: str = Field(max_length=4000)
    label: str = Field("", max_length=80)


class Code(Strict):
    code: str = Field(max_length=20)


class ChannelChange(Strict):
    """What is left out stays. digest: one summary a day. wanted: topic → whether it goes there."""

    enabled: bool | None = None
    digest: bool | None = None
    wanted: dict[str, bool] = Field(default_factory=dict, max_length=100)


class TimesBody(Strict):
    """quiet_from, quiet_to: minutes since midnight in your time zone; both null, no quiet hours. version: as read."""

    quiet_from: int | None = None
    quiet_to: int | None = None
    digest_hour: int = 8
    urgent: bool = False
    version: int | None = None


class Log(BaseModel):
    items: Sequence[DeliveryInfo]
    next_cursor: str | None


def _outside(request: Request) -> Outside:
    return services_of(request).notify.outside


@notifications.get(policy=USER)
async def list_notifications(
    request: Request, unread: bool = False, cursor: Cursor = None, limit: Limit = 30
) -> Inbox:
    """Newest first, in your language."""
    viewer = someone(request)
    return await services_of(request).notify.inbox(
        viewer.id, locale=viewer.locale, unread_only=unread, cursor=cursor, limit=limit
    )


@notifications.post("/read", policy=USER)
async def mark_read(request: Request, body: Read) -> Unread:
    return Unread(unread=await services_of(request).notify.mark_read(someone(request).id, body.ids))


@notifications.get("/channels", policy=USER)
async def list_channels(request: Request) -> Ways:
    """Your channels, what could be one, and what goes there when. Addresses are not shown again."""
    viewer, outside = someone(request), _outside(request)
    return Ways(
        kinds=await outside.channels.kinds(),
        channels=await outside.channels.of(viewer.id),
        topics=outside.topics(viewer.locale, admin=viewer.is_admin),
        times=await outside.choosing.times(viewer.id),
        links=outside.links,
    )


@notifications.post("/channels", policy=USER, status=201)
async def add_channel(request: Request, body: NewChannel) -> Channel:
    """Where `waits` is true a code was sent there, which has to be confirmed first."""
    return await _outside(request).channels.add(
        someone(request).id, body.instance_id, body.target, body.label
    )


@notifications.post("/channels/{channel_id}/confirm", policy=USER)
async def confirm_channel(request: Request, channel_id: str, body: Code) -> Channel:
    return await _outside(request).channels.confirm(someone(request).id, channel_id, body.code)


@notifications.post("/channels/{channel_id}/code", policy=USER, status=202)
async def send_code_again(request: Request, channel_id: str) -> None:
    """A new code; the one before is void."""
    await _outside(request).channels.code_again(someone(request).id, channel_id)


@notifications.post("/channels/{channel_id}/test", policy=USER)
async def test_channel(request: Request, channel_id: str) -> None:
    """Sends a test message and answers once it was handed over."""
    viewer = someone(request)
    await _outside(request).channels.test(viewer.id, channel_id, viewer.locale)


@notifications.patch("/channels/{channel_id}", policy=USER)
async def change_channel(request: Request, channel_id: str, body: ChannelChange) -> Channel:
    viewer, outside = someone(request), _outside(request)
    found = await outside.channels.one(viewer.id, channel_id)
    if body.enabled is not None:
        found = await outside.channels.switch(viewer.id, channel_id, body.enabled)
    if body.digest is not None:
        await outside.choosing.set_digest(viewer.id, {channel_id: body.digest})
    if body.wanted:
        await outside.choosing.choose(viewer.id, {channel_id: body.wanted})
    return await outside.channels.one(viewer.id, found.id)


@notifications.delete("/channels/{channel_id}", policy=USER)
async def remove_channel(request: Request, channel_id: str) -> None:
    """With what still waits for it."""
    await _outside(request).channels.remove(someone(request).id, channel_id)


@notifications.put("/times", policy=USER)
async def set_times(request: Request, body: TimesBody) -> Times:
    """Quiet hours and the hour of the daily summary."""
    viewer = someone(request)
    return await _outside(request).choosing.set_times(viewer.id, zone="", **body.model_dump())


@notifications.get("/deliveries", policy=USER)
async def list_deliveries(request: Request, cursor: Cursor = None, limit: Limit = 30) -> Log:
    """What became of each of your notifications outside the portal, newest first."""
    viewer = someone(request)
    items, following = await _outside(request).deliveries.log(
        viewer.id, locale=viewer.locale, cursor=cursor, limit=limit
    )
    return Log(items=items, next_cursor=following)


@notifications.post("/deliveries/{delivery_id}/again", policy=USER, status=202)
async def deliver_again(request: Request, delivery_id: str) -> None:
    """Once more, for one that did not go out for sure."""
    await _outside(request).deliveries.again(someone(request).id, delivery_id)
