"""Admin → services: the configured instances, and the forms that add, test, edit and remove them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from medianest_core.base.nested import each_setting, editable
from medianest_core.host.errors import InvalidSettings, UnknownInstance, UnknownService
from medianest_core.host.forms import parse_form
from medianest_core.host.instance import InstanceInfo
from medianest_core.host.instances import Instances
from medianest_core.host.settings_models import secret_places
from medianest_core.host.states import InstanceState
from medianest_core.sdk.errors import MediaNestError
from medianest_core.sdk.media import MediaSource
from medianest_core.sdk.permissions import ADMIN
from medianest_core.sdk.portal import Action as PluginAction
from medianest_core.sdk.service import ServiceType
from medianest_core.sdk.settings import MASK
from medianest_core.sdk.webhooks import WebhookReceiver
from medianest_core.store.errors import Stale
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.services import Services
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.numbers import whole
from medianest_core.web.portal.pages.conflict import (
    conflict_page,
    last_change,
    version_field,
    version_sent,
)
from medianest_core.web.portal.pages.frame import Frame
from medianest_core.web.portal.pages.settings_forms import field_labels, refused, service_form, test_settings
from medianest_core.web.portal.viewer import use_viewer
from medianest_core.web.portal.views import (
    NORMAL,
    Action,
    Fact,
    Form,
    HealthRow,
    ServiceOption,
    ServicesView,
    ServiceView,
    TileState,
)
from medianest_core.web.portal.views.admin import Health
from medianest_core.web.portal.views.common import Tone

_HEALTH: dict[InstanceState, Health] = {
    InstanceState.READY: "up",
    InstanceState.NEW: "unknown",
    InstanceState.SETTING_UP: "unknown",
    InstanceState.RETRYING: "down",
    InstanceState.NEEDS_REAUTH: "down",
    InstanceState.FAILED: "down",
    InstanceState.SUSPENDED: "paused",
    InstanceState.CLOSED: "paused",
}


def health_label(state: InstanceState) -> str:
    """A plain word for the state, in the reader's language."""
    return {
        InstanceState.READY: _("Working"),
        InstanceState.NEW: _("Starting"),
        InstanceState.SETTING_UP: _("Connecting"),
        InstanceState.RETRYING: _("Not answering"),
        InstanceState.NEEDS_REAUTH: _("Needs new credentials"),
        InstanceState.FAILED: _("Failed"),
        InstanceState.SUSPENDED: _("Suspended"),
        InstanceState.CLOSED: _("Off"),
    }[state]


def health_tone(state: InstanceState) -> Tone:
    tones: dict[Health, Tone] = {"up": "success", "down": "error", "degraded": "warning"}
    return tones.get(_HEALTH[state], "neutral")


def health_row(services: Services, info: InstanceInfo, *, admin: bool = True) -> HealthRow:
    """One instance as a row."""
    health = services.host.instances.health(info.id)
    actions: tuple[Action, ...] = ()
    if admin and info.enabled and info.state is not InstanceState.READY:
        actions = (
            Action(
                label=_("Try again"),
                path=f"/admin/services/{info.id}/retry",
                method="post",
                icon="rotate-ccw",
            ),
        )
    return HealthRow(
        title=info.title,
        health=_HEALTH[info.state],
        label=health_label(info.state),
        path=f"/admin/services/{info.id}" if admin else None,
        text=_(info.reason),
        since_at=info.since or None,
        checked_at=health.last_ok_at,
        icon=service_icon(services, info.plugin, info.service),
        live="service:status instance:changed",
        actions=actions,
    )


def service_icon(services: Services, plugin: str, service: str) -> str:
    kind = services.host.registry.service_type(plugin, service)
    return kind.icon if kind is not None else "server"


def service_options(services: Services, base: str, *, builtin: bool = False) -> tuple[ServiceOption, ...]:
    """What can be added; `base` is the path under which the form of each stands. builtin: also what the portal brings itself."""
    found = []
    for plugin, kind in services.host.registry.service_types():
        info = services.host.registry.plugin(plugin)
        if info is None or (info.builtin and not builtin):
            continue
        found.append(
            ServiceOption(
                key=f"{plugin}/{kind.name}",
                title=_(kind.title) or kind.name.capitalize(),
                path=f"{base}/{plugin}/{kind.name}",
                text=_(kind.description or info.description),
                icon=kind.icon,
                plugin=plugin,
                count=sum(
                    one.plugin == plugin and one.service == kind.name for one in services.host.instances.all()
                ),
            )
        )
    return tuple(sorted(found, key=lambda option: option.title))


