"""The set-up wizard: one-time link → admin → first service → sign-in options → done. Each step can be resumed or skipped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from medianest_core.domain.accounts.errors import SetupClosed
from medianest_core.host.errors import InvalidSettings, UnknownService
from medianest_core.host.forms import parse_form
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.permissions import ADMIN, PUBLIC
from medianest_core.store.errors import Stale
from medianest_core.web.gate import cookies
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.viewer import browser_of, services_of, someone, viewer_of
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.numbers import whole
from medianest_core.web.portal.pages.frame import Frame
from medianest_core.web.portal.pages.services import service_options
from medianest_core.web.portal.pages.settings_forms import refused, service_form, test_settings
from medianest_core.web.portal.viewer import use_viewer
from medianest_core.web.portal.views import Action, Field, FieldGroup, Form, WizardStep, WizardView


class SetupPages:
    """Handlers of the wizard."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def routes(self) -> list[BaseRoute]:
        return [
            page("/setup", self.admin, methods=("GET", "POST"), policy=PUBLIC),
            page("/setup/service", self.choose, methods=("GET", "POST"), policy=ADMIN),
            page("/setup/service/{plugin}/{service}", self.service, methods=("GET", "POST"), policy=ADMIN),
            page("/setup/service/{plugin}/{service}/test", self.test, methods=("POST",), policy=ADMIN),
            page("/setup/sign-in", self.sign_in, methods=("GET", "POST"), policy=ADMIN),
            page("/setup/done", self.done, policy=ADMIN),
        ]

    async def admin(self, request: Request) -> Response:
        accounts = services_of(request).accounts
        person = viewer_of(request)
        if person is not None and person.is_admin:
            return self._frame.go(request, "/setup/service")
        form = await request.form() if request.method == "POST" else None
        token = str((form or request.query_params).get("token", ""))
        if not await accounts.setup.check(token):
            raise SetupClosed(
                "This set-up link is wrong or was used already. The terminal that runs MediaNest prints the present one."
            )
        username, errors = "", {}
        if form is not None:
            username, password = str(form.get("username", "")), str(form.get("password", ""))
            if password != str(form.get("again", "")):
                errors = {"again": _("The two passwords differ.")}
            else:
                browser = browser_of(request)
                try:
                    signed_in = await accounts.setup.create_admin(
                        token, username, password, user_agent=browser.user_agent, ip=browser.ip
                    )
                except UserError as error:
                    errors = {error.field or "username": str(error)}
                else:
                    response = self._frame.go(request, "/setup/service")
                    cookies.set_session(response, request, signed_in)
                    return response
        with use_viewer(self._frame.view(request)):
            view = WizardView(
                steps=_steps("admin"),
                title=_("Welcome to MediaNest"),
                text=_("First an account for you. It works even when every service is away."),
                form=_admin_form(token, username, {name: _(text) for name, text in errors.items()}),
            )
        return await self._frame.page(
            request, "core/setup.html", view, status=self._frame.form_status(request, errors)
        )

    async def choose(self, request: Request) -> Response:
        if request.method == "POST":
            return self._frame.go(request, "/setup/sign-in")
        services = services_of(request)
        with use_viewer(self._frame.view(request)):
            view = WizardView(
                steps=_steps("service"),
                title=_("Add your first service"),
                text=_("Most people begin with their media server. You can add more at any time."),
                options=service_options(services, "/setup/service"),
                skip_path="/setup/service",
            )
        return await self._frame.page(request, "core/setup.html", view)

    async def service(self, request: Request) -> Response:
        services = services_of(request)
        plugin, service = request.path_params["plugin"], request.path_params["service"]
        kind = services.host.registry.service_type(plugin, service)
        if kind is None:
            raise UnknownService("There is no such service.")
        title, values, errors = kind.title or kind.name.capitalize(), dict[str, Any](), None
        if request.method == "POST":
            form = await request.form()
            title, typed = str(form.get("instance_title", "")), parse_form(kind.settings, form)
            try:
                await services.host.instances.create(plugin, service, "", title, typed, someone(request).id)
            except InvalidSettings as error:
                values, errors = refused(kind.settings, {}, typed, error.errors)
            else:
                return self._frame.go(request, "/setup/sign-in")
        path = f"/setup/service/{plugin}/{service}"
        with use_viewer(self._frame.view(request)):
            view = WizardView(
                steps=_steps("service"),
                title=_("Add %(name)s") % {"name": kind.title or kind.name},
                text=kind.description,
                form=service_form(
                    kind,
                    path=path,
                    test_path=f"{path}/test",
                    cancel_path="/setup/service",
                    title=title,
                    values=values,
                    errors=errors,
                ),
                back_path="/setup/service",
            )
        return await self._frame.page(
            request, "core/setup.html", view, status=self._frame.form_status(request, errors)
        )

    async def test(self, request: Request) -> Response:
        services = services_of(request)
        plugin, service = request.path_params["plugin"], request.path_params["service"]
        kind = services.host.registry.service_type(plugin, service)
        if kind is None:
            raise UnknownService("There is no such service.")
        with use_viewer(self._frame.view(request)):
            result = await test_settings(services, plugin, kind, await request.form())
        return self._frame.fragment(request, "core/fragments/test_result.html", result)

    async def sign_in(self, request: Request) -> Response:
        services = services_of(request)
        settings, version = await services.portal_settings.current(), services.portal_settings.version
        theirs: dict[str, object] | None = None
        if request.method == "POST":
            form = await request.form()
            sent = whole(form.get("version"))
            wanted = {
                "auto_approve": _ticked(form.getlist("auto_approve")),
                "site_name": str(form.get("site_name") or settings.site_name),
            }
            try:
                await services.portal_settings.change(
                    wanted, version if sent is None else sent, someone(request).id
                )
            except Stale as stale:
                theirs, version = dict(stale.current), int(stale.current["version"])
                settings = settings.model_copy(update=wanted)
            else:
                return self._frame.go(request, "/setup/done")
        with use_viewer(self._frame.view(request)):
            view = WizardView(
                steps=_steps("sign-in"),
                title=_("Who may come in?"),
                text=_(
                    "People who have access to your media server can sign in with it. Decide what happens then."
                ),
                form=Form(
                    path="/setup/sign-in",
                    groups=(
                        FieldGroup(
                            fields=(
                                Field(
                                    name="site_name",
                                    label=_("Name of your portal"),
                                    value=settings.site_name,
                                    required=True,
                                    theirs=_other(theirs, "site_name", settings.site_name),
                                ),
                                Field(
                                    name="auto_approve",
                                    label=_("Let new people in without approval"),
                                    kind="toggle",
                                    help=_("Otherwise each new person waits until an admin approves."),
                                    value="true" if settings.auto_approve else "",
                                ),
                            )
                        ),
                    ),
                    submit=_("Save and go on"),
                    version=version,
                    conflict=_("Someone else changed this in the meantime.") if theirs else "",
                ),
                back_path="/setup/service",
            )
        return await self._frame.page(
            request, "core/setup.html", view, status=self._frame.form_status(request, theirs, 409)
        )

    async def done(self, request: Request) -> Response:
        services = services_of(request)
        with use_viewer(self._frame.view(request)):
            checks = [(_("Admin account"), True, someone(request).username)]
            instances = services.host.instances.all()
            checks += [(info.title, info.ready, info.reason or _("Connected")) for info in instances]
            if not instances:
                checks.append((_("Services"), False, _("None yet; add them under Administration.")))
            view = WizardView(
                steps=_steps("done"),
                title=_("All set"),
                text=_("Your library fills by itself; the first look at a large server takes a few minutes."),
                checks=tuple(checks),
                next=(
                    Action(label=_("Open the portal"), path="/", icon="house", tone="primary"),
                    Action(label=_("Add another service"), path="/admin/services", icon="plus"),
                ),
            )
        return await self._frame.page(request, "core/setup.html", view)


