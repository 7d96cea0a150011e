"""Admin → plugins: every installed plugin with its state and the reason for it. Reads what the host wrote; calls no plugin."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from medianest_core.host.lifecycle import UnknownPlugin
from medianest_core.host.registry import PluginInfo
from medianest_core.host.states import PluginState
from medianest_core.sdk.permissions import ADMIN
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.pages.frame import Frame
from medianest_core.web.portal.pages.services import health_row, service_options
from medianest_core.web.portal.viewer import use_viewer
from medianest_core.web.portal.views import (
    Action,
    Contribution,
    Fact,
    PluginRow,
    PluginsView,
    PluginView,
)
from medianest_core.web.portal.views.common import Tone

_TONES: dict[PluginState, Tone] = {
    PluginState.ACTIVE: "success",
    PluginState.NEEDS_SETTINGS: "info",
    PluginState.DISABLED: "neutral",
    PluginState.FOUND: "neutral",
    PluginState.STOPPED: "neutral",
    PluginState.SUSPENDED: "warning",
}


def state_label(state: PluginState) -> str:
    """A plain word for the state, in the reader's language."""
    return {
        PluginState.FOUND: _("Found"),
        PluginState.DISABLED: _("Off"),
        PluginState.CONFLICT: _("In conflict"),
        PluginState.INCOMPATIBLE: _("Not compatible"),
        PluginState.IMPORT_FAILED: _("Cannot be loaded"),
        PluginState.INVALID: _("Invalid"),
        PluginState.NEEDS_SETTINGS: _("Needs settings"),
        PluginState.NEEDS_MIGRATION: _("Needs its tables"),
        PluginState.ACTIVE: _("Active"),
        PluginState.SUSPENDED: _("Suspended"),
        PluginState.STOPPED: _("Stopped"),
    }[state]


def plugin_row(info: PluginInfo) -> PluginRow:
    base = f"/admin/plugins/{info.name}"
    actions: list[Action] = []
    if not info.builtin:
        if not info.enabled:
            actions.append(Action(label=_("Switch on"), path=f"{base}/enable", method="post", icon="power"))
        else:
            if not info.state.running:
                actions.append(
                    Action(label=_("Try again"), path=f"{base}/retry", method="post", icon="rotate-ccw")
                )
            actions.append(Action(label=_("Switch off"), path=f"{base}/disable", method="post", icon="power"))
    return PluginRow(
        name=info.name,
        title=info.title,
        path=base,
        state=info.state.value,
        state_label=state_label(info.state),
        tone=_TONES.get(info.state, "error"),
        version=info.version,
        distribution=info.distribution,
        text=info.description,
        reason=info.reason,
        since_at=info.since or None,
        instances=info.instances,
        provides=tuple(info.providers),
        icon=info.icon,
        builtin=info.builtin,
        actions=tuple(actions),
    )


class PluginAdminPages:
    """Handlers of admin → plugins."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def routes(self) -> list[BaseRoute]:
        return [
            page("/admin/plugins", self.list, policy=ADMIN),
            page("/admin/plugins/{name}", self.detail, policy=ADMIN),
            page("/admin/plugins/{name}/enable", self.enable, methods=("POST",), policy=ADMIN),
            page("/admin/plugins/{name}/disable", self.disable, methods=("POST",), policy=ADMIN),
            page("/admin/plugins/{name}/retry", self.retry, methods=("POST",), policy=ADMIN),
        ]

    async def list(self, request: Request) -> Response:
        services = services_of(request)
        with use_viewer(self._frame.view(request)):
            rows = [plugin_row(info) for info in services.host.registry.plugins()]
            view = PluginsView(
                plugins=tuple(row for row in rows if not row.builtin),
                builtin=tuple(row for row in rows if row.builtin),
                safe_mode=services.settings.safe_mode,
            )
        return await self._frame.page(request, "core/admin/plugins.html", view)

    async def detail(self, request: Request) -> Response:
        services = services_of(request)
        info = services.host.registry.plugin(request.path_params["name"])
        if info is None:
            raise UnknownPlugin(_("No such plugin is installed."))
        with use_viewer(self._frame.view(request)):
            facts = [
                Fact(label=_("Distribution"), value=f"{info.distribution} {info.version}", kind="code"),
                Fact(label=_("Plugin API"), value=info.api),
            ]
            if info.homepage:
                facts.append(Fact(label=_("Home page"), value=info.homepage))
            view = PluginView(
                plugin=plugin_row(info),
                facts=tuple(facts),
                contributions=tuple(
                    Contribution(kind=kind, names=(str(count),)) for kind, count in info.contributions.items()
                ),
                instances=tuple(
                    health_row(services, one)
                    for one in services.host.instances.all()
                    if one.plugin == info.name
                ),
                traceback=info.trace,
                add=tuple(
                    option
                    for option in service_options(services, "/admin/services/add")
                    if option.plugin == info.name
                ),
            )
        return await self._frame.page(request, "core/admin/plugin.html", view)

    async def enable(self, request: Request) -> Response:
        name = request.path_params["name"]
        await services_of(request).host.set_enabled(name, True, someone(request).id)
        return self._frame.go(request, f"/admin/plugins/{name}", message=_("Switched on."))

    async def disable(self, request: Request) -> Response:
        name = request.path_params["name"]
        await services_of(request).host.set_enabled(name, False, someone(request).id)
        return self._frame.go(request, f"/admin/plugins/{name}", message=_("Switched off."))

    async def retry(self, request: Request) -> Response:
        name = request.path_params["name"]
        await services_of(request).host.retry(name, someone(request).id)
        return self._frame.go(request, f"/admin/plugins/{name}", message=_("Tried again."))