class ServicePages:
    """Handlers of admin → services."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def routes(self) -> list[BaseRoute]:
        base = "/admin/services"
        return [
            page(base, self.list, policy=ADMIN),
            page(base + "/add/{plugin}/{service}", self.add, methods=("GET", "POST"), policy=ADMIN),
            page(base + "/add/{plugin}/{service}/test", self.test_new, methods=("POST",), policy=ADMIN),
            page(base + "/{id}", self.edit, methods=("GET", "POST"), policy=ADMIN),
            page(base + "/{id}/test", self.test, methods=("POST",), policy=ADMIN),
            page(base + "/{id}/retry", self.retry, methods=("POST",), policy=ADMIN),
            page(base + "/{id}/enable", self.enable, methods=("POST",), policy=ADMIN),
            page(base + "/{id}/disable", self.disable, methods=("POST",), policy=ADMIN),
            page(base + "/{id}/remove", self.remove, methods=("POST",), policy=ADMIN),
            page(base + "/{id}/sync", self.sync, methods=("POST",), policy=ADMIN),
            page(base + "/{id}/actions/{action}", self.act, methods=("POST",), policy=ADMIN),
        ]

    async def list(self, request: Request) -> Response:
        services = services_of(request)
        with use_viewer(self._frame.view(request)):
            shown = tuple(health_row(services, info) for info in services.host.instances.all())
            state = NORMAL
            if not shown:
                state = TileState(
                    kind="empty",
                    title=_("No service yet"),
                    text=_("Choose what to add below; you can test the connection before saving."),
                    icon="server",
                )
            view = ServicesView(
                services=shown,
                options=service_options(services, "/admin/services/add", builtin=True),
                state=state,
            )
        return await self._frame.page(request, "core/admin/services.html", view)

    async def add(self, request: Request) -> Response:
        services, instances = services_of(request), services_of(request).host.instances
        plugin, service = request.path_params["plugin"], request.path_params["service"]
        kind = services.host.registry.service_type(plugin, service)
        if kind is None:
            raise UnknownService(_("There is no such service."))
        path = f"/admin/services/add/{plugin}/{service}"
        title, values, errors = "", dict[str, Any](), None
        if request.method == "POST":
            form = await request.form()
            title, typed = str(form.get("instance_title", "")), parse_form(kind.settings, form)
            try:
                info = await instances.create(plugin, service, "", title, typed, someone(request).id)
            except InvalidSettings as error:
                values, errors = refused(kind.settings, {}, typed, error.errors)
            else:
                return self._frame.go(request, f"/admin/services/{info.id}", message=_("Saved."))
        with use_viewer(self._frame.view(request)):
            view = ServiceView(
                title=_("Add %(name)s") % {"name": kind.title or kind.name},
                service=kind.title or kind.name,
                text=_(kind.description),
                icon=kind.icon,
                form=service_form(
                    kind,
                    path=path,
                    test_path=f"{path}/test",
                    cancel_path="/admin/services",
                    title=title,
                    values=values,
                    errors=errors,
                ),
            )
        return await self._frame.page(
            request, "core/admin/service.html", view, status=self._frame.form_status(request, errors)
        )

    async def edit(self, request: Request) -> Response:
        services, instances = services_of(request), services_of(request).host.instances
        info = instances.info(request.path_params["id"])
        kind = services.host.registry.service_type(info.plugin, info.service)
        if kind is None:
            return await self._unavailable(request, info)
        title, values, version = info.title, instances.form_values(info.id), info.version
        theirs, status = None, 200
        errors: Mapping[str, str] | None = _refused(kind, values) if _needs_credentials(info) else None
        if request.method == "POST":
            form = await request.form()
            title, typed = str(form.get("instance_title", "")), parse_form(kind.settings, form)
            version = _version(form.get("version"), info.version)
            try:
                await instances.update(info.id, typed, version, someone(request).id, title=title)
            except InvalidSettings as error:
                values, errors = refused(kind.settings, values, typed, error.errors)
                status = self._frame.form_status(request, errors)
            except Stale as stale:
                values, errors = refused(kind.settings, values, typed, {})
                theirs, version = dict(stale.current), int(stale.current.get("version", info.version))
                status = self._frame.form_status(request, theirs, 409)
            else:
                return self._frame.go(request, f"/admin/services/{info.id}", message=_("Saved."))
        with use_viewer(self._frame.view(request)):
            form_view = service_form(
                kind,
                path=f"/admin/services/{info.id}",
                test_path=f"/admin/services/{info.id}/test",
                cancel_path="/admin/services",
                title=title,
                values=values,
                errors=errors,
                version=version,
                theirs=theirs,
            )
            view = ServiceView(
                title=info.title,
                service=kind.title or kind.name,
                text=_(kind.description),
                icon=kind.icon,
                form=form_view,
                health=health_row(services, info),
                facts=_facts(services, info),
                actions=self._actions(services, info),
                danger=_danger(info),
            )
        return await self._frame.page(request, "core/admin/service.html", view, status=status)

    async def _unavailable(self, request: Request, info: InstanceInfo) -> Response:
        """The plugin is not running: what is stored stays, and can only be looked at or removed."""
        services = services_of(request)
        with use_viewer(self._frame.view(request)):
            view = ServiceView(
                title=info.title,
                service=info.service,
                form=Form(
                    path="",
                    groups=(),
                    submit="",
                    state=TileState(kind="failed", title=health_label(info.state), text=_(info.reason)),
                ),
                health=health_row(services, info),
                danger=_danger(info),
            )
        return await self._frame.page(request, "core/admin/service.html", view)

    def _actions(self, services: Services, info: InstanceInfo) -> tuple[Action, ...]:
        found = []
        if info.ready and services.host.instances.has(MediaSource, info.id):
            found.append(
                Action(
                    label=_("Sync now"),
                    path=f"/admin/services/{info.id}/sync",
                    method="post",
                    icon="refresh-cw",
                )
            )
        if services.host.instances.has(WebhookReceiver, info.id):
            found.append(Action(label=_("Webhooks"), path=f"/admin/webhooks/in/{info.id}", icon="webhook"))
        for plugin, action in services.host.registry.contributions(PluginAction):
            if plugin == info.plugin and action.service == info.service:
                found.append(
                    Action(
                        label=_(action.title),
                        path=f"/admin/services/{info.id}/actions/{action.name}",
                        method="post",
                        icon=action.icon,
                        confirm=_(action.confirm) or None,
                    )
                )
        found.append(Action(label=_("History"), path=f"/admin/services/{info.id}/history", icon="history"))
        found.append(switch(info))
        return tuple(found)

    async def test_new(self, request: Request) -> Response:
        return await self._test(request, request.path_params["plugin"], request.path_params["service"], None)

    async def test(self, request: Request) -> Response:
        info = services_of(request).host.instances.info(request.path_params["id"])
        return await self._test(request, info.plugin, info.service, info.id)

    async def _test(self, request: Request, plugin: str, service: str, instance_id: str | None) -> Response:
        services = services_of(request)
        kind = services.host.registry.service_type(plugin, service)
        if kind is None:
            raise UnknownService(_("There is no such service."))
        with use_viewer(self._frame.view(request)):
            result = await test_settings(services, plugin, kind, await request.form(), instance_id)
        return self._frame.fragment(request, "core/fragments/test_result.html", result)

    async def retry(self, request: Request) -> Response:
        await self._instances(request).retry(request.path_params["id"])
        return self._back(request, _("Trying again."))

    async def enable(self, request: Request) -> Response:
        return await self._switch(request, True, _("Switched on."))

    async def disable(self, request: Request) -> Response:
        return await self._switch(request, False, _("Switched off."))

    async def _switch(self, request: Request, enabled: bool, message: str) -> Response:
        instances = self._instances(request)
        info = instances.info(request.path_params["id"])
        if info.enabled is enabled:
            change = await last_change(services_of(request), _target(info), "instance.")
            told = f" {change.told()}" if change is not None else ""
            return self._back(request, f"{message}{told}")
        try:
            version = await version_sent(request, info.version)
            await instances.set_enabled(info.id, enabled, someone(request).id, version)
        except Stale:
            return await self._conflict(request, info, switch(info))
        return self._back(request, message)

    async def remove(self, request: Request) -> Response:
        instances = self._instances(request)
        info = instances.info(request.path_params["id"])
        try:
            await instances.remove(info.id, someone(request).id, await version_sent(request, info.version))
        except Stale:
            return await self._conflict(request, info, _danger(info)[0])
        return self._frame.go(request, "/admin/services", message=_("Removed."))

    async def _conflict(self, request: Request, info: InstanceInfo, again: Action) -> Response:
        services = services_of(request)
        kind = services.host.registry.service_type(info.plugin, info.service)
        values = services.host.instances.form_values(info.id)
        shown = [
            (name, value)
            for name, value in each_setting(values).items()
            if isinstance(value, str | int | float) and value not in ("", MASK)
        ]
        labels = field_labels(kind.settings, values) if kind is not None else {}
        return await conflict_page(
            self._frame,
            request,
            title=info.title,
            change=await last_change(services, _target(info), "instance."),
            wanted=again.label,
            present=(
                Fact(label=_("Name"), value=info.title),
                Fact(label=_("State"), value=health_label(info.state)),
                *(Fact(label=labels.get(name, name), value=str(value)) for name, value in shown),
            ),
            again=again,
            version=info.version,
            back=f"/admin/services/{info.id}",
        )

    async def sync(self, request: Request) -> Response:
        info = self._instances(request).info(request.path_params["id"])
        await services_of(request).library.request_sync(instance_ids=[info.id], actor=someone(request).id)
        return self._back(request, _("The sync has started."))

    async def act(self, request: Request) -> Response:
        services = services_of(request)
        info = services.host.instances.info(request.path_params["id"])
        for plugin, action in services.host.registry.contributions(PluginAction):
            if (plugin, action.service, action.name) == (
                info.plugin,
                info.service,
                request.path_params["action"],
            ):
                try:
                    message = await services.host.instances.act(info.id, action, someone(request).id)
                except MediaNestError as error:
                    message = str(error)
                return self._back(request, _(message))
        raise UnknownInstance(_("There is no such action."))

    def _instances(self, request: Request) -> Instances:
        return services_of(request).host.instances

    def _back(self, request: Request, message: str) -> Response:
        return self._frame.go(request, f"/admin/services/{request.path_params['id']}", message=message)


def _needs_credentials(info: InstanceInfo) -> bool:
    return info.state is InstanceState.NEEDS_REAUTH


def _refused(kind: ServiceType[Any, Any], values: Mapping[str, Any]) -> Mapping[str, str]:
    """What to type anew where the service does not take the stored credentials any more."""
    return {
        place.name: _("The service refuses what is stored here. Type it anew and test the connection.")
        for place in secret_places(kind.settings, editable(values))
        if place.value
    }


def _version(sent: object, present: int) -> int:
    found = whole(sent)
    return present if found is None else found


def _facts(services: Services, info: InstanceInfo) -> tuple[Fact, ...]:
    health = services.host.instances.health(info.id)
    found = [Fact(label=_("Plugin"), value=info.plugin, kind="code")]
    if info.service_version:
        found.append(Fact(label=_("Version"), value=info.service_version))
    if health.last_ok_at:
        found.append(Fact(label=_("Last answer"), value=health.last_ok_at, kind="age"))
    if health.last_error and health.last_error_at:
        found.append(Fact(label=_("Last problem"), value=_(health.last_error)))
        found.append(Fact(label=_("Happened"), value=health.last_error_at, kind="age"))
    return tuple(found)


def _target(info: InstanceInfo) -> str:
    """What the audit log calls the instance."""
    return f"{info.plugin}/{info.service}/{info.id}"


def switch(info: InstanceInfo) -> Action:
    """The button that turns an instance off, or on again."""
    verb, label = ("disable", _("Switch off")) if info.enabled else ("enable", _("Switch on"))
    return Action(
        label=label,
        path=f"/admin/services/{info.id}/{verb}",
        method="post",
        icon="power",
        values=version_field(info.version),
    )


def _danger(info: InstanceInfo) -> tuple[Action, ...]:
    return (
        Action(
            label=_("Remove"),
            path=f"/admin/services/{info.id}/remove",
            method="post",
            icon="trash-2",
            tone="error",
            confirm=_("This removes the service with its settings and everything the library knows from it."),
            confirm_word=info.title,
            values=version_field(info.version),
        ),
    )
