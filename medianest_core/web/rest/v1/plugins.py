"""Installed plugins and their state. For admins."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from starlette.requests import Request

from medianest_core.base.texts import N_
from medianest_core.host.registry import PluginInfo
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.permissions import ADMIN
from medianest_core.web.gate.problems import Problem
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.rest.resource import Resource

plugins = Resource("plugins", "/plugins")


class PluginChange(BaseModel):
    """enabled: now and for later starts. retry: forget a failure and try again.

    version: the `row_version` as read, for a 409 when someone else was faster; needed with `enabled`.
    """

    model_config = ConfigDict(extra="forbid")

    enabled: bool | None = None
    retry: bool = False
    version: int | None = None


@plugins.get(policy=ADMIN)
async def list_plugins(request: Request) -> list[PluginInfo]:
    return services_of(request).host.registry.plugins()


@plugins.get("/{name}", policy=ADMIN)
async def get_plugin(request: Request, name: str) -> PluginInfo:
    info = services_of(request).host.registry.plugin(name)
    if info is None:
        raise Problem(404, "No such plugin is installed.", code="missing")
    return info


@plugins.patch("/{name}", policy=ADMIN)
async def change_plugin(request: Request, name: str, body: PluginChange) -> PluginInfo:
    """Switch on or off, or try again."""
    info = await get_plugin(request, name)
    host, actor = services_of(request).host, someone(request).id
    if body.enabled is not None:
        if body.version is None:
            raise UserError(N_("Send the version that you have read."), "version")
        info = await host.set_enabled(name, body.enabled, actor, body.version)
    if body.retry:
        info = await host.retry(name, actor)
    return info
