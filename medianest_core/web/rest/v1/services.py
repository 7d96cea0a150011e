"""Configured services: kinds, settings forms, testing, health and their addresses for webhooks. For admins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from medianest_core.domain.webhooks.entries import Address, DeliveryInfo
from medianest_core.host.health import Health
from medianest_core.host.instance import InstanceInfo
from medianest_core.sdk.permissions import ADMIN
from medianest_core.sdk.service import CheckResult
from medianest_core.store.repos.settings_history import State
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.rest.confirming import Confirmed, confirm
from medianest_core.web.rest.resource import Cursor, Limit, Resource, StateId

services = Resource("services", "/services")


class ServiceKind(BaseModel):
    """settings: JSON schema of the settings; fields with "writeOnly" are secrets. Objects in lists have an "_id" beside what it says."""

    plugin: str
    service: str
    title: str
    icon: str
    description: str
    settings: dict[str, Any]


class Restored(Confirmed):
    """version: of the settings as they are now, for a 409 when they changed. again: secret → its value, typed anew.

    Secrets in groups and lists are named "group.field" and "list._id.field".
    """

    version: int
    again: dict[str, Annotated[str, Field(max_length=10_000)]] = Field(default_factory=dict, max_length=50)


class NewService(BaseModel):
    """name: address-like, unique in the plugin; empty makes one from the title. settings: as the kind's schema says."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    plugin: str = Field(max_length=64)
    service: str = Field(max_length=64)
    name: str = Field("", max_length=64)
    title: str = Field("", max_length=80)
    settings: dict[str, Any]


class ServiceChange(BaseModel):
    """Secrets left out are kept; null removes one. version: as read, for a 409 when it changed.

    An object in a list keeps its secrets by the "_id" that it was read with; one without is new. A list with secrets that is left out
    altogether stays as it is.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    settings: dict[str, Any]
    version: int
    title: str | None = Field(None, max_length=80)


class ServiceTrial(BaseModel):
    """instance_id: whose stored secrets stand in for those left out."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    plugin: str = Field(max_length=64)
    service: str = Field(max_length=64)
    settings: dict[str, Any]
    instance_id: str | None = None


class Enabled(BaseModel):
    """version: as read, for a 409 when it changed."""

    model_config = ConfigDict(extra="forbid")

    enabled: bool
    version: int


class ServiceDetail(BaseModel):
    """settings: stored values, secrets masked. Objects in lists have an "_id", by which they stay themselves."""

    service: InstanceInfo
    settings: Mapping[str, Any]
    health: Health


class DeliveryPage(BaseModel):
    items: Sequence[DeliveryInfo]
    next_cursor: str | None


@services.get("/kinds", policy=ADMIN)
async def list_kinds(request: Request) -> list[ServiceKind]:
    """What can be added."""
    return [
        ServiceKind(
            plugin=plugin,
            service=kind.name,
            title=kind.title or kind.name,
            icon=kind.icon,
            description=kind.description,
            settings=kind.settings.model_json_schema(),
        )
        for plugin, kind in services_of(request).host.registry.service_types()
    ]


@services.get(policy=ADMIN)
async def list_services(request: Request) -> list[InstanceInfo]:
    return services_of(request).host.instances.all()


@services.post(policy=ADMIN, status=201)
async def add_service(request: Request, body: NewService) -> InstanceInfo:
    """Store a service and begin to set it up."""
    return await services_of(request).host.instances.create(
        body.plugin, body.service, body.name, body.title, body.settings, someone(request).id
    )


@services.post("/test", policy=ADMIN)
async def test_service(request: Request, body: ServiceTrial) -> CheckResult:
    """Try settings without storing anything."""
    return await services_of(request).host.instances.test(
        body.plugin, body.service, body.settings, body.instance_id
    )


@services.get("/{instance_id}", policy=ADMIN)
async def get_service(request: Request, instance_id: str) -> ServiceDetail:
    instances = services_of(request).host.instances
    return ServiceDetail(
        service=instances.info(instance_id),
        settings=instances.form_values(instance_id),
        health=instances.health(instance_id),
    )


@services.patch("/{instance_id}", policy=ADMIN)
async def change_service(request: Request, instance_id: str, body: ServiceChange) -> InstanceInfo:
    return await services_of(request).host.instances.update(
        instance_id, body.settings, body.version, someone(request).id, title=body.title
    )


@services.get("/{instance_id}/history", policy=ADMIN)
async def list_service_history(
    request: Request,
    instance_id: str,
    before: Annotated[int | None, Query(ge=0, le=2**53)] = None,
    limit: Limit = 50,
) -> Sequence[State]:
    """What its settings were, newest first, secrets masked. before: states older than the one with this id."""
    return await services_of(request).host.instances.history(instance_id, before=before, limit=limit)


@services.post("/{instance_id}/history/{state_id}/restore", policy=ADMIN, session_only=True)
async def restore_service_settings(
    request: Request, instance_id: str, state_id: StateId, body: Restored
) -> InstanceInfo:
    """Bring earlier settings back. Secrets are not kept: those of `again` are set, the others stay as they are now."""
    await confirm(request, body)
    return await services_of(request).host.instances.restore(
        instance_id, state_id, body.version, someone(request).id, body.again
    )


@services.put("/{instance_id}/enabled", policy=ADMIN)
async def enable_service(request: Request, instance_id: str, body: Enabled) -> InstanceInfo:
    """Switch on or off."""
    return await services_of(request).host.instances.set_enabled(
        instance_id, body.enabled, someone(request).id, body.version
    )


@services.post("/{instance_id}/retry", policy=ADMIN, status=202)
async def retry_service(request: Request, instance_id: str) -> InstanceInfo:
    """Try to reach it now."""
    instances = services_of(request).host.instances
    await instances.retry(instance_id)
    return instances.info(instance_id)


@services.delete("/{instance_id}", policy=ADMIN)
async def remove_service(request: Request, instance_id: str, version: int) -> None:
    """Delete it, with all that refers to it. version: as read, for a 409 when it changed."""
    await services_of(request).host.instances.remove(instance_id, someone(request).id, version)


@services.post("/{instance_id}/webhook", policy=ADMIN)
async def webhook_address(request: Request, instance_id: str) -> Address:
    """The secret address the service may post to; made where there is none."""
    return await services_of(request).webhooks.addresses.get(instance_id, someone(request).id)


@services.post("/{instance_id}/webhook/rotate", policy=ADMIN)
async def rotate_webhook(request: Request, instance_id: str) -> Address:
    """Another address; the old one stops working at once."""
    return await services_of(request).webhooks.addresses.rotate(instance_id, someone(request).id)


@services.get("/{instance_id}/deliveries", policy=ADMIN)
async def list_deliveries(
    request: Request, instance_id: str, cursor: Cursor = None, limit: Limit = 50
) -> DeliveryPage:
    """What the service posted, newest first."""
    items, more = await services_of(request).webhooks.deliveries.log(
        instance_id=instance_id, cursor=cursor, limit=limit
    )
    return DeliveryPage(items=items, next_cursor=more)
