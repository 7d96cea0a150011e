"""Admin → plugins: every installed plugin with its state and the reason for it. Reads what the host wrote; calls no plugin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from medianest_core.host.errors import UnknownPlugin
from medianest_core.host.faults import Elsewhere, Fault
from medianest_core.host.lifecycle import PluginHost
from medianest_core.host.quality import NAMES, Quality
from medianest_core.host.registry import PluginInfo
from medianest_core.host.states import PluginState
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.permissions import ADMIN
from medianest_core.store.errors import Stale
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.viewer import services_of, session_of, someone
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.pages.conflict import conflict_page, last_change, version_field, version_sent
from medianest_core.web.portal.pages.frame import Frame
from medianest_core.web.portal.pages.services import health_row, service_options
from medianest_core.web.portal.viewer import use_viewer
from medianest_core.web.portal.views import (
    Action,
    Contribution,
    Fact,
    Field,
    PluginRow,
    PluginsView,
    PluginView,
    QualityRule,
)
from medianest_core.web.portal.views.common import Tone
from medianest_core.web.portal.views.plugins import Mistake, SafeMode

SAFE_MODE = "/admin/plugins/safe-mode"
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


def plugin_row(
    info: PluginInfo, quality: Quality | None = None, newest: Fault | None = None, *, safe: bool = False
) -> PluginRow:
    """newest: what it did wrong last, shown of one that runs. safe: safe mode keeps it from being tried."""
    wrong = newest if info.state is PluginState.ACTIVE else None
    base = f"/admin/plugins/{info.name}"
    actions: list[Action] = []
    if not info.builtin:
        if not info.enabled:
            actions.append(switch(info, True))
        else:
            if not info.state.running and not safe:
                actions.append(
                    Action(label=_("Try again"), path=f"{base}/retry", method="post", icon="rotate-ccw")
                )
            actions.append(switch(info, False))
    return PluginRow(
        name=info.name,
        title=_(info.title),
        path=base,
        state=info.state.value,
        state_label=state_label(info.state),
        tone="warning" if wrong is not None else _TONES.get(info.state, "error"),
        version=info.version,
        distribution=info.distribution,
        text=_(info.description),
        reason=_(wrong.sentence()) if wrong is not None else _(info.reason),
        since_at=wrong.first_at if wrong is not None else info.since or None,
        instances=info.instances,
        provides=tuple(info.providers),
        quality=_(NAMES[quality.level]) if quality is not None and quality.level else "",
        icon=info.icon,
        builtin=info.builtin,
        actions=tuple(actions),
    )


def switch(info: PluginInfo, on: bool) -> Action:
    """The button that switches a plugin on or off."""
    return Action(
        label=_("Switch on") if on else _("Switch off"),
        path=f"/admin/plugins/{info.name}/{'enable' if on else 'disable'}",
        method="post",
        icon="power",
        values=version_field(info.row_version),
    )


def _newest(host: PluginHost, elsewhere: Sequence[Elsewhere], plugin: str) -> Fault | None:
    """What it did wrong last in this process, else in another."""
    here = next(iter(host.faults.of(plugin)), None)
    return here or next((one.fault for one in elsewhere if one.plugin == plugin), None)


def _mistakes(host: PluginHost, elsewhere: Sequence[Elsewhere], plugin: str) -> Iterator[Mistake]:
    for fault in host.faults.of(plugin):
        yield Mistake(
            where=_(fault.where), text=_(fault.text), at=fault.at, count=fault.count, trace=fault.trace
        )
    for one in elsewhere:
        if one.plugin == plugin:
            yield Mistake(
                where="",
                text=_(one.fault.text),
                at=one.fault.at,
                trace=one.fault.trace,
                process=one.process,
            )


def _password() -> Field:
    return Field(
        name="password",
        label=_("Your password"),
        kind="password",
        required=True,
        autocomplete="current-password",
    )


class PluginAdminPages:
    """Handlers of admin → plugins."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def routes(self) -> list[BaseRoute]:
        return [
            page("/admin/plugins", self.list, policy=ADMIN),
            page(SAFE_MODE, self.safe_mode, methods=("POST",), policy=ADMIN),
            page("/admin/plugins/{name}", self.detail, policy=ADMIN),
            page("/admin/plugins/{name}/enable", self.enable, methods=("POST",), policy=ADMIN),
            page("/admin/plugins/{name}/disable", self.disable, methods=("POST",), policy=ADMIN),
            page("/admin/plugins/{name}/retry", self.retry, methods=("POST",), policy=ADMIN),
        ]

    async def list(self, request: Request) -> Response:
        return await self._list(request)

    async def _list(self, request: Request, error: str = "", status: int = 200) -> Response:
        services = services_of(request)
        host, quality = services.host, await services.host.quality()
        elsewhere = await host.elsewhere()
        by_password = await services.accounts.confirm.by_password(someone(request).id)
        with use_viewer(self._frame.view(request)):
            rows = [
                plugin_row(
                    info, quality.get(info.name), _newest(host, elsewhere, info.name), safe=host.safe_mode
                )
                for info in host.registry.plugins()
            ]
            view = PluginsView(
                plugins=tuple(row for row in rows if not row.builtin),
                builtin=tuple(row for row in rows if row.builtin),
                safe_mode=SafeMode(
                    on=host.safe_mode,
                    path=SAFE_MODE,
                    fixed=host.safe_mode_fixed,
                    password=_password() if by_password else None,
                    error=error,
                ),
            )
        return await self._frame.page(request, "core/admin/plugins.html", view, status=status)

    async def safe_mode(self, request: Request) -> Response:
        """Into safe mode or out of it, for whoever says once more who they are: it stops half the portal."""
        services, form = services_of(request), await request.form()
        person, session, on = someone(request), session_of(request), form.get("on") == "true"
        try:
            if services.host.safe_mode_fixed:
                raise UserError(_("The portal was started in safe mode. Start it without, to end it."))
            await services.accounts.confirm.check(
                person.id, session.id if session is not None else None, str(form.get("password", ""))
            )
        except UserError as error:
            return await self._list(request, _(str(error)), self._frame.form_status(request, error))
        await services.host.set_safe_mode(on, person.id)
        message = _("Safe mode is on.") if on else _("Safe mode has ended.")
        return self._frame.go(request, "/admin/plugins", message=message)

    async def detail(self, request: Request) -> Response:
        services = services_of(request)
        info = services.host.registry.plugin(request.path_params["name"])
        if info is None:
            raise UnknownPlugin(_("No such plugin is installed."))
        quality = (await services.host.quality()).get(info.name)
        missing = quality.missing if quality is not None else ()
        host, elsewhere = services.host, await services.host.elsewhere(info.name)
        with use_viewer(self._frame.view(request)):
            facts = [
                Fact(label=_("Distribution"), value=f"{info.distribution} {info.version}", kind="code"),
                Fact(label=_("Plugin API"), value=info.api),
            ]
            if info.since:
                facts.append(Fact(label=_("In this state since"), value=info.since, kind="datetime"))
            if info.providers:
                facts.append(Fact(label=_("Providers"), value=", ".join(info.providers)))
            if info.homepage:
                facts.append(Fact(label=_("Home page"), value=info.homepage))
            view = PluginView(
                plugin=plugin_row(info, quality, _newest(host, elsewhere, info.name), safe=host.safe_mode),
                following=_(NAMES[missing[0].rule.level]) if missing else "",
                rules=tuple(QualityRule(title=_(one.rule.title), note=one.text) for one in missing),
                facts=tuple(facts),
                contributions=tuple(
                    Contribution(kind=kind, names=(str(count),)) for kind, count in info.contributions.items()
                ),
                instances=tuple(
                    health_row(services, one)
                    for one in services.host.instances.all()
                    if one.plugin == info.name
                ),
                mistakes=tuple(_mistakes(host, elsewhere, info.name)),
                hooks=tuple(host.hooks.implemented(info.name)),
                traceback=info.trace,
                add=tuple(
                    option
                    for option in service_options(services, "/admin/services/add", builtin=True)
                    if option.plugin == info.name
                ),
            )
        return await self._frame.page(request, "core/admin/plugin.html", view)

    async def enable(self, request: Request) -> Response:
        return await self._switch(request, True, _("Switched on."))

    async def disable(self, request: Request) -> Response:
        return await self._switch(request, False, _("Switched off."))

    async def _switch(self, request: Request, on: bool, message: str) -> Response:
        services, name = services_of(request), request.path_params["name"]
        info = services.host.registry.plugin(name)
        version = await version_sent(request, info.row_version if info is not None else 0)
        try:
            await services.host.set_enabled(name, on, someone(request).id, version)
        except Stale as stale:
            if info is None:
                raise
            return await conflict_page(
                self._frame,
                request,
                title=_(info.title),
                change=await last_change(services, name, "plugin."),
                wanted=switch(info, on).label,
                present=(Fact(label=_("State"), value=state_label(info.state)),),
                again=switch(info, on),
                version=int(stale.current["version"]),
                back=f"/admin/plugins/{name}",
            )
        return self._frame.go(request, f"/admin/plugins/{name}", message=message)

    async def retry(self, request: Request) -> Response:
        name = request.path_params["name"]
        await services_of(request).host.retry(name, someone(request).id)
        return self._frame.go(request, f"/admin/plugins/{name}", message=_("Tried again."))
