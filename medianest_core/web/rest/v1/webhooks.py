"""Webhooks, both ways: where services post to and what they posted; whom we tell of events and what they were sent. For admins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from medianest_core.domain.webhooks.catalogue import EventKind
from medianest_core.domain.webhooks.entries import (
    Address,
    Content,
    DeliveryInfo,
    Message,
    MessageStatus,
    Receiver,
    Sending,
    Subscription,
)
from medianest_core.domain.webhooks.subscriptions import Wanted
from medianest_core.sdk.permissions import ADMIN
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.rest.resource import Cursor, Limit, Resource

webhooks = Resource("webhooks", "/webhooks")
_Status = Literal["received", "processed", "ignored", "failed"]
InstanceId = Annotated[str | None, Query(max_length=36, description="Only of this service.")]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class NewSubscription(Strict):
    """url: where messages are posted to. events: names, as `GET /webhooks/events` lists them."""

    name: str = Field(min_length=1, max_length=100)
    url: str = Field(min_length=1, max_length=2000)
    events: list[str] = Field(min_length=1, max_length=200)
    verify_tls: bool = True


class SubscriptionChange(Strict):
    """url: null keeps the stored one. version: as read, for a 409 when it changed."""

    name: str = Field(min_length=1, max_length=100)
    events: list[str] = Field(min_length=1, max_length=200)
    url: str | None = Field(None, max_length=2000)
    verify_tls: bool = True
    version: int


class StateChange(Strict):
    """active: what waits is sent. paused: it waits. off: it is dropped."""

    state: Sending


class WithSecret(BaseModel):
    """secret: "whsec_…", shown this once."""

    subscription: Subscription
    secret: str


class DeliveryPage(BaseModel):
    items: Sequence[DeliveryInfo]
    next_cursor: str | None


class DeliveryDetail(BaseModel):
    """content: what came in, secrets masked; null where it was too large to be kept."""

    delivery: DeliveryInfo
    content: Content | None


class MessagePage(BaseModel):
    items: Sequence[Message]
    next_cursor: str | None


class Made(BaseModel):
    id: str


class Resumed(BaseModel):
    """waiting: messages that are sent now."""

    subscription: Subscription
    waiting: int


@webhooks.get("/receivers", policy=ADMIN)
async def list_receivers(request: Request) -> Sequence[Receiver]:
    """Services that may post to us, by title."""
    return await services_of(request).webhooks.addresses.receivers()


@webhooks.post("/receivers/{instance_id}/register", policy=ADMIN)
async def register(request: Request, instance_id: str) -> Address:
    """Tell the service to post to its address. 422 where the portal's public address is not set."""
    return await services_of(request).webhooks.addresses.register(instance_id, someone(request).id)


@webhooks.post("/receivers/{instance_id}/unregister", policy=ADMIN)
async def unregister(request: Request, instance_id: str) -> Address:
    """Tell the service to stop."""
    return await services_of(request).webhooks.addresses.unregister(instance_id, someone(request).id)


