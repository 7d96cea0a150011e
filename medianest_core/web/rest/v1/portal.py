"""The portal's own settings and its audit log. For admins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel, ConfigDict
from starlette.requests import Request

from medianest_core.sdk.permissions import ADMIN
from medianest_core.store.repos import audit as audit_log
from medianest_core.store.repos import portal_settings
from medianest_core.store.repos.audit import AuditRow
from medianest_core.store.repos.portal_settings import PortalSettings
from medianest_core.store.repos.settings_history import State
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.rest.confirming import Confirmed, confirm
from medianest_core.web.rest.resource import Limit, Resource, StateId

settings = Resource("settings", "/settings")
audit = Resource("audit", "/audit")


class StoredSettings(BaseModel):
    values: PortalSettings
    version: int


class SettingsChange(BaseModel):
    """What is left out of `values` stays. version: as read, for a 409 when it changed."""

    model_config = ConfigDict(extra="forbid")

    values: dict[str, Any]
    version: int


class Restored(Confirmed):
    """version: of the settings as they are now, for a 409 when they changed."""

    version: int


class AuditPage(BaseModel):
    """next_before: give it as `before` for what follows; null at the end."""

    items: Sequence[AuditRow]
    next_before: int | None


@settings.get(policy=ADMIN)
async def get_settings(request: Request) -> StoredSettings:
    values, version = await portal_settings.load(services_of(request).db)
    return StoredSettings(values=values, version=version)


@settings.patch(policy=ADMIN)
async def change_settings(request: Request, body: SettingsChange) -> StoredSettings:
    reader = services_of(request).portal_settings
    values = await reader.change(body.values, body.version, someone(request).id)
    return StoredSettings(values=values, version=reader.version)


@settings.get("/history", policy=ADMIN)
async def list_settings_history(
    request: Request,
    before: Annotated[int | None, Query(ge=0, le=2**53)] = None,
    limit: Limit = 50,
) -> Sequence[State]:
    """What the settings were, newest first. before: states older than the one with this id."""
    return await services_of(request).portal_settings.history(before=before, limit=limit)


@settings.post("/history/{state_id}/restore", policy=ADMIN, session_only=True)
async def restore_settings(request: Request, state_id: StateId, body: Restored) -> StoredSettings:
    """Bring an earlier state back."""
    await confirm(request, body)
    reader = services_of(request).portal_settings
    values = await reader.restore(state_id, body.version, someone(request).id)
    return StoredSettings(values=values, version=reader.version)


@audit.get(policy=ADMIN)
async def list_audit(
    request: Request,
    actor: str | None = None,
    action: Annotated[str | None, Query(max_length=80)] = None,
    before: Annotated[int | None, Query(ge=0, le=2**53)] = None,
    limit: Limit = 50,
) -> AuditPage:
    """Who changed what, newest first. action: the beginning of its name, e.g. "user."."""
    async with services_of(request).db.read() as tx:
        rows = await audit_log.latest(tx, actor=actor, action=action, before=before, limit=limit + 1)
    more = rows[limit - 1].id if len(rows) > limit else None
    return AuditPage(items=rows[:limit], next_before=more)