def _ticked(values: Sequence[object]) -> bool:
    return "true" in [str(value) for value in values]


def _other(theirs: dict[str, object] | None, name: str, mine: str) -> str | None:
    value = None if theirs is None else str(theirs.get(name, ""))
    return value if value != mine else None


def _steps(current: str) -> tuple[WizardStep, ...]:
    names = (
        ("admin", _("Your account"), "/setup"),
        ("service", _("First service"), "/setup/service"),
        ("sign-in", _("Who may come in"), "/setup/sign-in"),
        ("done", _("Done"), "/setup/done"),
    )
    place = [key for key, _label, _path in names].index(current)
    return tuple(
        WizardStep(
            key=key,
            label=label,
            path=path,
            state="done" if index < place else "current" if index == place else "ahead",
        )
        for index, (key, label, path) in enumerate(names)
    )


def _admin_form(token: str, username: str, errors: dict[str, str]) -> Form:
    return Form(
        path="/setup",
        groups=(
            FieldGroup(
                fields=(
                    Field(name="token", label="", kind="hidden", value=token),
                    Field(
                        name="username",
                        label=_("User name"),
                        value=username,
                        required=True,
                        autocomplete="username",
                        error=errors.get("username", ""),
                        autofocus=True,
                    ),
                    Field(
                        name="password",
                        label=_("Password"),
                        kind="password",
                        help=_("At least eight characters; a short sentence is easy to remember."),
                        required=True,
                        autocomplete="new-password",
                        error=errors.get("password", ""),
                    ),
                    Field(
                        name="again",
                        label=_("Password once more"),
                        kind="password",
                        required=True,
                        autocomplete="new-password",
                        error=errors.get("again", ""),
                    ),
                )
            ),
        ),
        submit=_("Create the account"),
    )