@webhooks.get("/deliveries", policy=ADMIN)
async def list_deliveries(
    request: Request,
    instance_id: InstanceId = None,
    status: _Status | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> DeliveryPage:
    """What services posted, newest first."""
    items, more = await services_of(request).webhooks.deliveries.log(
        instance_id=instance_id, status=status, cursor=cursor, limit=limit
    )
    return DeliveryPage(items=items, next_cursor=more)


@webhooks.get("/deliveries/{delivery_id}", policy=ADMIN)
async def get_delivery(request: Request, delivery_id: str) -> DeliveryDetail:
    """One of them, with what came in."""
    delivery, content = await services_of(request).webhooks.deliveries.get(delivery_id)
    return DeliveryDetail(delivery=delivery, content=content)


@webhooks.post("/deliveries/{delivery_id}/replay", policy=ADMIN, status=202)
async def replay_delivery(request: Request, delivery_id: str) -> Made:
    """Follow it once more, as a new delivery."""
    made = await services_of(request).webhooks.deliveries.replay(delivery_id, someone(request).id)
    return Made(id=made)


@webhooks.get("/events", policy=ADMIN)
async def list_events(request: Request) -> Sequence[EventKind]:
    """What can be subscribed to, each with the JSON schema of its `data`."""
    return services_of(request).webhooks.catalogue.all()


@webhooks.get("/subscriptions", policy=ADMIN)
async def list_subscriptions(request: Request) -> Sequence[Subscription]:
    """By name."""
    return await services_of(request).webhooks.subscriptions.all()


@webhooks.post("/subscriptions", policy=ADMIN, status=201)
async def subscribe(request: Request, body: NewSubscription) -> WithSecret:
    """Messages begin with the next event."""
    hooks = services_of(request).webhooks
    made, secret = await hooks.subscriptions.create(Wanted(**body.model_dump()), someone(request).id)
    await hooks.sender.refresh()
    return WithSecret(subscription=made, secret=secret)


@webhooks.get("/subscriptions/{subscription_id}", policy=ADMIN)
async def get_subscription(request: Request, subscription_id: str) -> Subscription:
    return await services_of(request).webhooks.subscriptions.get(subscription_id)


@webhooks.patch("/subscriptions/{subscription_id}", policy=ADMIN)
async def change_subscription(
    request: Request, subscription_id: str, body: SubscriptionChange
) -> Subscription:
    hooks = services_of(request).webhooks
    wanted = Wanted(body.name, body.events, body.url, body.verify_tls)
    found = await hooks.subscriptions.change(subscription_id, wanted, body.version, someone(request).id)
    await hooks.sender.refresh()
    return found


@webhooks.put("/subscriptions/{subscription_id}/state", policy=ADMIN)
async def change_state(request: Request, subscription_id: str, body: StateChange) -> Resumed:
    """Pause, resume or switch off."""
    hooks, actor, waiting = services_of(request).webhooks, someone(request).id, 0
    if body.state is Sending.ACTIVE:
        waiting = await hooks.sender.resume(subscription_id, actor)
    else:
        await hooks.sender.halt(subscription_id, body.state, actor)
    return Resumed(subscription=await hooks.subscriptions.get(subscription_id), waiting=waiting)


@webhooks.post("/subscriptions/{subscription_id}/secret", policy=ADMIN)
async def new_secret(request: Request, subscription_id: str) -> WithSecret:
    """Another secret; for a day messages are signed with the old one too."""
    hooks = services_of(request).webhooks
    secret = await hooks.subscriptions.new_secret(subscription_id, someone(request).id)
    return WithSecret(subscription=await hooks.subscriptions.get(subscription_id), secret=secret)


@webhooks.post("/subscriptions/{subscription_id}/test", policy=ADMIN, status=202)
async def send_test(request: Request, subscription_id: str) -> Made:
    """Send one message of type `webhook:test`, whatever state it is in."""
    made = await services_of(request).webhooks.sender.test(subscription_id, someone(request).id)
    return Made(id=made)


@webhooks.delete("/subscriptions/{subscription_id}", policy=ADMIN)
async def unsubscribe(request: Request, subscription_id: str) -> None:
    """Remove it with its log."""
    hooks = services_of(request).webhooks
    await hooks.subscriptions.remove(subscription_id, someone(request).id)
    await hooks.sender.refresh()


@webhooks.get("/subscriptions/{subscription_id}/messages", policy=ADMIN)
async def list_messages(
    request: Request,
    subscription_id: str,
    status: MessageStatus | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> MessagePage:
    """What it was sent or is to be, newest first."""
    items, more = await services_of(request).webhooks.subscriptions.log(
        subscription_id, status=status, cursor=cursor, limit=limit
    )
    return MessagePage(items=items, next_cursor=more)


@webhooks.post("/subscriptions/{subscription_id}/messages/{message_id}/replay", policy=ADMIN, status=202)
async def replay_message(request: Request, subscription_id: str, message_id: str) -> Made:
    """Send it again, under its own `webhook-id`."""
    made = await services_of(request).webhooks.sender.replay(subscription_id, message_id, someone(request).id)
    return Made(id=made)
